"""Words of habit: each is told by what it is called here, where that is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from konseho_cli.core.marks import Path
from konseho_cli.spec.synonyms import meant_key, meant_kind, way_out

Said = Callable[[str], list[str]]
ASK = "{kind: ask, agent: {name: a}}"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("agents: {a: {prompt: x}}\nsteps: [%s]\n", "did you mean 'role'?"),
        ("agents: {a: {system: x}}\nsteps: [%s]\n", "did you mean 'role'?"),
        ("steps: [{kind: loop, max_rounds: 3, steps: [%s]}]\n", "did you mean 'max'?"),
        (
            "steps: [%s, {kind: ask, agent: {name: a}, depends_on: [ask]}]\n",
            "did you mean 'needs'?",
        ),
        ("steps: [%s, {kind: chair, chair: {from: x.md}}]\n", "did you mean 'agent'?"),
        ("steps: [%s, {kind: chair, from: x.md}]\n", "did you mean 'agent: {from: …}'?"),
        ("steps: [%s, {type: chair, agent: {name: a}}]\n", "did you mean `kind: chair`?"),
        ("steps: [%s, {chair: a}]\n", "did you mean `kind: chair`?"),
        ("steps: [%s, {kind: parallel, agents: a}]\n", "(write [a])"),
        ("steps: [%s, {kind: ask, agent: {name: a}, needs: ask}]\n", "(write [ask])"),
        ("steps: [%s, {kind: ask, agent: {name: a}, schema: {}}]\n", "'output: {schema: …}'?"),
        ("steps: [%s, {kind: ask, agent: {name: a}, name: b}]\n", "did you mean 'id'?"),
        ("steps: [%s, {kind: human, ask: Well?}]\n", "did you mean 'question'?"),
        ("steps: [%s, {kind: refine, agent: a, critics: [a]}]\n", "did you mean 'worker'?"),
        ("steps: [%s, {kind: command, command: ls}]\n", "did you mean 'argv'?"),
    ],
)
def test_a_word_of_habit_is_told_by_ours(said: Said, document: str, told: str) -> None:
    assert any(told in each for each in said(document % ASK))


@pytest.mark.parametrize(
    ("document", "way_out"),
    [
        ("agents: [a]\nsteps: [%s]\n", "write each below its name: `a: {role: …}`"),
        ("agents: [{name: a}]\nsteps: [%s]\n", "write each below its name: `a: {role: …}`"),
        ("inputs: [2]\nsteps: [%s]\n", "write each below its name: `NAME: {description: …}`"),
        ("agents: {a: You look.}\nsteps: [%s]\n", "write {role: …}"),
        ("models: {m: 'sim:fast'}\nsteps: [%s]\n", "write {use: …}"),
        ("agents:\na: {role: x}\nsteps: [%s]\n", "what belongs to it is indented"),
        (
            "steps: {one: %s}\n",
            "each begins with `- `, as in `- {id: one, kind: ask, agent: NAME}`",
        ),
        ("steps: [%s, {kind: parallel, agents: 'a, b'}]\n", "write [a, b]"),
        (
            "steps: [%s, {kind: command, argv: sh -c 'a b'}]\n",
            'write [sh, -c, "a b"]',
        ),
        ("steps: [%s, {kind: council, council: other.yaml}]\n", "`file` names one"),
    ],
)
def test_a_shape_of_habit_is_told_by_ours(said: Said, document: str, way_out: str) -> None:
    assert any(f"({way_out})" in each for each in said(document % ASK))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("steps", 0, "candidates"), "Tabs or spaces?"),
        (("steps", 0, "agents"), "{{ a }}"),
        (("steps", 0, "argv"), "sh -c 'a"),
        (("steps", 0, "argv"), ""),
        (("steps",), 1),
    ],
)
def test_what_nobody_can_know_is_not_offered(path: Path, value: object) -> None:
    assert way_out(path, value, "a list") is None


def test_names_of_a_table_that_cannot_be_read_are_not_called_unknown(said: Said) -> None:
    steps = "steps: [{kind: ask, agent: a}]\n"
    for table in ("agents: [a]\n", "agents:\n"):
        (only,) = said(table + steps)
        assert " agents: expected a mapping" in only


def test_what_a_place_does_not_know_is_not_offered() -> None:
    assert meant_key("prompt", ("id", "kind")) is None
    assert meant_key("max_rounds", ("rounds",)) == "rounds"
    assert meant_kind({"agent": "a"}, ("ask",)) is None
    assert meant_kind({"type": 1, "ask": "a"}, ("ask",)) == "ask"
