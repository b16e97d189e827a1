"""Words of habit: each is told by what it is called here, where that is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from konseho_cli.spec.synonyms import meant_key, meant_kind

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
    ],
)
def test_a_word_of_habit_is_told_by_ours(said: Said, document: str, told: str) -> None:
    assert any(told in each for each in said(document % ASK))


def test_what_a_place_does_not_know_is_not_offered() -> None:
    assert meant_key("prompt", ("id", "kind")) is None
    assert meant_key("max_rounds", ("rounds",)) == "rounds"
    assert meant_kind({"agent": "a"}, ("ask",)) is None
    assert meant_kind({"type": 1, "ask": "a"}, ("ask",)) == "ask"
