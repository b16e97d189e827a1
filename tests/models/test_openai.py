from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from konseho_cli.core.errors import InvalidReply, ModelRefused, ModelUnavailable
from konseho_cli.models.base import Message, Request, Usage

SCHEMA = {
    "type": "object",
    "properties": {"approve": {"type": "boolean"}},
    "required": ["approve"],
    "additionalProperties": False,
}


def chunk(content: Any = None, finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": content, **delta}, "finish_reason": finish}
    return event({"object": "chat.completion.chunk", "choices": [choice]})


def event(document: Any) -> bytes:
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


def usage(**fields: Any) -> bytes:
    return event({"object": "chat.completion.chunk", "choices": [], "usage": fields})


DONE = b"data: [DONE]\n\n"
HELLO = (chunk("", role="assistant"), chunk("Grüß "), chunk("Gott ☀️"), chunk(None, "stop"))


def test_an_answer_is_its_pieces_in_order(tools: Any) -> None:
    heard = tools.talk(tools.streams(*HELLO, DONE), show=True)
    assert heard.reply.text == "Grüß Gott ☀️"
    assert heard.reply.model == "openai:m"
    assert heard.reply.finish == "stop"
    assert "".join(heard.shown) == heard.reply.text


def test_an_answer_survives_chunks_split_at_every_byte(tools: Any) -> None:
    whole = b": comment\r\n\r\n" + b"".join((*HELLO, DONE)).replace(b"\n", b"\r\n")
    heard = tools.talk(tools.streams(*(bytes([byte]) for byte in whole)))
    assert heard.reply.text == "Grüß Gott ☀️"


def test_usage_comes_with_its_cached_part(tools: Any) -> None:
    counted = usage(
        prompt_tokens=100, completion_tokens=7, prompt_tokens_details={"cached_tokens": 64}
    )
    heard = tools.talk(tools.streams(*HELLO, counted, DONE))
    assert heard.reply.usage == Usage(input_tokens=100, output_tokens=7, cached_tokens=64)


@pytest.mark.parametrize(("said", "kept"), [(10**400, 2**53), (-5, 0)], ids=["huge", "negative"])
def test_a_count_that_nothing_can_be_is_kept_within_bounds(
    tools: Any, said: int, kept: int
) -> None:
    counts = usage(
        prompt_tokens=said, completion_tokens=said, prompt_tokens_details={"cached_tokens": said}
    )
    heard = tools.talk(tools.streams(*HELLO, counts, DONE))
    assert heard.reply.usage == Usage(input_tokens=kept, output_tokens=kept, cached_tokens=kept)


def test_no_usage_is_invented_for_a_server_that_gives_none(tools: Any) -> None:
    assert tools.talk(tools.streams(*HELLO, DONE)).reply.usage == Usage()


def test_the_request_says_what_was_asked(tools: Any) -> None:
    request = Request(
        model="m",
        messages=(Message("system", "Be brief."), Message("user", "hello")),
        temperature=0.0,
        top_p=0.9,
        max_tokens=5,
        stop=("END",),
        seed=7,
    )
    heard = tools.talk(tools.streams(*HELLO, DONE), requests=[request])
    assert heard.bodies == [
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "hello"},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.0,
            "top_p": 0.9,
            "max_tokens": 5,
            "stop": ["END"],
            "seed": 7,
        }
    ]


def test_a_key_is_sent_and_none_is_made_up(tools: Any) -> None:
    with_key = tools.talk(tools.streams(*HELLO, DONE), env={"OPENAI_API_KEY": "sk-12345678"})
    assert with_key.headers[0]["Authorization"] == "Bearer sk-12345678"
    assert "Authorization" not in tools.talk(tools.streams(*HELLO, DONE)).headers[0]


def test_a_schema_is_asked_for_by_the_apis_own_means(tools: Any) -> None:
    heard = tools.talk(
        tools.streams(chunk('{"approve": true}', "stop"), DONE),
        requests=[tools.ask(schema=SCHEMA), tools.ask(schema={"type": "object"})],
    )
    strict, loose = (body["response_format"]["json_schema"] for body in heard.bodies)
    assert strict == {"name": "answer", "schema": SCHEMA, "strict": True}
    assert loose == {"name": "answer", "schema": {"type": "object"}, "strict": False}


