"""Turns in a real run: batches are a sliding window; whoever waits knows who ended the wait."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.profiling.time.critical_path import critical_path
from konseho_cli.profiling.time.rounds import rounds_of
from konseho_cli.profiling.time.trace import Trace
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.split import Split

TOWN = tuple(f"p{number}" for number in range(12))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, 15), st.lists(st.integers(1, 9), min_size=12, max_size=12), st.data())
def test_everybody_is_asked_once_and_the_window_slides(stage, scripted, batch, seconds, data):
    failing = data.draw(st.sets(st.sampled_from(TOWN), max_size=3))
    model = scripted(
        {
            name: (float(wait), ModelUnavailable("503") if name in failing else f"{name}!")
            for name, wait in zip(TOWN, seconds, strict=True)
        }
    )
    step = Parallel(agents=TOWN, batch=batch, quorum=len(TOWN) - 3)
    outcome = stage.run({"hear": step}, model, agents=TOWN)
    assert sorted(call.agent for call in outcome.calls) == sorted(TOWN)
    starts = {call.agent: call.start for call in outcome.calls}
    ends = sorted(call.end for call in outcome.calls)
    order = [starts[name] for name in TOWN]
    assert order == sorted(order)
    # The one at place n begins the moment that n - batch + 1 have ended: there is no barrier.
    assert [at - outcome.start for at in order[:batch]] == [0] * min(batch, 12)
    assert order[batch:] == ends[: max(0, 12 - batch)]
    path = critical_path(outcome.spans)
    assert sum(part.end - part.start for part in path.segments) == outcome.end - outcome.start
    assert {part.kind for part in path.segments} <= {"ttft"}


def test_who_was_never_asked_leaves_no_call(stage, scripted):
    model = scripted({name: (1.0 + at / 100, name) for at, name in enumerate(TOWN)})
    step = Parallel(agents=TOWN, batch=2, quorum=3, wait="quorum")
    outcome = stage.run({"hear": step}, model, agents=TOWN)
    assert [call.agent for call in outcome.calls if call.status == "ok"] == ["p0", "p1", "p2"]
    assert len(outcome.calls) == 4
    assert outcome.step("hear").details == {"answered": 3, "cancelled": 1, "not_asked": 8}
    assert outcome.status == "ok"


def test_the_path_goes_through_the_pieces_that_others_built_on(stage, scripted):
    items = [
        {"name": "roof", "s": 1, "needs": ["walls", "frame"]}, {"name": "walls", "s": 5, "needs": []},
        {"name": "frame", "s": 2, "needs": ["base"]}, {"name": "base", "s": 4, "needs": []},
    ]  # fmt: skip
    seconds = {item["name"]: float(item["s"]) for item in items}
    step = Split(
        agents=("ann", "bob"), items=items, after="{{ item.needs }}", prompt="{{ item.name }}"
    )

    def line(prompt):
        return seconds[prompt], f"{prompt}!"

    outcome = stage.run({"build": step}, scripted({"ann": line, "bob": line}))
    begins = {call.label: (call.start - outcome.start) / 1e9 for call in outcome.calls}
    assert begins == {"walls": 0, "base": 0, "frame": 4, "roof": 6}
    path = critical_path(outcome.spans)
    assert sum(part.end - part.start for part in path.segments) == outcome.end - outcome.start
    assert [(part.kind, (part.end - part.start) / 1e9) for part in path.segments] == [
        ("ttft", 4), ("ttft", 2), ("ttft", 1),
    ]  # fmt: skip
    (mine,) = (each for each in rounds_of(Trace(outcome.spans)) if each.step == "build")
    assert len(mine.tasks) == 4
