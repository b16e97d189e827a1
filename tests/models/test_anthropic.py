from __future__ import annotations

import json
from typing import Any

import pytest

from konseho_cli.core.errors import InvalidReply, ModelRefused, ModelUnavailable
from konseho_cli.models.base import Message, Request, Usage

KEY = {"ANTHROPIC_API_KEY": "sk-ant-12345678"}
CLAUDE = "anthropic:claude-haiku-4-5"


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def start(**usage: int) -> bytes:
    return event("message_start", message={"type": "message", "content": [], "usage": usage})


def block(index: int, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(kind: str, **fields: Any) -> bytes:
    return event("content_block_delta", index=0, delta={"type": kind, **fields})


def stop(reason: str, **usage: int) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage) + event(
        "message_stop"
    )


HELLO = (
    start(input_tokens=10, output_tokens=1),
    event("ping"),
    block(0, type="text", text=""),
    delta("text_delta", text="Hel"),
    delta("text_delta", text="lo"),
    event("content_block_stop", index=0),
    stop("end_turn", output_tokens=5),
)


def test_an_answer_is_its_text_deltas(tools: Any) -> None:
    heard = tools.talk(tools.streams(*HELLO), CLAUDE, env=KEY, show=True)
    assert heard.reply.text == "Hello"
    assert heard.reply.model == CLAUDE
    assert heard.shown == ["Hel", "lo"]
    assert heard.reply.usage == Usage(input_tokens=10, output_tokens=5)


def test_the_request_is_what_the_api_wants(tools: Any) -> None:
    request = Request(
        model="claude-haiku-4-5",
        messages=(
            Message("system", "One."),
            Message("system", "Two."),
            Message("user", "hello"),
        ),
        temperature=0.5,
        stop=("END",),
        seed=3,
    )
    heard = tools.talk(tools.streams(*HELLO), CLAUDE, env=KEY, requests=[request])
    assert heard.bodies == [
        {
            "model": "claude-haiku-4-5",
            "max_tokens": 16384,
            "system": "One.\n\nTwo.",
            "messages": [{"role": "user", "content": "hello"}],
            "stream": True,
            "temperature": 0.5,
            "stop_sequences": ["END"],
        }
    ]
    assert heard.headers[0]["x-api-key"] == KEY["ANTHROPIC_API_KEY"]
    assert heard.headers[0]["anthropic-version"] == "2023-06-01"


def test_the_input_counts_what_was_cached_too(tools: Any) -> None:
    first = start(
        input_tokens=10, cache_read_input_tokens=100, cache_creation_input_tokens=5, output_tokens=1
    )
    for last in (
        stop("end_turn", output_tokens=9),
        stop("end_turn", output_tokens=9, input_tokens=10),
    ):
        heard = tools.talk(tools.streams(first, *HELLO[1:-1], last), CLAUDE, env=KEY)
        assert heard.reply.usage == Usage(
            input_tokens=115, output_tokens=9, cached_tokens=100, written_tokens=5
        )


@pytest.mark.parametrize(("said", "kept"), [(10**400, 2**53), (-5, 0)], ids=["huge", "negative"])
def test_a_count_that_nothing_can_be_is_kept_within_bounds(
    tools: Any, said: int, kept: int
) -> None:
    pieces = (start(input_tokens=said), *HELLO[1:-1], stop("end_turn", output_tokens=said))
    heard = tools.talk(tools.streams(*pieces), CLAUDE, env=KEY)
    assert heard.reply.usage == Usage(input_tokens=kept, output_tokens=kept)


def test_a_schema_becomes_a_tool_that_must_be_used(tools: Any) -> None:
    schema = {"type": "object", "properties": {"approve": {"type": "boolean"}}}
    stream = (
        start(input_tokens=1),
        block(0, type="text", text=""),
        delta("text_delta", text="Let me see."),
        block(1, type="tool_use", id="t", name="answer", input={}),
        delta("input_json_delta", partial_json=""),
        delta("input_json_delta", partial_json='{"appr'),
        delta("input_json_delta", partial_json='ove": true}'),
        stop("tool_use", output_tokens=9),
    )
    heard = tools.talk(tools.streams(*stream), CLAUDE, env=KEY, requests=[tools.ask(schema=schema)])
    assert json.loads(heard.reply.text) == {"approve": True}
    assert heard.reply.finish == "stop"
    assert heard.bodies[0]["tool_choice"] == {"type": "tool", "name": "answer"}
    assert heard.bodies[0]["tools"][0]["input_schema"] == schema


