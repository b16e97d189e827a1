from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.models.base import Message, Request
from konseho_cli.models.cache_key import Caching, cache_key
from konseho_cli.models.registry import ModelChoice

TEXT = st.text(st.characters(), max_size=20)  # halves of pairs too
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
SCHEMA = st.dictionaries(
    TEXT, st.recursive(SCALAR, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=5)
)  # fmt: skip
FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "model": TEXT,
    "messages": st.lists(
        st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXT), max_size=3
    ).map(tuple),
    "schema": st.none() | SCHEMA,
    "temperature": st.none() | st.floats(0, 2) | st.integers(0, 2),
    "top_p": st.none() | st.floats(0, 1),
    "max_tokens": st.none() | st.integers(1),
    "stop": st.lists(TEXT, max_size=2).map(tuple),
    "seed": st.none() | st.integers(),
}
REQUESTS = st.fixed_dictionaries(dict(FIELDS)).map(lambda fields: Request(**fields))


def key(request: Request, **place: str) -> bytes:
    return cache_key(request, **{"provider": "openai", "base_url": "http://x", **place})


def test_the_tests_know_every_field_of_a_request() -> None:
    assert set(FIELDS) == set(Request.__struct_fields__)
    assert set(Message.__struct_fields__) == {"role", "text"}


@given(REQUESTS)
def test_equal_requests_have_equal_keys(request: Request) -> None:
    assert len(key(request)) == 32
    assert key(request) == key(copy.deepcopy(request))


@given(REQUESTS, st.data(), st.sampled_from(sorted(FIELDS)))
def test_a_change_in_any_field_changes_the_key(
    request: Request, data: st.DataObject, field: str
) -> None:
    changed = structs.replace(request, **{field: data.draw(FIELDS[field])})
    same = _written(changed) == _written(request)
    assert (key(changed) == key(request)) is same


def _written(request: Request) -> str:
    """Everything, in order, with true told from 1; numbers of parameters in one form."""
    numbers = {"temperature", "top_p", "max_tokens", "seed"}
    fields = structs.asdict(request).items()
    return repr([(name, _one(value) if name in numbers else value) for name, value in fields])


def _one(value: float | None) -> float | None:
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.parametrize("part", ["provider", "base_url"])
def test_who_is_asked_and_where_is_part_of_the_key(part: str, tools: Any) -> None:
    assert key(tools.ask(), **{part: "another"}) != key(tools.ask())


def test_the_role_of_a_message_and_where_one_ends_are_part_of_the_key() -> None:
    def of(*messages: Message) -> bytes:
        return key(Request(model="m", messages=messages))

    assert len({
        of(Message("user", "ab")), of(Message("system", "ab")), of(Message("user", "a"), Message("user", "b")),
    }) == 3  # fmt: skip


def test_the_order_of_a_schema_counts_and_its_kind_of_mapping_does_not(tools: Any) -> None:
    one, other = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert key(tools.ask(schema=one)) != key(tools.ask(schema=other))
    assert key(tools.ask(schema=one)) == key(tools.ask(schema=MappingProxyType(one)))


def test_temperature_0_is_temperature_0(tools: Any) -> None:
    assert key(tools.ask(temperature=0)) == key(tools.ask(temperature=0.0))
    assert key(tools.ask(temperature=0)) != key(tools.ask(temperature=None))


def test_a_new_field_of_a_request_or_a_message_would_be_part_of_the_key() -> None:
    class Turn(Message, frozen=True):
        tool: str = ""

    class Wider(Request, frozen=True, kw_only=True):
        tools: tuple[str, ...] = ()

    plain = Wider(model="m", messages=(Turn("user", "x"),))
    assert key(structs.replace(plain, tools=("search",))) != key(plain)
    assert key(structs.replace(plain, messages=(Turn("user", "x", "search"),))) != key(plain)


def test_what_has_no_key_is_an_error_and_no_wrong_key(tools: Any) -> None:
    with pytest.raises(TypeError, match="object"):
        key(tools.ask(schema={"a": object()}))


@pytest.mark.parametrize(
    ("choice", "asked", "temperature", "step", "cached"),
    [
        ({}, False, 0.0, None, True),
        ({}, False, None, None, False),
        ({}, False, 0.7, None, False),
        ({}, True, 0.7, None, True),
        ({"cache": True}, False, 0.7, None, True),
        ({"cache": False}, True, 0.0, None, False),
        ({"cache": "warm"}, False, 0.7, None, False),
        ({"cache": "warm"}, False, 0.0, None, True),
        ({"cache": True}, False, 0.0, False, False),
        ({"cache": False}, False, 0.7, True, True),
        ({"cache": False}, True, 0.0, "warm", False),
        ({}, False, 0.0, "warm", True),
        ({"provider": "sim"}, False, 0.0, None, False),
        ({"provider": "sim"}, True, 0.7, None, True),
        ({"provider": "sim", "cache": True}, False, 0.7, None, True),
        ({"provider": "sim"}, False, 0.0, True, True),
    ],
)
def test_the_step_decides_then_the_model_then_the_run_then_the_temperature(
    tools: Any, choice: dict[str, Any], asked: bool, temperature: float, step: Any, cached: bool
) -> None:
    chosen = ModelChoice(**{"provider": "openai", "model": "m", **choice})
    caching = Caching.of(chosen, {}, asked=asked)
    call = tools.call(cache=step)
    assert (caching.key(tools.ask(temperature=temperature), call) is not None) is cached
    if cached:
        assert caching.may_apply(temperature, by_step=step is True)


@pytest.mark.parametrize(
    "address",
    ["https://me:secret@Host.example/v1", "https://host.example/v1/", " https://host.example/v1"],
)
def test_the_same_server_is_the_same_however_it_is_written(address: str) -> None:
    choice = ModelChoice(provider="vllm", model="m", base_url=address)
    assert Caching.of(choice, {}).base_url == "https://host.example/v1"


def test_the_environment_says_where_a_model_is() -> None:
    choice = ModelChoice(provider="openai", model="m")
    env = {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    assert Caching.of(choice, env).base_url != Caching.of(choice, {}).base_url
    assert msgspec.structs.asdict(Caching.of(choice, env))["base_url"] == "http://127.0.0.1:1/v1"
