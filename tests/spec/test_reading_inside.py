"""Steps inside of steps: all that is wrong with them at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.spec.load import Loaded, check_document, load_council
from konseho_cli.steps.blocks import every_step, written_steps

ASK = {"kind": "ask", "agent": "ann"}
FILE = """\
konseho: 1
name: nested
task: T
agents:
  ann: {role: You write.}
steps:
  - {id: outline, kind: ask, agent: ann}
  - id: polish
    kind: loop
    until: "{{ nobody }}"
    steps:
      - {id: outline, kind: ask, agent: ann}
      - {id: iteration, kind: ask, agent: anne}
      - {id: judge, kind: ask, agent: ann, prompt: "{{ polish.last }} {{ drafft }}", needs: [x]}
      - id: inner
        kind: loop
        prompt: x
        steps:
          - {id: a, kind: ask, agent: ann, prompt: "{{ b }} {{ a }}"}
          - {id: b, kind: ask, agent: ann, prompt: "{{ a }} {{ iteration }}", needs: [judge]}
answer: "{{ judge }}"
"""


def check(*steps: dict[str, Any], **more: Any) -> Loaded:
    agents = {"ann": {"role": "You write."}}
    return check_document({
        "konseho": 1, "name": "n", "task": "t", "agents": agents, "steps": list(steps), **more,
    })  # fmt: skip


def loop(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "polish", "kind": "loop", "steps": list(steps), **more}


def test_all_that_is_wrong_is_said_at_once_with_its_line(tmp_path) -> None:
    file = tmp_path / "nested.yaml"
    file.write_text(FILE)
    with pytest.raises(InvalidCouncil) as caught:
        load_council(file)
    said = [str(problem).partition("nested.yaml:")[2] for problem in caught.value.problems]
    places = [f"{each.split(':')[0]} {each.split(': ')[1]}" for each in said]
    assert places == [
        "10 steps[1].until", "12 steps[1].steps[0].id", "13 steps[1].steps[1].id",
        "13 steps[1].steps[1].agent", "14 steps[1].steps[2].prompt", "14 steps[1].steps[2].prompt",
        "14 steps[1].steps[2].needs[0]", "17 steps[1].steps[3].prompt",
        "19 steps[1].steps[3].steps[0].prompt", "19 steps[1].steps[3].steps[0].prompt",
        "20 steps[1].steps[3].steps[1].needs[0]", "21 answer",
    ]  # fmt: skip
    text = "\n".join(said)
    assert "'polish' is the step around this one" in text
    assert "these steps wait for each other: a -> b -> a" in text
    assert "(the step around it can wait for that)" in text
    assert "(it is the id of steps[0])" in text


def test_a_circle_through_what_is_read_inside_is_found() -> None:
    inner = {**ASK, "id": "draft", "prompt": "{{ final }}"}
    with pytest.raises(InvalidCouncil, match="wait for each other"):
        check(loop(inner), {**ASK, "id": "final", "prompt": "{{ polish.last }}"})


def test_two_loops_may_have_steps_of_the_same_name() -> None:
    draft = {**ASK, "id": "draft"}
    loaded = check(loop(draft), {**loop(draft), "id": "again"})
    assert [place for place, _ in every_step(loaded.steps.values())] == [
        "polish", "polish.draft", "again", "again.draft",
    ]  # fmt: skip


@pytest.mark.parametrize("deep", [20, 30])
def test_thirty_steps_inside_of_each_other_are_read(deep: int) -> None:
    step: dict[str, Any] = {**ASK, "id": "last"}
    for number in range(deep):
        step = {"id": f"l{number}", "kind": "loop", "steps": [step]}
    assert len(list(every_step(check(step).steps.values()))) == deep + 1


def test_sixty_are_refused_as_too_deep_and_not_by_a_crash() -> None:
    step: dict[str, Any] = {**ASK, "id": "last"}
    for number in range(60):
        step = {"id": f"l{number}", "kind": "loop", "steps": [step]}
    with pytest.raises(InvalidCouncil, match="nested deeper than 64 levels"):
        check(step)


def test_ten_thousand_steps_inside_of_one_are_read() -> None:
    steps = [{**ASK, "id": f"s{number}", "needs": []} for number in range(10_000)]
    loaded = check(loop(*steps))
    assert len(list(every_step(loaded.steps.values()))) == 10_001


def test_a_document_and_its_steps_have_the_same_places() -> None:
    document = [
        loop({**ASK, "id": "a"}, {"id": "b", "kind": "loop", "steps": [{**ASK, "id": "c"}]})
    ]
    loaded = check(*document)
    assert [place for place, _ in written_steps(document)] == [
        place for place, _ in every_step(loaded.steps.values())
    ]


NAMES = st.sampled_from(["a", "b", "c", "polish", "task", "item", "iteration", "previous", ""])
READS = st.sampled_from(["a", "b.x", "polish.last.a", "iteration", "previous.a", "inputs.n", "zz"])
LEAVES = st.builds(
    lambda name, reads, needs: {
        "kind": "ask", "agent": "ann", "id": name, "prompt": f"{{{{ {reads} }}}}", "needs": needs,
    },
    NAMES, READS, st.none() | st.lists(NAMES, max_size=2),
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda name, steps, until: {"kind": "loop", "id": name, "steps": steps, "until": until},
        NAMES, st.lists(inner, max_size=3), st.none() | st.sampled_from(["{{ a }}", "{{ a", "a"]),
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(TREES, min_size=1, max_size=4))
def test_whatever_is_nested_loads_or_is_refused(steps: list[dict[str, Any]]) -> None:
    try:
        loaded = check(*steps)
    except InvalidCouncil:
        return
    assert all(step.id for _, step in every_step(loaded.steps.values()))


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("draft", "polish.last.draft"),
        ("polish.draft", "polish.last.draft"),
        ("fix.files", "triage.branches.bug.fix"),
        ("winner", "pick.winner"),
        ("diff", "inputs.diff"),
    ],
)
def test_what_stands_elsewhere_is_told_where(
    said: Callable[[str], list[str]], answer: str, meant: str
) -> None:
    asks = "kind: ask, agent: {name: a}"
    council = (
        "task: x\ninputs: {diff: {}}\nsteps:\n"
        f"- {{id: polish, kind: loop, steps: [{{id: draft, {asks}}}]}}\n"
        f"- {{id: triage, kind: route, choose: bug, branches: {{bug: [{{id: fix, {asks}}}]}}}}\n"
        "- {id: pick, kind: vote, candidates: [x, y], voters: [{name: a}]}\n"
        f'answer: "{{{{ {answer} }}}}"\n'
    )
    (only,) = [each for each in said(council) if " answer: " in each]
    assert only.endswith(f"(did you mean '{meant}'?)")
