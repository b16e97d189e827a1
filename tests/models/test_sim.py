"""The simulator: seeded, settable, conforming, and never mistaken for a real model."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelRefused, ModelUnavailable, UsageError
from konseho_cli.core.hashing import rng
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Identity, Message, Reply, Request
from konseho_cli.models.sim import MARK, SimModel, sim_settings
from konseho_cli.models.sim_document import example
from konseho_cli.telemetry.spans import Recorder


def ask(
    name: str = "",
    prompt: str = "Weigh the merits of tea",
    seed: int = 0,
    schema=None,
    on_text=None,
    turn=0,
) -> tuple[Reply, float]:
    async def main(loop: VirtualLoop) -> tuple[Reply, float]:
        call = Call(
            identity=Identity(step="s", agent="a", turn=turn),
            scope=Recorder(loop).root(),
            seed=seed,
            on_text=on_text,
        )
        request = Request(model="", messages=(Message("user", prompt),), schema=schema)
        return await SimModel(name).generate(request, call), loop.time()

    return run_virtual(main)


def test_the_same_call_has_the_same_answer_at_the_same_time() -> None:
    assert ask() == ask()


def test_seed_and_identity_change_the_time_and_the_prompt_changes_the_words() -> None:
    assert ask(seed=1)[1] != ask(seed=2)[1]
    assert ask(turn=0)[1] != ask(turn=1)[1]
    assert ask(prompt="Weigh the merits of tea")[0].text != ask(prompt="Consider bicycles")[0].text


def test_its_words_are_the_prompts_and_its_text_says_that_it_is_simulated() -> None:
    text = ask(prompt="zebra quagga")[0].text
    assert text.startswith(MARK)
    assert set(text.removeprefix(MARK).lower().replace(".", "").split()) == {"zebra", "quagga"}


def test_an_empty_prompt_is_answered_too() -> None:
    assert ask(prompt="")[0].text.startswith(MARK)


def test_streamed_pieces_make_up_the_answer() -> None:
    pieces: list[str] = []
    reply, _ = ask(on_text=pieces.append)
    assert len(pieces) > 1
    assert "".join(pieces) == reply.text


def test_presets_and_parameters() -> None:
    assert ask("fast")[1] < ask()[1] < ask("slow")[1]
    assert sim_settings("fast,ttft=2s,errors=0.1").ttft == 2
    assert sim_settings("fast,ttft=2s,errors=0.1").tps == sim_settings("fast").tps
    assert ask("ttft=1,tps=1000,tokens=1,spread=0")[1] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fats", "did you mean 'fast'"),
        ("ttfb=1", "did you mean 'ttft'"),
        ("errors=2", "not possible"),
        ("tps=0", "not possible"),
        ("ttft=soon", "not possible"),
        ("tokens=nan", "not possible"),
        ("fast=", "unknown parameter"),
        ("errors=0.5,fast", "a preset comes first"),
        ("tokens=inf", "not possible"),
        ("spread=5000", "not possible"),
    ],
)
def test_what_it_does_not_know_is_an_error_with_a_way_out(name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        sim_settings(name)
    assert message in f"{caught.value} {caught.value.hint}"


def test_the_error_rate_is_kept() -> None:
    def fails(seed: int) -> bool:
        try:
            ask("instant,errors=0.3", seed=seed)
        except ModelUnavailable:
            return True
        return False

    assert 30 < sum(fails(seed) for seed in range(200)) < 90


SCHEMAS = [
    {"type": "object", "properties": {"choice": {"enum": ["A", "B"]}, "reason": {"type": "string"}},
     "required": ["choice", "reason"], "additionalProperties": False},
    {"type": "array", "items": {"enum": ["A", "B", "C"]}, "minItems": 3, "maxItems": 3, "uniqueItems": True},
    {"type": "integer", "minimum": 3, "maximum": 4},
    {"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "number", "minimum": 0.0001, "maximum": 0.0002},
    {"type": "number", "multipleOf": 0.5, "minimum": 1},
    {"type": "integer", "minimum": 1, "multipleOf": 100},
    {"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}},
    {"type": "array", "maxItems": 1_000_000_000},
    {"type": "string", "minLength": 40, "maxLength": 50},
    {"type": ["null", "string"]},
    {"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "number"}, "minItems": 1}]},
    {"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]},
               {"properties": {"b": {"type": "null"}}, "required": ["b"]}]},
    {"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}}},
    {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2, "maxItems": 2},
    {},
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(schema=st.sampled_from(SCHEMAS), seed=st.integers(0, 2**63))
def test_its_documents_meet_their_schema(schema: dict, seed: int) -> None:
    document = example(schema, rng(seed), MARK)
    jsonschema.validate(document, schema)
    json.dumps(document)


def test_a_document_says_in_its_strings_that_it_is_simulated() -> None:
    reply, _ = ask(schema=SCHEMAS[0])
    assert json.loads(reply.text)["reason"].startswith(MARK)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**9},
        {"type": "object", "minProperties": 10**9},
        {"type": "array", "minItems": 100, "items": {"type": "array", "minItems": 100}},
    ],
)
def test_a_schema_that_asks_for_too_much_is_refused_at_once(schema: dict) -> None:
    with pytest.raises(ModelRefused, match="asks for more than"):
        example(schema, rng(0), MARK)