def test_openai_itself_gets_what_only_it_understands(
    tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[Any] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, _, body = (await tools.read_request(reader)).partition(b"\r\n\r\n")
        bodies.append(json.loads(body))
        writer.write(tools.chunked(chunk('{"approve": true}', "stop"), DONE))

    narrow = {**SCHEMA, "properties": {"approve": {"type": "boolean", "default": True}}}
    request = tools.ask(max_tokens=9, schema=narrow)

    async def main() -> Any:
        async with tools.listening(speak) as place:  # as a proxy: the host's name is what counts
            monkeypatch.setenv("http_proxy", f"http://{place}")
            url = "http://api.openai.com/v1"
            return await asyncio.to_thread(tools.talk, None, base_url=url, requests=[request])

    assert asyncio.run(main()).reply.text == '{"approve": true}'
    assert bodies[0]["max_completion_tokens"] == 9
    assert "max_tokens" not in bodies[0]
    wanted = bodies[0]["response_format"]["json_schema"]
    assert (wanted["strict"], wanted["schema"]) == (True, SCHEMA)


def test_a_list_comes_back_as_a_list(tools: Any) -> None:
    schema = {"type": "array", "items": {"type": "integer"}}
    heard = tools.talk(
        tools.streams(chunk('{"value": [1, 2]}', "stop"), DONE),
        requests=[tools.ask(schema=schema)],
    )
    assert json.loads(heard.reply.text) == [1, 2]


def test_a_server_that_does_not_stream_is_understood(tools: Any) -> None:
    whole = {
        "object": "chat.completion",
        "choices": [{"message": {"role": "assistant", "content": "all"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    heard = tools.talk(tools.answers(json.dumps(whole)), show=True)
    assert heard.reply.text == "all"
    assert heard.shown == ["all"]
    assert heard.reply.usage.total == 4


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "refusal"),
        ("tool_calls", "other"),
    ],
)
def test_the_finish_reason_is_kept(tools: Any, said: str, ours: str) -> None:
    assert tools.talk(tools.streams(chunk("text", said), DONE)).reply.finish == ours


def test_a_refusal_is_an_answer_that_says_so(tools: Any) -> None:
    heard = tools.talk(
        tools.streams(chunk(None, refusal="I can't "), chunk(None, "stop", refusal="help."), DONE)
    )
    assert heard.reply.text == "I can't help."
    assert heard.reply.finish == "refusal"
    assert heard.reply.notes == ("the model refused to answer",)


def test_thinking_is_no_part_of_the_answer(tools: Any) -> None:
    heard = tools.talk(
        tools.streams(chunk(None, reasoning_content="hm", reasoning="hm"), *HELLO, DONE), show=True
    )
    assert heard.shown[0] == "Grüß "


def test_content_in_parts_is_joined(tools: Any) -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "so"}]
    assert tools.talk(tools.streams(chunk(parts, "stop"), DONE)).reply.text == "so"


def test_only_the_first_choice_counts(tools: Any) -> None:
    other = event({"choices": [{"index": 1, "delta": {"content": "other"}}], "object": "x"})
    assert tools.talk(tools.streams(other, *HELLO, DONE)).reply.text == "Grüß Gott ☀️"


def test_an_end_without_done_is_fine_once_the_answer_has_finished(tools: Any) -> None:
    assert tools.talk(tools.streams(*HELLO)).reply.text == "Grüß Gott ☀️"


def test_an_end_before_the_answers_own_is_a_failure_with_what_there_was(tools: Any) -> None:
    error = tools.talk(tools.streams(chunk("half an ")), attempts=1).error
    assert isinstance(error, ModelUnavailable)
    assert error.partial == "half an "
    assert "ended before the answer did" in str(error)


def test_an_empty_answer_is_no_answer(tools: Any) -> None:
    error = tools.talk(tools.streams(chunk("", "stop"), DONE)).error
    assert isinstance(error, InvalidReply)
    assert "the answer is empty" in str(error)


def test_an_answer_used_up_by_thinking_says_what_to_raise(tools: Any) -> None:
    error = tools.talk(tools.streams(chunk("", "length"), DONE)).error
    assert isinstance(error, InvalidReply)
    assert "max_tokens" in str(error.hint)


@pytest.mark.parametrize(
    ("document", "kind", "status"),
    [
        ({"error": {"message": "boom", "type": "server_error"}}, ModelUnavailable, None),
        ({"error": {"message": "boom", "code": 502}}, ModelUnavailable, 502),
        ({"error": {"message": "boom", "code": 429}}, ModelUnavailable, 429),
        ({"error": {"message": "boom", "type": "invalid_request_error"}}, ModelRefused, 400),
        ({"object": "error", "message": "boom", "code": 400}, ModelRefused, 400),
        ({"error": "boom"}, ModelUnavailable, None),
    ],
)
def test_an_error_inside_the_stream_is_an_error(
    tools: Any, document: Any, kind: type[ModelRefused], status: int | None
) -> None:
    error = tools.talk(tools.streams(chunk("so far"), event(document)), attempts=1).error
    assert type(error) is kind
    assert "boom" in str(error)
    assert (error.status, error.partial) == (status, "so far")


@pytest.mark.parametrize("garbage", [b"data: {not json\n\n", b"data: 7\n\n", b'data: {"a": 1}\n\n'])
def test_garbage_in_the_stream_is_an_error_that_shows_it(tools: Any, garbage: bytes) -> None:
    error = tools.talk(tools.streams(garbage), attempts=1).error
    assert isinstance(error, ModelUnavailable)
    assert garbage[6:-2].decode() in str(error)


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "{}", "[" * 5000, '{"choices": 7}'])
def test_garbage_instead_of_a_document_is_an_error(tools: Any, body: str) -> None:
    assert isinstance(tools.talk(tools.answers(body), attempts=1).error, ModelUnavailable)


def test_a_prompt_with_half_a_character_is_refused_before_it_is_sent(tools: Any) -> None:
    heard = tools.talk(tools.streams(*HELLO, DONE), requests=[tools.ask("\ud800")])
    assert isinstance(heard.error, ModelRefused)
    assert heard.bodies == []
