from __future__ import annotations

from typing import Any

from msgspec import structs

from konseho_cli.engine.remembered import KeptOptions, Remembered
from konseho_cli.models.cassette import Wished
from konseho_cli.profiling.explaining.comparison import Comparison, Kept, compare

BEGAN = Remembered(
    council={"name": "test", "steps": [{"id": "argue"}]}, task="Which?", inputs={},
    wished=Wished(), seed=0,
)  # fmt: skip


def compared(before: Any, after: Any, *, began: Any = BEGAN, then: Any = BEGAN) -> Comparison:
    return compare(Kept(outcome=before, began=began), Kept(outcome=after, began=then))


def test_a_run_does_not_differ_from_itself(panel: Any) -> None:
    found = compared(panel.outcome, panel.outcome)
    assert found.same_answer
    assert found.council == found.given == found.answer == ()
    assert all(step.same_output and step.before == step.after for step in found.steps)


def test_answers_are_a_unified_diff(panel: Any) -> None:
    other = structs.replace(panel.outcome, run="other", answer="Begin with services.")
    found = compared(panel.outcome, other)
    assert not found.same_answer
    assert found.answer[:2] == ("--- run", "+++ other")
    assert found.answer[-1] == "+Begin with services."


def test_true_is_another_answer_than_one(panel: Any) -> None:
    one, other = (structs.replace(panel.outcome, answer=answer) for answer in (1, True))
    assert not compared(one, other).same_answer


def test_two_runs_without_an_answer_have_the_same(panel: Any) -> None:
    none = structs.replace(panel.outcome, answer=None)
    assert compared(none, none).same_answer
    assert not compared(none, panel.outcome).same_answer


def test_a_structured_answer_says_where_it_differs(panel: Any) -> None:
    one, other = (
        structs.replace(panel.outcome, answer={"approve": yes, "notes": [{"text": "a\nb"}]})
        for yes in (True, False)
    )
    assert "-approve: true" in compared(one, other).answer
    assert "+approve: false" in compared(one, other).answer


def test_steps_are_compared_one_by_one(panel: Any) -> None:
    pick = panel.outcome.step("pick")
    changed = structs.replace(pick, value={}, details={**pick.details, "winner": "bob"})
    steps = (changed, panel.outcome.step("verdict"))
    found = {step.id: step for step in compared(panel.outcome, _with(panel, steps)).steps}
    assert list(found) == ["pick", "verdict", "argue"]
    assert found["pick"].decided == ("ann", "bob")
    assert (found["pick"].same_output, found["verdict"].same_output) == (False, True)
    assert found["argue"].after is None


def test_what_was_given_is_compared_without_what_nobody_said(panel: Any) -> None:
    later = structs.replace(
        BEGAN, task="Which one?", seed=7, options=KeptOptions(max_concurrency=3)
    )
    found = compared(panel.outcome, panel.outcome, then=later)
    assert "-task: Which?" in found.given
    assert "+seed: 7" in found.given
    assert "+max_concurrency: 3" in found.given
    assert not any("null" in line or "store" in line for line in found.given)


def test_a_council_that_changed_says_where(panel: Any) -> None:
    later = structs.replace(BEGAN, council={"name": "test", "steps": [{"id": "fight"}]})
    found = compared(panel.outcome, panel.outcome, then=later)
    assert "+steps[0].id: fight" in found.council


def _with(panel: Any, steps: Any) -> Any:
    return structs.replace(panel.outcome, steps=steps)
