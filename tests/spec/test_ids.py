"""Ids of steps: by default the kind and a number, never two alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from konseho_cli.spec.loaded import Loaded

ASK = "{kind: ask, agent: {name: a}}"


def test_a_step_without_an_id_is_named_for_its_kind(load: Callable[[str], Loaded]) -> None:
    loaded = load(f"steps: [{ASK}, {ASK}, {{kind: chair, agent: a}}, {ASK}]\n")
    assert list(loaded.steps) == ["ask", "ask2", "chair", "ask3"]
    assert [step.id for step in loaded.spec.steps] == list(loaded.steps)


def test_a_default_id_leaves_given_ones_alone(load: Callable[[str], Loaded]) -> None:
    loaded = load(
        f"steps: [{ASK}, {ASK}, {{kind: chair, id: ask, agent: a}}, {{kind: chair, id: ask3, agent: a}}]\n"
    )
    assert list(loaded.steps) == ["ask2", "ask4", "ask", "ask3"]


def test_two_equal_ids_are_an_error(said: Callable[[str], list[str]]) -> None:
    step = "{id: x, kind: ask, agent: {name: a}}"
    assert said(f"steps:\n- {step}\n- {step}\n") == [
        "council.yaml:5:8: steps[1].id: duplicate step id 'x' (it is the id of steps[0])"
    ]


@pytest.mark.parametrize(
    "word", ["task", "inputs", "item", "agent", "range", "loop", "not", "true"]
)
def test_a_word_of_the_templates_is_no_id(said: Callable[[str], list[str]], word: str) -> None:
    assert said(f"steps:\n- {{id: '{word}', kind: ask, agent: {{name: a}}}}\n") == [
        f"council.yaml:4:8: steps[0].id: '{word}' has a meaning of its own in templates "
        "(choose another id)"
    ]


def test_an_id_does_not_end_in_a_line_break(said: Callable[[str], list[str]]) -> None:
    found = said(
        'agents: {"a\\n": {role: x}}\nsteps:\n- {id: "x\\n", kind: ask, agent: {name: a}}\n'
    )
    assert [each.split(": ")[-1] for each in found] == ["an id has no line break"] * 2
