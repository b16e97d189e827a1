"""What a step held goes with it: nothing of a run waits for the collector, which comes late."""

from __future__ import annotations

import gc

import pytest

from konseho_cli.context.settings import ContextSettings
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.loop import Loop
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.split import Split
from konseho_cli.steps.vote import Vote

SAID = "Something that nobody needs twice. " * 3_000
BOTH = ("ann", "bob")
HELD = {
    "parallel": Parallel(agents=BOTH),
    "batch": Parallel(agents=BOTH, batch=1),
    "split": Split(agent="ann", items=["x", "y"], merge="list", after="{{ [] if item == 'x' else ['x'] }}"),
    "vote": Vote(candidates=["yes", "no"], voters=BOTH),
    "loop": Loop(max=2, until="{{ false }}", steps=(Parallel(id="inner", agents=BOTH),)),
}  # fmt: skip


@pytest.mark.parametrize("kind", HELD)
def test_a_step_that_has_ended_leaves_no_garbage(kind, stage, scripted):
    found: list[object] = []

    def last(prompt):
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        found.extend(gc.garbage)
        gc.garbage.clear()
        return 1.0, "done"

    def say(prompt):
        if "ballot" in prompt.lower():
            return 1.0, '{"reason": "So.", "choice": "A"}'
        return 1.0, SAID

    steps = {
        "first": Parallel(agents=BOTH),
        "held": HELD[kind],
        "after": Ask(agent="cid", prompt="x", needs=("held",)),
        "last": Ask(agent="dee", prompt="{{ first.ann | length }}", needs=("after",)),
    }
    model = scripted({"ann": say, "bob": say, "dee": last})
    gc.collect()
    gc.disable()
    try:
        outcome = stage.run(steps, model, context=ContextSettings(memory_limit=200_000))
    finally:
        gc.enable()
    assert outcome.step("last").status == "ok", outcome.error
    assert [type(each) for each in found] == []
