"""What a replay came to, as tuning looks at it: its waits, its repeats, and where answers differ. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from konseho_cli.bench.tuning import Facts
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.models.cassette import Attempt, identity_of
from konseho_cli.telemetry.spans import Span

_REPLAY_MISS = 2
"""The exit status of a replay that came to a call which was not recorded."""


def facts_of(outcome: RunOutcome, repeated: dict[str, int]) -> Facts:
    """From a replay's spans and calls. `repeated`: by step, of the record."""
    waits: defaultdict[str, list[Span]] = defaultdict(list)
    for span in outcome.spans:
        if span.kind == "queue.limit":
            waits[str(span.attributes.get("resource", ""))].append(span)
    ok = {(call.step, call.agent) for call in outcome.calls if call.status == "ok"}
    answered = Counter(step for step, _ in ok)
    return Facts(
        waited={name: sum(span.end - span.start for span in own) for name, own in waits.items()},
        queued={name: most_at_once(own) for name, own in waits.items()},
        answered=dict(answered),
        repeated=repeated,
        calls=len(outcome.calls),
    )


def most_at_once(spans: Iterable[Span]) -> int:
    """The most of them that were open at the same moment; who leaves makes room for who comes."""
    moments = sorted(
        moment for span in spans for moment in ((span.start, 1), (span.end, -1))
        if span.end > span.start
    )  # fmt: skip
    now = most = 0
    for _, step in moments:
        now += step
        most = max(most, now)
    return most


def repeats(attempts: Sequence[Attempt]) -> dict[str, int]:
    """By step: requests that were made more than once in the run, by whomever.

    Attempts without an answer do not count: a call that is made again is the same call.
    """
    alike: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for attempt in attempts:
        if attempt.reply is not None:
            alike[attempt.model, attempt.hash].append(identity_of(attempt.identity).step_id)
    return dict(Counter(step for steps in alike.values() if len(steps) > 1 for step in steps))


def difference(before: RunOutcome, after: RunOutcome) -> str:
    """Where two replays of one record come apart, in a few words; empty: nowhere."""
    if after.error is not None and after.error != before.error:
        first = after.error.partition("\n")[0]
        if after.exit_code == _REPLAY_MISS:
            return f"{first.partition(': ')[0]} would be asked something else"
        return f"the run breaks: {first}"
    for one, other in zip(before.steps, after.steps, strict=True):
        if one.value != other.value:
            return f"step '{one.id}' comes to another value"
    if before.answer != after.answer:
        return "the answer is another one"
    return "the gate decides otherwise" if before.gate != after.gate else ""
