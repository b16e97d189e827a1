"""Why a run came to its answer: who said what, who moved, who voted how, what was missing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from konseho_cli.engine.outcome import CallRecord, RunOutcome, StepOutcome
from konseho_cli.engine.within import Said as SaidIn
from konseho_cli.engine.within import every_outcome, held_by
from konseho_cli.profiling.explaining.asked import Asked
from konseho_cli.profiling.explaining.debates import DebateAccount, debate_account
from konseho_cli.profiling.explaining.excerpt import MOST, excerpt
from konseho_cli.profiling.explaining.origin import Had, Origin, had_before, origin
from konseho_cli.profiling.explaining.refining import rounds_said
from konseho_cli.profiling.explaining.said import Said
from konseho_cli.profiling.explaining.votes import VoteAccount, vote_account
from konseho_cli.profiling.time.critical_path import critical_path
from konseho_cli.steps.base import as_text

MOST_INSIDE = 12
"""Steps inside of one that are all told of; of more, those of the last iteration are."""
MOST_SAID = 12
"""Outputs of one step that are told of; the others are counted."""
MOST_OF_ROUNDS = 30
"""Versions and critiques of one refine that are told of, the newest."""


class StepAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One step; a debate and a vote are told by their own accounts, all others by what was said."""

    id: str
    kind: str
    status: str
    duration_s: float | None
    reasons: tuple[str, ...]
    """Who was dropped or stood in, what failed."""
    said: tuple[Said, ...]
    unsaid: int
    """Outputs beside those in `said`."""
    debate: DebateAccount | None
    vote: VoteAccount | None
    had: tuple[Had, ...] | None
    """What the one who speaks alone had before it; None: several speak, it is the first step, or
    what they were asked is not known."""
    prompt_size: int | None
    """Characters of that prompt."""
    depth: int = 0
    """How many steps it is inside of."""
    untold: int = 0
    """Steps inside of it that are not told of: those of the iterations before its last."""


class CallsAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know of the calls beside their answers; a call as `step/agent`."""

    total: int
    cached: tuple[str, ...]
    shared: tuple[str, ...]
    """Answered by an identical call that was in flight."""
    resumed: tuple[str, ...]
    """Answered by what an earlier session of the run had paid for."""
    failed: tuple[str, ...]
    retries: int
    hedges: int
    wasted_tokens: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything; `excerpt_characters` is the rule by which texts are cut."""

    run: str
    council: str
    status: str
    error: str | None
    gate: bool | None
    simulated: bool
    replayed: bool
    origin: Origin | None
    steps: tuple[StepAccount, ...]
    calls: CallsAccount
    critical_path: tuple[str, ...]
    excerpt_characters: int = MOST


def explain(
    outcome: RunOutcome, asked: Sequence[Asked] = (), said: SaidIn | None = None
) -> Explanation:
    """`asked` and `said`: what the calls were asked and came to, as far as that is known."""
    every = tuple(every_outcome(outcome, said))
    told = [each for step in outcome.steps for each in _told(step, said)]
    return Explanation(
        run=outcome.run,
        council=outcome.council,
        status=outcome.status,
        error=outcome.error,
        gate=outcome.gate,
        simulated=outcome.simulated,
        replayed=outcome.replayed,
        origin=origin(outcome, every),
        steps=tuple(
            _step(every, step, [one for one in asked if one.step == step.id], depth, untold)
            for step, depth, untold in told
        ),
        calls=_calls(outcome.calls),
        critical_path=critical_path(outcome.spans).headline(),
    )


def _told(
    step: StepOutcome, said: SaidIn | None, depth: int = 0
) -> Iterator[tuple[StepOutcome, int, int]]:
    """A step with those inside of it; of very many iterations with those of the last."""
    inside = list(held_by(step, said))
    latest = max((_iteration(step, inner) for inner in inside), default=0)
    kept = [inner for inner in inside if _iteration(step, inner) in (0, latest)]
    kept = inside if len(inside) <= MOST_INSIDE else kept
    yield step, depth, len(inside) - len(kept)
    for inner in kept:
        yield from _told(inner, said, depth + 1)


def _iteration(around: StepOutcome, inner: StepOutcome) -> int:
    first = inner.id.removeprefix(f"{around.id}.").partition(".")[0]
    return int(first) if first.isdigit() else 0


def _step(
    every: Sequence[StepOutcome], step: StepOutcome, asked: Sequence[Asked], depth: int, untold: int
) -> StepAccount:
    debate = debate_account(step) if step.kind == "debate" else None
    vote = vote_account(step) if step.kind == "vote" else None
    rounds = rounds_said(step)
    holds = "steps" in step.details  # they say it themselves
    said = list(_chosen(step)) if holds else list(rounds or _said(step))
    said = [] if debate or vote else said
    shown = said[-MOST_OF_ROUNDS:] if rounds else said[:MOST_SAID]  # the last version is the result
    alone = asked[-1] if asked and step.kind in ("chair", "ask") else None
    if step is every[0]:
        alone = None  # nothing was there before it
    ended = step.start is not None and step.end is not None
    return StepAccount(
        id=step.id,
        kind=step.kind,
        status=step.status,
        duration_s=((step.end or 0) - (step.start or 0)) / 1e9 if ended else None,
        reasons=step.reasons,
        said=tuple(shown),
        unsaid=len(said) - len(shown),
        debate=debate,
        vote=vote,
        had=None if alone is None else had_before(every, step, alone),
        prompt_size=None if alone is None else len(alone.prompt),
        depth=depth,
        untold=untold,
    )


def _chosen(step: StepOutcome) -> Iterator[Said]:
    """Which of its branches a route took, and why."""
    chosen, reason = step.details.get("chosen"), step.details.get("reason")
    if isinstance(chosen, (list, tuple)):
        names = ", ".join(map(str, chosen)) or "none of its branches"
        why = excerpt(f"{names}: {reason}" if reason else names)
        yield Said(label="chose", agent="", about="", text=why)


def _said(step: StepOutcome) -> Iterator[Said]:
    """The pieces of a split with who did them, then whatever else is an output."""
    found = step.details.get("pieces")
    pieces = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    told = set()
    for piece in pieces:
        text = as_text(piece.get("answer"))
        if piece.get("answer") is not None:
            told.add(text)
            item = excerpt(as_text(piece.get("item")), 40)
            yield Said(
                label=str(piece.get("index")),
                agent=str(piece.get("agent") or ""),
                about=f"{item.text}{'…' if item.left_out else ''}",
                text=excerpt(text),
            )
    for part in step.parts:
        if part.text not in told:
            yield Said(label=part.label, agent="", about="", text=excerpt(part.text))


def _calls(calls: Sequence[CallRecord]) -> CallsAccount:
    def by(source: str) -> tuple[str, ...]:
        return tuple(_name(call) for call in calls if call.source == source)

    return CallsAccount(
        total=len(calls),
        cached=by("cache"),
        shared=by("flight"),
        resumed=by("journal"),
        failed=tuple(f"{_name(call)}: {call.error}" for call in calls if call.status == "failed"),
        retries=sum(call.retries for call in calls),
        hedges=sum(call.hedges for call in calls),
        wasted_tokens=sum(call.wasted.total for call in calls),
    )


def _name(call: CallRecord) -> str:
    return f"{call.step}{f' {call.label}' if call.label else ''}/{call.agent}"
