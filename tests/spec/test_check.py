"""Type errors: all of them, each with its place, its value and its way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.spec.check import checked
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.load import check_document
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.problems import Problems
from konseho_cli.steps.vote import Vote

Said = Callable[[str], list[str]]
STEPS = "steps:\n- {kind: ask, agent: {name: a}}\n"

CASES = {
    "an unknown key": ("nam: x\n", "council.yaml:3:1: nam: unknown key 'nam' (did you mean 'name'?)"),
    "text for a number": (
        "max_concurrency: two\n",
        "council.yaml:3:18: max_concurrency: expected a whole number from 1, got \"two\"",
    ),
    "a number for text": (
        "task: 5\n",
        "council.yaml:3:7: task: expected text, got 5 (put it in quotes)",
    ),
    "a number below its bound": (
        "max_concurrency: 0\n",
        "council.yaml:3:18: max_concurrency: expected a whole number from 1, got 0",
    ),
    "a truth value for a number": (
        "seed: true\n",
        "council.yaml:3:7: seed: expected a whole number from 0 to 9223372036854775807, got true",
    ),
    "a number out of its range": (
        "models: {m: {use: sim, temperature: 3}}\n",
        "council.yaml:3:37: models.m.temperature: expected a number from 0 to 2, got 3",
    ),
    "an infinite number": (
        "models: {m: {use: sim, temperature: .inf}}\n",
        "council.yaml:3:37: models.m.temperature: expected a number from 0 to 2, got inf",
    ),
    "a word that is none of the choices": (
        "on_error: halp\n",
        "council.yaml:3:11: on_error: expected one of continue, fallback, halt, retry; "
        "got \"halp\" (did you mean 'halt'?)",
    ),
    "a list for a mapping": (
        "agents: [x]\n",
        "council.yaml:3:9: agents: expected a mapping, got a list "
        "(write each below its name: `x: {role: …}`)",
    ),
    "an empty section": (
        "agents:\n",
        "council.yaml:3:8: agents: expected a mapping, but it is empty "
        "(what belongs to it is indented)",
    ),
    "a hyphen in an id": (
        "agents: {my-agent: {role: x}}\n",
        "council.yaml:3:10: agents.my-agent: 'my-agent' is not an id: a hyphen would be a "
        "subtraction in templates (did you mean 'my_agent'?)",
    ),
    "a digit at the start of an id": (
        "agents: {2nd: {role: x}}\n",
        "council.yaml:3:10: agents.2nd: '2nd' is not an id "
        "(an id is made of a-z, 0-9 and _, and begins with a letter)",
    ),
    "a duration that is none": (
        "limits: {time: soon}\n",
        "council.yaml:3:16: limits.time: expected a duration such as 250ms, 90s or 5m, got \"soon\"",
    ),
    "an amount that is none": (
        "limits: {cost: 5 pesos}\n",
        "council.yaml:3:16: limits.cost: expected an amount of money such as $1.50, got \"5 pesos\"",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), CASES.values(), ids=CASES.keys())
def test_a_wrong_value_is_named_with_place_value_and_way_out(
    said: Said, text: str, message: str
) -> None:
    assert said(text + STEPS) == [message]


STEP_CASES = {
    "a missing kind": ("{agent: {name: a}}", "council.yaml:4:3: steps[0]: the key 'kind' is missing"),
    "an unknown kind": (
        "{kind: debat}",
        "council.yaml:4:10: steps[0].kind: unknown kind 'debat' (did you mean 'debate'?)",
    ),
    "a kind that is no text": ("{kind: [x]}", "council.yaml:4:10: steps[0].kind: unknown kind a list"),
    "a missing key": ("{kind: ask}", "council.yaml:4:3: steps[0]: the key 'agent' is missing (ask needs it)"),
    "a mistyped key": (
        "{kind: ask, agent: {name: a}, promt: x}",
        "council.yaml:4:33: steps[0].promt: unknown key 'promt' (did you mean 'prompt'?)",
    ),
    "a step that is no mapping": ("5", "council.yaml:4:3: steps[0]: expected a mapping, got 5"),
    "an agent of the wrong type": (
        "{kind: ask, agent: 5}",
        "council.yaml:4:22: steps[0].agent: expected an id or an agent of its own, got 5",
    ),
    "a condition of the wrong type": (
        "{kind: ask, agent: {name: a}, when: 5}",
        "council.yaml:4:39: steps[0].when: expected true or false or text, got 5",
    ),
    "an infinity in a value of the user's own": (
        "{kind: ask, agent: {name: a}, on_error: fallback, fallback: {value: {x: [.nan]}}}",
        "council.yaml:4:76: steps[0].fallback.value.x[0]: expected a finite number, got nan",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("step", "message"), STEP_CASES.values(), ids=STEP_CASES.keys())
def test_a_wrong_step_is_named_by_its_number(said: Said, step: str, message: str) -> None:
    assert said(f"steps:\n- {step}\n")[0].startswith(message)


def test_no_steps_at_all_is_an_error(said: Said) -> None:
    assert said("steps: []\n") == [
        "council.yaml:3:8: steps: expected at least one, got an empty list"
    ]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(said: Said) -> None:
    found = said(
        "nam: x\n"
        "limits: {time: soon, cost: lots}\n"
        "steps:\n"
        "- {kind: ask, agent: nobody, prompt: '{{ nothing }}', priority: 11}\n"
        "- {kind: parallel, agnets: [a]}\n"
    )
    assert [each.split(":")[3].strip() for each in found] == [
        "nam", "limits.time", "limits.cost", "steps[0].agent", "steps[0].prompt",
        "steps[0].priority", "steps[1]", "steps[1].agnets",
    ]  # fmt: skip


def test_the_version_of_the_format_must_be_known(folder: Any) -> None:
    with pytest.raises(InvalidCouncil, match="konseho: expected 1, the version of the format"):
        check_document({"konseho": 2, "name": "x", "steps": []})
    with pytest.raises(InvalidCouncil, match=r"the key 'konseho' is missing \(add `konseho: 1`\)"):
        check_document({"name": "x", "steps": []})


def test_a_long_value_is_shortened_and_a_structure_is_only_named(said: Said) -> None:
    long = "x" * 5000
    assert len(said(f"seed: {long}\n{STEPS}")[0]) < 250
    assert said("seed: {a: 1}\n" + STEPS)[0].endswith("got a mapping")


def test_what_the_file_could_not_hold_is_refused_in_python_too() -> None:
    base = {"konseho": 1, "name": "x"}
    step = {"kind": "ask", "agent": {"name": "a"}, "on_error": "fallback"}
    for value in ({1: 2}, {"x": object()}, {"x": {1, 2}}):
        with pytest.raises(InvalidCouncil):
            check_document({**base, "steps": [{**step, "fallback": {"value": value}}]})


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.extend([endless, endless])
    step = {"kind": "ask", "agent": {"name": "a"}, "fallback": {"value": endless}}
    with pytest.raises(InvalidCouncil, match="nested deeper than 64 levels"):
        check_document({"konseho": 1, "name": "x", "steps": [step]})


BASE: dict[str, Any] = {
    "konseho": 1,
    "name": "law",
    "agents": {"a": {"role": "r", "weight": 2}},
    "models": {"m": {"use": "sim", "stop": ["x"]}},
    "inputs": {"i": {"type": "number", "default": 3}},
    "limits": {"time": "5m", "cost": 1.5},
    "steps": [
        {"kind": "ask", "agent": "a", "timeout": 5, "output": {"schema": {"type": "object"}}},
        {"kind": "parallel", "agents": ["a", {"name": "b", "weight": 1}], "quorum": 1},
    ],
}
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**66) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every node."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [path, *(found for key, item in items for found in places(item, (*path, key)))]


@given(place=st.sampled_from(places(BASE)[1:]), junk=JUNK)
def test_the_walk_finds_a_mistake_wherever_msgspec_does(place: tuple[Any, ...], junk: Any) -> None:
    document = msgspec.json.decode(msgspec.json.encode(BASE))
    node = document
    for part in place[:-1]:
        node = node[part]
    node[place[-1]] = junk
    slow, quick = Problems(), Problems()
    walked = checked(document, CouncilSpec, slow, quick=False)
    assert walked is None or isinstance(walked.name, str)
    assert (
        checked(document, CouncilSpec, quick, quick=True) is None or not quick.errors or slow.errors
    )
    if quick.errors:
        assert [str(each) for each in slow.errors] == [str(each) for each in quick.errors]
        assert not any("`" in each.message and "Expected" in each.message for each in slow.errors)


@pytest.mark.parametrize("written", ["60%", "0.6"])
def test_the_threshold_of_a_vote_is_a_share_as_people_write_one(
    load: Callable[[str], Loaded], written: str
) -> None:
    vote = f"{{kind: vote, candidates: [x, y], voters: [{{name: a}}], threshold: {written}}}"
    (step,) = load(f"task: x\nsteps: [{vote}]\n").spec.steps
    assert isinstance(step, Vote)
    assert step.threshold == 0.6
