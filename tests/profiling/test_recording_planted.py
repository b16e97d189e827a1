"""Each planted council shows its bottleneck in what is recorded of it, and no other does so much."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import median

from konseho_cli.profiling.critical_path import critical_path
from konseho_cli.profiling.recording import Recording
from tests.profiling import planted

FLOORS = ("context", "engine", "models", "steps", "store", "telemetry")


def path_share(recording: Recording, **wanted: str) -> float:
    """Of the critical path: segments with these values."""
    outcome = recording.outcome
    segments = critical_path(outcome.spans).segments
    held = [
        segment.duration
        for segment in segments
        if all(getattr(segment, name) == value for name, value in wanted.items())
    ]
    return sum(held) / (outcome.end - outcome.start)


def test_the_slow_agent_is_most_of_its_round() -> None:
    recording = planted.slow_agent()
    assert recording.outcome.status == "ok"
    assert path_share(recording, agent="dee") > 0.8
    took = {call.agent: call.end - call.start for call in recording.outcome.calls[:4]}
    assert took.pop("dee") > 6 * max(took.values())


def test_few_slots_are_waited_for() -> None:
    recording = planted.few_slots()
    waits = [span for span in recording.outcome.spans if span.kind == "queue.limit"]
    assert len(waits) == 10
    assert all(span.waker is not None for span in waits)
    assert recording.outcome.duration_s > 5 * 0.7
    assert path_share(planted.slow_agent(), kind="queue.limit") == 0


def test_a_rate_is_waited_for() -> None:
    recording = planted.rate_limited()
    assert path_share(recording, kind="queue.rate") > 0.8
    assert path_share(planted.few_slots(), kind="queue.rate") == 0


def test_a_huge_context_is_in_every_prompt_after_it() -> None:
    calls = planted.huge_context().outcome.calls
    sizes = [call.usage.input_tokens for call in calls if call.step != "draft"]
    assert len(sizes) == 8
    assert min(sizes) > 80_000
    others = planted.slow_agent().outcome.calls
    assert median(call.usage.input_tokens for call in others) < 1_000


def test_a_chatty_run_makes_dozens_of_events_for_each_answer(tmp_path: Path) -> None:
    chatty = planted.chatty_events(tmp_path)
    calls = len(chatty.recording.outcome.calls)
    assert calls == 900
    assert chatty.events["text_arrived"] > 11 * calls
    assert (tmp_path / "events.jsonl").read_bytes().count(b"\n") == chatty.events.total() + 1
    stats = chatty.cpu.stats  # type: ignore[attr-defined]
    made: Counter[str] = Counter()
    for (file, _, _), (_, count, *_) in stats.items():
        path = Path(file)
        made["/".join((path.parent.name, path.stem))] += count
    ours = {name: count for name, count in made.items() if name.partition("/")[0] in FLOORS}
    assert max(ours, key=lambda name: ours[name]) == "telemetry/event_file"


def test_a_listener_that_blocks_is_named_with_how_long_it_held_the_loop() -> None:
    recording = planted.blocking_listener()
    blocking = [each for each in recording.outcome.listeners if each.name.endswith("blocking")]
    (listener,) = blocking
    assert listener.worst_s >= 0.08
    assert listener.seconds > 0.5 * recording.outcome.duration_s


def test_each_run_that_leaks_leaves_more() -> None:
    after = planted.leaking()
    assert len(after) == 12
    grown = [later - earlier for earlier, later in pairwise(after[3:])]
    assert median(grown) >= 0.9 * planted.LEAKED
