"""Names of models: a key of `models`, or a provider's; aliases end somewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from konseho_cli.spec.loaded import Loaded

Said = Callable[[str], list[str]]
STEPS = "steps: [{kind: ask, agent: {name: a}}]\n"

GOOD = ["sim", "sim:flaky", "openai:gpt-5-mini", "ollama:llama3.2:1b", "openrouter:a/b", "alias"]


@pytest.mark.parametrize("name", GOOD)
def test_a_name_that_leads_to_a_provider_is_right(load: Callable[[str], Loaded], name: str) -> None:
    assert load(f"models: {{alias: {{use: sim}}}}\nmodel: '{name}'\n" + STEPS).spec.model == name


def test_an_unknown_provider_is_named_with_the_nearest(said: Said) -> None:
    assert said("model: opnai:gpt-5\n" + STEPS) == [
        "council.yaml:3:8: model: unknown provider 'opnai': a model is written provider:model, "
        "as in openai:gpt-5-mini (did you mean 'openai'?)"
    ]


def test_a_bare_word_must_be_a_key_of_models(said: Said) -> None:
    assert said("models: {fast: {use: sim}}\nmodel: fsat\n" + STEPS) == [
        "council.yaml:4:8: model: unknown model 'fsat': it is no key of `models`, "
        "nor provider:model (did you mean 'fast'?)"
    ]


def test_a_name_is_checked_wherever_a_model_is_named(said: Said) -> None:
    found = said(
        "model: m1\nmodels: {a: {use: m2, fallback: [sim, m3]}}\n"
        "agents: {b: {model: m4}}\nsteps: [{kind: ask, agent: b}]\n"
    )
    assert [each.split(": ")[1] for each in found] == [
        "model", "models.a.use", "models.a.fallback[1]", "agents.b.model",
    ]  # fmt: skip


def test_the_model_of_an_agent_in_a_step_is_told_where_it_stands(said: Said) -> None:
    agents = "agents: {b: {role: x}}\n"
    step = "steps: [{kind: parallel, agents: [b, {name: a, model: m1, limits: {time: 0s}}]}]\n"
    assert [each.split(" ")[0:2] for each in said(agents + step)] == [
        ["council.yaml:4:55:", "steps[0].agents[1].model:"],
        ["council.yaml:4:74:", "steps[0].agents[1].limits.time:"],
    ]


def test_an_agent_may_say_sonnet_as_subagents_do(load: Callable[[str], Loaded]) -> None:
    loaded = load("steps: [{kind: ask, agent: {name: a, model: sonnet}}]\n")
    assert loaded.spec.agents["a"].model == "sonnet"


@pytest.mark.parametrize(
    ("models", "loop", "field"),
    [
        ("{a: {use: a}}", "a -> a", "a.use"),
        ("{a: {use: b}, b: {use: c}, c: {use: a}}", "a -> b -> c -> a", "a.use"),
        ("{a: {use: sim, fallback: [b]}, b: {use: a}}", "a -> b -> a", "a.fallback"),
    ],
)
def test_aliases_that_stand_for_each_other_are_an_error(
    said: Said, models: str, loop: str, field: str
) -> None:
    found = said(f"models: {models}\n" + STEPS)
    assert len(found) == 1
    assert found[0].endswith(f"models.{field}: these models stand for each other: {loop}")


def test_aliases_may_follow_each_other(load: Callable[[str], Loaded]) -> None:
    assert load("models: {a: {use: b, fallback: [c]}, b: {use: c}, c: {use: sim}}\n" + STEPS)


def test_fallbacks_of_fallbacks_do_not_explode(said: Said) -> None:
    models = ", ".join(f"m{n}: {{use: sim, fallback: [m{n + 1}, m{n + 1}]}}" for n in range(60))
    found = said(f"models: {{{models}, m60: {{use: sim}}}}\n" + STEPS)
    assert len(found) == 1
    assert "stands for more than 100 models" in found[0]
