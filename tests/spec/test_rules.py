"""Rules of steps that no type can state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from konseho_cli.spec.load import check_document
from konseho_cli.spec.loaded import Loaded

Load = Callable[[str], Loaded]
Said = Callable[[str], list[str]]
ASK = "kind: ask, agent: {name: a}"


def test_a_kinds_own_rules_are_held_at_its_fields(said: Said) -> None:
    assert said(
        "agents: {a: {}, b: {}}\nsteps:\n"
        "- {kind: parallel, agents: [a, b], quorum: 3}\n"
        "- {kind: parallel, agents: [a, a]}\n"
    ) == [
        "council.yaml:5:44: steps[0].quorum: 3 is above the number of agents, 2",
        "council.yaml:6:28: steps[1].agents: 'a' is listed twice",
    ]


def test_rules_are_held_together_with_types_but_not_on_a_broken_step(said: Said) -> None:
    found = said(
        "agents: {a: {}}\nsteps:\n"
        "- {kind: parallel, agents: [a, 5], quorum: 2}\n"
        "- {kind: parallel, agents: [a], quorum: 2}\n"
    )
    assert [each.split(": ")[1] for each in found] == ["steps[0].agents[1]", "steps[1].quorum"]


def test_a_fallback_needs_to_be_asked_for(said: Said) -> None:
    assert said(f"steps:\n- {{{ASK}, fallback: {{value: 1}}}}\n") == [
        "council.yaml:4:33: steps[0].fallback: it is only used with `on_error: fallback` "
        "(add on_error: fallback)"
    ]


def test_asking_for_a_fallback_needs_one(said: Said) -> None:
    assert said(f"steps:\n- {{{ASK}, on_error: fallback}}\n") == [
        "council.yaml:4:43: steps[0].on_error: `on_error: fallback` needs a `fallback` here "
        "(add fallback: {agent: …} or fallback: {value: …})"
    ]


def test_the_councils_fallback_is_every_steps(load: Load, said: Said) -> None:
    fine = f"{{{ASK}, fallback: {{value: 1}}}}"
    own = f"{{{ASK}, on_error: halt}}"
    assert load(f"on_error: fallback\nsteps: [{fine}, {own}]\n")
    assert said(f"on_error: fallback\nsteps:\n- {fine}\n- {{{ASK}}}\n") == [
        "council.yaml:6:3: steps[1]: `on_error: fallback` of the council needs a `fallback` here "
        "(add fallback: {agent: …} or fallback: {value: …})"
    ]


@pytest.mark.parametrize(
    ("fallback", "what"),
    [("{}", "not neither"), ("{agent: {name: b}, value: 1}", "not both")],
)
def test_a_fallback_is_an_agent_or_a_value(said: Said, fallback: str, what: str) -> None:
    assert said(f"steps:\n- {{{ASK}, on_error: fallback, fallback: {fallback}}}\n") == [
        f"council.yaml:4:63: steps[0].fallback: give an `agent` or a `value`, {what}"
    ]


def test_null_is_a_value_to_fall_back_on(load: Load) -> None:
    step = f"{{{ASK}, on_error: fallback, fallback: {{value: null}}}}"
    assert load(f"steps: [{step}]\n")


SCHEMAS = {
    "an unknown type": (
        "{type: objekt}",
        "steps[0].output.schema.type: not a JSON Schema: \"objekt\" is not valid under any of the "
        "schemas listed in the 'anyOf' keyword",
    ),
    "a bound that is no number": (
        "{properties: {a: {minimum: x}}}",
        "steps[0].output.schema.properties.a.minimum: not a JSON Schema: \"x\" is not of type "
        "\"number\"",
    ),
    "a pattern that does not parse": (
        "{pattern: '('}",
        "steps[0].output.schema.pattern: not a JSON Schema: \"(\" is not a \"regex\"",
    ),
    "a reference to nothing": (
        "{$ref: '#/$defs/no'}",
        "steps[0].output.schema: not a JSON Schema: Pointer '/$defs/no' does not exist",
    ),
    "a reference to the network": (
        "{$ref: 'http://localhost/x'}",
        "steps[0].output.schema: not a JSON Schema: http://localhost/x is elsewhere: only local "
        "$refs are read",
    ),
    "a reference to a file": (
        "{properties: {a: {$ref: 'file:///etc/passwd'}}}",
        "steps[0].output.schema: not a JSON Schema: file:///etc/passwd is elsewhere: only local "
        "$refs are read",
    ),
    "an unknown dialect": (
        "{$schema: 'http://localhost/'}",
        "steps[0].output.schema: not a JSON Schema: Unknown meta-schema: 'http://localhost/'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "message"), SCHEMAS.values(), ids=SCHEMAS.keys())
def test_an_output_schema_must_be_one(said: Said, schema: str, message: str) -> None:
    found = said(f"steps:\n- {{{ASK}, output: {{schema: {schema}}}}}\n")
    assert len(found) == 1
    assert message in found[0]


def test_a_schema_may_refer_to_itself(load: Load) -> None:
    assert load(f"steps: [{{{ASK}, output: {{schema: {{$ref: '#'}}}}}}]\n")


def test_steps_are_checked_in_a_document_without_places_too() -> None:
    document: dict[str, Any] = {"konseho": 1, "name": "x", "steps": []}
    document["steps"] = [{"kind": "ask", "agent": "gone"}]
    with pytest.raises(Exception, match=r"^steps\[0\].agent: unknown agent 'gone'"):
        check_document(document)


def test_what_must_be_more_than_nothing_is(said: Said) -> None:
    assert said(
        "models: {m: {use: sim, rpm: 0, tpm: 0, window: 0, timeout: 0s}}\n"
        "limits: {time: 0s}\n"
        "agents: {a: {limits: {time: 0s}}}\n"
        "steps:\n- {kind: ask, agent: a, limits: {time: 0s}, timeout: 0s}\n"
    ) == [
        "council.yaml:3:29: models.m.rpm: it must be more than 0",
        "council.yaml:3:37: models.m.tpm: it must be more than 0",
        "council.yaml:3:48: models.m.window: it must be more than 0",
        "council.yaml:3:60: models.m.timeout: it must be more than 0",
        "council.yaml:4:16: limits.time: it must be more than 0",
        "council.yaml:5:29: agents.a.limits.time: it must be more than 0",
        "council.yaml:7:40: steps[0].limits.time: it must be more than 0",
        "council.yaml:7:54: steps[0].timeout: a step needs some time",
    ]
