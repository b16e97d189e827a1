"""Agents: known by name, written in the table or inside a step."""

from __future__ import annotations

from collections.abc import Callable

from konseho_cli.spec.loaded import Loaded

Load = Callable[[str], Loaded]
Said = Callable[[str], list[str]]


def test_an_agent_inside_a_step_joins_the_table(load: Load) -> None:
    loaded = load(
        "agents: {a: {role: first}}\n"
        "steps:\n"
        "- {kind: parallel, agents: [a, {name: b, role: second}]}\n"
        "- {kind: ask, agent: b, on_error: fallback, fallback: {agent: {name: c, role: third}}}\n"
    )
    assert {name: agent.role for name, agent in loaded.spec.agents.items()} == {
        "a": "first", "b": "second", "c": "third",
    }  # fmt: skip
    assert loaded.steps["parallel"].speakers() == {"agents": ("a", "b")}
    fallback = loaded.steps["ask"].fallback
    assert fallback is not None
    assert fallback.agent == "c"


def test_the_same_agent_may_be_written_twice(load: Load) -> None:
    step = "{kind: ask, agent: {name: b, role: x}}"
    assert list(load(f"steps: [{step}, {step}]\n").spec.agents) == ["b"]


def test_two_agents_of_one_name_are_an_error(said: Said) -> None:
    assert said(
        "agents: {a: {role: x}}\nsteps:\n- {kind: ask, agent: {name: a, role: other}}\n"
    ) == [
        "council.yaml:5:22: steps[0].agent: there is another, different agent 'a' "
        "(write a to mean that one)"
    ]


def test_an_agent_inside_a_step_needs_a_name_that_is_an_id(said: Said) -> None:
    assert said("steps:\n- {kind: parallel, agents: [{role: x}, {name: B-c}]}\n") == [
        "council.yaml:4:29: steps[0].agents[0]: an agent written inside a step needs a `name`",
        "council.yaml:4:47: steps[0].agents[1].name: 'B-c' is not an id "
        "(an id is made of a-z, 0-9 and _, and begins with a letter)",
    ]


def test_an_unknown_agent_is_named_wherever_agents_are(said: Said) -> None:
    assert said(
        "agents: {critic: {role: x}}\n"
        "steps:\n"
        "- {kind: parallel, agents: [critic, criitc]}\n"
        "- {kind: ask, agent: nobody, on_error: fallback, fallback: {agent: critc}}\n"
    ) == [
        "council.yaml:5:37: steps[0].agents[1]: unknown agent 'criitc' (did you mean 'critic'?)",
        "council.yaml:6:22: steps[1].agent: unknown agent 'nobody' (known: critic)",
        "council.yaml:6:68: steps[1].fallback.agent: unknown agent 'critc' "
        "(did you mean 'critic'?)",
    ]


def test_without_any_agents_the_way_out_is_to_write_some(said: Said) -> None:
    assert said("steps:\n- {kind: ask, agent: x}\n") == [
        "council.yaml:4:22: steps[0].agent: unknown agent 'x' (there is no `agents` table)"
    ]


def test_an_agent_that_nobody_asks_is_a_warning(load: Load) -> None:
    loaded = load("agents: {a: {}, idle: {}}\nsteps: [{kind: ask, agent: a}]\n")
    assert [str(each) for each in loaded.warnings] == [
        "council.yaml:3:17: agents.idle: agent 'idle' is not used"
    ]


def test_a_fallback_agent_is_used(load: Load) -> None:
    step = "{kind: ask, agent: a, on_error: fallback, fallback: {agent: spare}}"
    assert load(f"agents: {{a: {{}}, spare: {{}}}}\nsteps: [{step}]\n").warnings == ()
