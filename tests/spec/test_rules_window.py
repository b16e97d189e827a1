"""Windows: on steps and on the council, with who sums up the rest."""

from __future__ import annotations

from collections.abc import Callable

from konseho_cli import Chair, Council, Parallel, Window
from konseho_cli.engine.casting import speaking
from konseho_cli.spec.loaded import Loaded

Load = Callable[[str], Loaded]
Said = Callable[[str], list[str]]
AGENTS = "agents: {a: {}, b: {}}\n"
TALK = "- {kind: parallel, agents: [a, b], prompt: Speak.}\n"


def test_the_councils_window_is_that_of_every_step_that_shows_what_was_said(load: Load) -> None:
    loaded = load(
        AGENTS + "window: {tokens: 8k, messages: 6, summary: a}\nsteps:\n" + TALK
        + "- {kind: chair, agent: b}\n- {kind: chair, agent: b, window: {messages: 1}}\n"
        + "- {kind: vote, candidates: '{{ parallel }}', voters: [a, b]}\n"
        + "- {kind: vote, candidates: '{{ parallel }}', voters: [a, b], anonymous: false}\n"
    )  # fmt: skip
    usual = Window(tokens=8000, messages=6, summary="a")
    assert [step.window for step in loaded.steps.values()] == [
        None, usual, Window(messages=1), None, usual,
    ]  # fmt: skip


def test_who_sums_up_must_be_an_agent(said: Said) -> None:
    assert said(
        "agents: {chair: {}, critic: {}}\nwindow: {messages: 1, summary: criitc}\nsteps:\n"
        "- {kind: ask, agent: critic}\n"
        "- {kind: ask, agent: chair, window: {messages: 1, summary: chiar}}\n"
    ) == [
        "council.yaml:4:32: window.summary: unknown agent 'criitc' (did you mean 'critic'?)",
        "council.yaml:7:60: steps[1].window.summary: unknown agent 'chiar' (did you mean 'chair'?)",
    ]


def test_an_agent_inside_a_window_joins_the_table_and_speaks(load: Load) -> None:
    loaded = load(
        AGENTS + "steps:\n" + TALK
        + "- {kind: chair, agent: b, window: {messages: 1, summary: {name: c, role: Sum up.}}}\n"
    )  # fmt: skip
    assert loaded.spec.agents["c"].role == "Sum up."
    assert speaking(loaded.steps.values()) == ("a", "b", "c")
    assert not loaded.warnings


def test_a_window_bounds_something(said: Said) -> None:
    assert said(
        AGENTS + "window: {summary: a}\nsteps:\n" + TALK
        + "- {kind: chair, agent: b, window: {tokens: 0}}\n"
        + "- {kind: chair, agent: b, window: {}}\n"
    ) == [
        "council.yaml:4:9: window: give `tokens`, `messages`, or both",
        "council.yaml:7:44: steps[1].window.tokens: it must be more than 0",
        "council.yaml:8:35: steps[2].window: give `tokens`, `messages`, or both",
    ]  # fmt: skip


def test_a_window_on_a_prompt_of_its_own_is_a_warning(load: Load) -> None:
    loaded = load(AGENTS + "steps:\n- {kind: ask, agent: a, prompt: Go., window: {messages: 1}}\n")
    (warning,) = (each for each in loaded.warnings if "window" in each.path)
    assert "it bounds nothing" in warning.message


def test_python_users_write_the_same(load: Load) -> None:
    council = Council(
        agents={"a": {}, "b": {}}, window=Window(messages=3),  # type: ignore[dict-item]
        steps=[Parallel(agents=("a", "b")), Chair(agent="a", window=Window(tokens=500, summary="b"))],
    )  # fmt: skip
    assert [step.window for step in council.spec.steps] == [
        Window(messages=3), Window(tokens=500, summary="b"),
    ]  # fmt: skip