def test_a_tool_without_arguments_answers_an_empty_object(tools: Any) -> None:
    stream = (block(0, type="tool_use", id="t", name="answer", input={}), stop("tool_use"))
    heard = tools.talk(
        tools.streams(*stream), CLAUDE, env=KEY, requests=[tools.ask(schema={"type": "object"})]
    )
    assert heard.reply.text == "{}"


def test_a_list_comes_back_as_a_list(tools: Any) -> None:
    stream = (
        block(0, type="tool_use", id="t", name="answer", input={}),
        delta("input_json_delta", partial_json='{"value": ["a"]}'),
        stop("tool_use"),
    )
    heard = tools.talk(
        tools.streams(*stream), CLAUDE, env=KEY, requests=[tools.ask(schema={"type": "array"})]
    )
    assert json.loads(heard.reply.text) == ["a"]


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("refusal", "refusal"),
        ("pause_turn", "other"),
    ],
)
def test_the_stop_reason_is_kept(tools: Any, said: str, ours: str) -> None:
    heard = tools.talk(tools.streams(*HELLO[:-1], stop(said)), CLAUDE, env=KEY)
    assert heard.reply.finish == ours


def test_thinking_and_unknown_events_are_let_pass(tools: Any) -> None:
    stream = (HELLO[0], delta("thinking_delta", thinking="hm"), event("new_kind", x=1), *HELLO[1:])
    assert tools.talk(tools.streams(*stream), CLAUDE, env=KEY).reply.text == "Hello"


def test_an_older_model_gets_a_limit_that_it_takes(tools: Any) -> None:
    heard = tools.talk(tools.streams(*HELLO), "anthropic:claude-3-haiku", env=KEY)
    assert heard.bodies[0]["max_tokens"] == 4096


@pytest.mark.parametrize(
    ("kind", "expected", "status"),
    [
        ("overloaded_error", ModelUnavailable, 529),
        ("rate_limit_error", ModelUnavailable, 429),
        ("invalid_request_error", ModelRefused, 400),
        ("unheard_of", ModelUnavailable, 500),
    ],
)
def test_an_error_event_is_the_status_that_it_would_have_been(
    tools: Any, kind: str, expected: type[ModelRefused], status: int
) -> None:
    failed = event("error", error={"type": kind, "message": "Overloaded"})
    error = tools.talk(tools.streams(*HELLO[:4], failed), CLAUDE, env=KEY, attempts=1).error
    assert type(error) is expected
    assert (error.status, error.partial) == (status, "Hel")
    assert "Overloaded" in str(error)


def test_an_answer_that_does_not_stream_is_understood(tools: Any) -> None:
    whole = {
        "type": "message",
        "content": [{"type": "text", "text": "all"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 1},
    }
    heard = tools.talk(tools.answers(json.dumps(whole)), CLAUDE, env=KEY)
    assert (heard.reply.text, heard.reply.usage.total) == ("all", 4)


def test_a_tool_call_that_does_not_stream_is_understood(tools: Any) -> None:
    whole = {
        "type": "message",
        "content": [{"type": "tool_use", "name": "answer", "input": {"a": 1}}],
        "stop_reason": "tool_use",
    }
    heard = tools.talk(
        tools.answers(json.dumps(whole)),
        CLAUDE,
        env=KEY,
        requests=[tools.ask(schema={"type": "object"})],
    )
    assert json.loads(heard.reply.text) == {"a": 1}


def test_a_stream_that_stops_early_is_a_failure_with_what_there_was(tools: Any) -> None:
    error = tools.talk(tools.streams(*HELLO[:4]), CLAUDE, env=KEY, attempts=1).error
    assert isinstance(error, ModelUnavailable)
    assert error.partial == "Hel"


def test_an_empty_answer_is_no_answer(tools: Any) -> None:
    stream = (HELLO[0], stop("end_turn"))
    error = tools.talk(tools.streams(*stream), CLAUDE, env=KEY).error
    assert isinstance(error, InvalidReply)


@pytest.mark.parametrize(
    "garbage", [b"data: {not json\n\n", b"data: []\n\n", b'data: {"a": 1}\n\n']
)
def test_garbage_is_an_error(tools: Any, garbage: bytes) -> None:
    error = tools.talk(tools.streams(garbage), CLAUDE, env=KEY, attempts=1).error
    assert isinstance(error, ModelUnavailable)
