"""The format of a cassette: whatever is written can be read again, and no key is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import InvalidReply, ModelRefused, ModelUnavailable
from konseho_cli.models.base import Identity, Message, Reply, Request, Usage
from konseho_cli.models.cassette import (
    Answered,
    Attempt,
    Failure,
    Header,
    Wished,
    decode_header,
    decode_record,
    encode,
    hidden_request,
    identity_of,
    request_hash,
)
from konseho_cli.models.redact import Redactor

GOLDEN = Path(__file__).resolve().parent / "golden" / "cassette.jsonl"

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
small = st.integers(0, 2**31 - 1)
ns = st.integers(0, 2**52)
numbers = st.floats(0, 1e9)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
identities = st.builds(
    Identity, step=text, iteration=small, item=text, agent=text, turn=small, repair=small,
    tool_turn=small, attempt=small, hedge=small,
)  # fmt: skip
usages = st.builds(
    Usage, input_tokens=st.integers(0, 2**53), output_tokens=small, cached_tokens=small,
    written_tokens=small,
)  # fmt: skip
requests = st.builds(
    Request,
    model=text,
    messages=st.lists(
        st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), text=text),
        max_size=3,
    ).map(tuple),
    schema=st.none() | st.dictionaries(text, json, max_size=3),
    temperature=st.none() | numbers,
    max_tokens=st.none() | small,
    stop=st.lists(text, max_size=2).map(tuple),
    seed=st.none() | small,
)
replies = st.builds(
    Reply, text=text, model=text, usage=usages, finish=text, notes=st.lists(text).map(tuple)
)
failures = st.builds(
    Failure,
    error=st.sampled_from(["ModelRefused", "ModelUnavailable", "InvalidReply"]),
    message=text, hint=st.none() | text, status=st.none() | st.integers(100, 599),
    retry_after_s=st.none() | numbers, partial=text,
)  # fmt: skip


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    moments = sorted(draw(st.lists(ns, min_size=4, max_size=4)))
    ends: dict[str, Any] = draw(
        st.one_of(
            st.fixed_dictionaries({"reply": replies}),
            st.fixed_dictionaries({"failure": failures}),
            st.just({"cancelled": True}),
        )
    )
    request = draw(requests)
    return Attempt(
        identity=draw(identities).parts(),  # type: ignore[arg-type]
        hash=request_hash(request),
        model=draw(text),
        request=request,
        start=draw(ns),
        duration=moments[3],
        phases=(("ttft", moments[0], moments[1]), ("stream", moments[1], moments[2])),
        status=draw(st.none() | st.integers(100, 599)),
        headers=draw(st.dictionaries(text, text, max_size=2)),
        answered=draw(st.none() | ns),
        chunks=tuple(draw(st.lists(st.tuples(ns, text), max_size=3))),
        **ends,
    )


@given(attempts())
def test_every_attempt_survives_writing_and_reading(attempt: Attempt) -> None:
    line = encode(attempt, Redactor())
    assert line.count(b"\n") == 1
    assert decode_record(line) == attempt


@given(identities, replies, usages)
def test_every_answer_survives_writing_and_reading(
    identity: Identity, reply: Reply, saved: Usage
) -> None:
    answered = Answered(
        identity=identity.parts(), hash="0" * 32, source="cache", start=1, duration=2,  # type: ignore[arg-type]
        reply=reply, saved=saved,
    )  # fmt: skip
    assert decode_record(encode(answered, Redactor())) == answered
    assert identity_of(answered.identity) == identity


@given(requests, requests)
def test_requests_have_the_same_hash_exactly_where_they_are_the_same(
    one: Request, other: Request
) -> None:
    assert request_hash(one) == request_hash(msgspec.structs.replace(one))
    assert (request_hash(one) == request_hash(other)) == (
        msgspec.json.encode(one) == msgspec.json.encode(other)
    )


def test_the_order_of_a_schemas_keys_does_not_change_the_hash() -> None:
    one, other = ({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": 1})
    assert request_hash(Request(model="m", messages=(), schema=one)) == request_hash(
        Request(model="m", messages=(), schema=other)
    )


def test_half_a_character_is_replaced_rather_than_lost() -> None:
    request = Request(model="m", messages=(Message("user", "half \ud800 a character"),))
    attempt = small_attempt(request=request, hash=request_hash(request))
    found = decode_record(encode(attempt, Redactor()))
    assert isinstance(found, Attempt)
    assert found.request.messages[0].text == "half ? a character"
    assert found.hash == request_hash(request)


@pytest.mark.parametrize("kind", [ModelRefused, ModelUnavailable, InvalidReply])
def test_an_error_comes_back_as_it_was(kind: type[ModelRefused]) -> None:
    error = kind("no", hint="do", status=429, retry_after_s=1.5, partial="half")
    again = Failure.of(error).raised()
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert str(again) == "no"


def small_attempt(**fields: Any) -> Attempt:
    request = Request(model="m", messages=(Message("user", "hello"),))
    given: dict[str, Any] = {
        "identity": ("s", 0, "", "a", 0, 0, 0, 0, 0),
        "hash": request_hash(request),
        "model": "openai:m",
        "request": request,
        "start": 0,
        "duration": 10,
        "reply": Reply(text="hi", model="openai:m"),
    }
    return Attempt(**{**given, **fields})


@pytest.mark.parametrize(
    "wrong",
    [
        {"reply": None},
        {"cancelled": True},
        {"phases": (("ttft", 5, 3),)},
        {"phases": (("ttft", 0, 5), ("stream", 4, 6))},
        {"phases": (("ttft", 0, 11),)},
        {"reply": Reply(text="", model="m", usage=Usage(input_tokens=-1))},
        {"reply": Reply(text="", model="m", usage=Usage(input_tokens=2**60))},
    ],
    ids=["no end", "two ends", "backwards", "overlapping", "too long", "negative", "too many"],
)
def test_an_attempt_that_cannot_have_happened_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"attempt|phases|tokens"):
        small_attempt(**wrong)
    plain = {**msgspec.to_builtins(small_attempt()), **msgspec.to_builtins(wrong)}
    with pytest.raises(msgspec.ValidationError):
        decode_record(msgspec.json.encode(plain))


# ------------------------------------------------------------------------------ keys


SECRET = "sk-very-secret-0123456789"


def test_a_key_is_hidden_wherever_it_stands() -> None:
    hide = Redactor(SECRET)
    request = Request(
        model=SECRET,
        messages=(Message("user", f"my key is {SECRET}."),),
        schema={SECRET: {"enum": [SECRET]}},
        stop=(SECRET,),
    )
    shown = small_attempt(
        identity=(SECRET, 0, SECRET, SECRET, 0, 0, 0, 0, 0),
        request=request,
        headers={"x-ratelimit-key": SECRET},
        chunks=((1, SECRET),),
        reply=Reply(text=f"{SECRET}!", model=SECRET, notes=(SECRET,)),
    )
    failed = small_attempt(
        reply=None,
        failure=Failure(error="ModelRefused", message=SECRET, hint=SECRET, partial=SECRET),
    )
    header = Header(
        konseho_cassette=1, version=SECRET, council=SECRET, run="r", seed=0, started=0.0,
        wished=Wished(model=SECRET, models={"fast": SECRET}),
    )  # fmt: skip
    lines = [encode(each, hide) for each in (shown, failed, header)]
    assert SECRET.encode() not in b"".join(lines)
    assert decode_record(lines[0])
    assert decode_header(lines[2]).wished.model == "***"


def test_the_hash_is_of_the_request_without_its_keys() -> None:
    def asked(key: str) -> str:
        request = Request(model="m", messages=(Message("user", f"use {key}"),))
        return request_hash(hidden_request(request, Redactor(key)))

    assert asked(SECRET) == asked("another-key-altogether")


def test_a_placeholder_for_a_key_breaks_no_cassette() -> None:
    for word in ("assistant", "ModelRefused", "identity", "messages", "duration"):
        hide = Redactor(word)
        request = Request(model="m", messages=(Message("assistant", "yes"),))
        failure = Failure(error="ModelRefused", message="no")
        line = encode(small_attempt(request=request, reply=None, failure=failure), hide)
        assert decode_record(line)


# ------------------------------------------------------------------------------ the golden one


def test_the_format_stays_what_it_is() -> None:
    first, *rest = GOLDEN.read_bytes().splitlines(keepends=True)
    assert encode(decode_header(first), Redactor()) == first
    assert [encode(decode_record(line), Redactor()) for line in rest] == rest
