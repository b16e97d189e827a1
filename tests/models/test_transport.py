from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from aiohttp import web

from konseho_cli.core.errors import ModelRefused, ModelUnavailable

KEY = "very-secret-key-1234"
CHUNK = b'data: {"object":"x","choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n'
END = b'data: {"object":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


# ----------------------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ModelRefused),
        (401, ModelRefused),
        (403, ModelRefused),
        (404, ModelRefused),
        (408, ModelUnavailable),
        (409, ModelUnavailable),
        (422, ModelRefused),
        (429, ModelUnavailable),
        (500, ModelUnavailable),
        (503, ModelUnavailable),
        (529, ModelUnavailable),
    ],
)
def test_a_status_becomes_an_error_with_the_servers_words(
    tools: Any, status: int, kind: type[ModelRefused]
) -> None:
    body = json.dumps({"error": {"message": "no such luck", "type": "t"}})
    error = tools.talk(tools.answers(body, status), attempts=1).error
    assert type(error) is kind
    assert str(error) == f"openai:m: {status}: no such luck"
    assert error.status == status


def test_a_401_asks_for_the_key(tools: Any) -> None:
    error = tools.talk(tools.answers("{}", 401)).error
    assert error.hint.startswith("is OPENAI_API_KEY set")


def test_a_404_asks_for_the_models_name_and_the_address(tools: Any) -> None:
    error = tools.talk(tools.answers("{}", 404), "vllm:llama").error
    assert "'llama'" in error.hint
    assert "base_url" in error.hint


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": "plain"}', "plain"),
        ('{"detail": [{"msg": "field required"}]}', "field required"),
        ('[{"error": {"message": "in a list"}}]', "in a list"),
        ("<html><title>502 Bad Gateway</title>…</html>", "an HTML page: 502 Bad Gateway"),
        ("just text\x1b[2J", "just text[2J"),
    ],
)
def test_an_error_body_of_any_shape_is_read(tools: Any, body: str, said: str) -> None:
    assert said in str(tools.talk(tools.answers(body, 502), attempts=1).error)


def test_an_error_without_a_body_is_its_status_and_what_that_means(tools: Any) -> None:
    assert str(tools.talk(tools.answers("", 500), attempts=1).error) == (
        "openai:m: 500: Internal Server Error"
    )


@pytest.mark.parametrize(
    ("status", "said", "hint"),
    [
        (204, "204: No Content", "base_url"),
        (307, "307: Temporary Redirect", "base_url"),
        (529, "529: Overloaded", None),
        (999, "999: not a status that HTTP knows", None),
    ],
)
def test_a_bare_status_says_what_it_means(
    tools: Any, status: int, said: str, hint: str | None
) -> None:
    error = tools.talk(tools.answers("", status), attempts=1).error
    assert str(error) == f"openai:m: {said}"
    assert (hint or "") in (error.hint or "")


@pytest.mark.parametrize("encoding", ["gzip", "br", "x-any"])
def test_an_answer_in_an_encoding_that_nobody_asked_for_is_refused(
    tools: Any, encoding: str
) -> None:
    packed = tools.answers(gzip.compress(b"{}"), Content_Encoding=encoding)
    error = tools.talk(packed).error
    assert isinstance(error, ModelRefused)
    assert f"packed ({encoding})" in str(error)
    assert "Accept-Encoding: identity" in error.hint


def test_a_packed_error_is_its_status_alone(tools: Any) -> None:
    packed = tools.answers(gzip.compress(b"no"), 500, Content_Encoding="gzip")
    error = tools.talk(packed, attempts=1).error
    assert str(error) == "openai:m: 500: Internal Server Error"


def test_an_answer_that_says_it_is_not_packed_is_read(tools: Any) -> None:
    body = '{"object":"x","choices":[{"index":0,"message":{"content":"hello"}}]}'
    assert tools.talk(tools.answers(body, Content_Encoding="identity")).reply.text == "hello"


def test_an_error_body_is_shortened(tools: Any) -> None:
    error = tools.talk(tools.answers("x" * 1_000_000, 500), attempts=1).error
    assert len(str(error)) < 400


def test_an_empty_account_is_not_asked_again(tools: Any) -> None:
    body = json.dumps({"error": {"message": "no credit", "code": "insufficient_quota"}})
    heard = tools.talk(tools.answers(body, 429))
    assert isinstance(heard.error, ModelRefused)
    assert "credit" in heard.error.hint
    assert len(heard.bodies) == 1


def test_a_redirect_is_not_followed_with_our_key(tools: Any) -> None:
    moved = tools.answers("", 307, Location="http://127.0.0.1:1/elsewhere")
    error = tools.talk(moved, env={"OPENAI_API_KEY": KEY}).error
    assert isinstance(error, ModelRefused)
    assert "base_url" in error.hint


def test_a_page_instead_of_an_answer_is_refused_with_a_hint(tools: Any) -> None:
    page = tools.answers("<html><title>Sign in</title></html>", Content_Type="text/html")
    error = tools.talk(page).error
    assert isinstance(error, ModelRefused)
    assert "an HTML page: Sign in" in str(error)
    assert "base_url" in error.hint


# ----------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("status", [401, 500])
def test_a_key_that_the_server_says_back_is_hidden(tools: Any, status: int) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        text = f"bad: {request.headers['Authorization']}"
        return web.Response(text=text, status=status, headers={"Retry-After": "0"})

    heard = tools.talk(echo, env={"OPENAI_API_KEY": KEY}, attempts=2)
    assert "***" in str(heard.error)
    said = [str(heard.error), str(heard.error.hint), *(reason for reason, _ in heard.retries)]
    said += [str(span.attributes) for span in heard.spans]
    assert KEY not in " ".join(said)


def test_a_key_that_the_server_answers_is_hidden(tools: Any) -> None:
    pieces = [
        CHUNK.replace(b"hello", piece.encode()) for piece in ("it is ", KEY[:7], KEY[7:], "!")
    ]
    heard = tools.talk(tools.streams(*pieces, END, DONE), env={"OPENAI_API_KEY": KEY}, show=True)
    assert heard.reply.text == "it is ***!"
    assert "".join(heard.shown) == "it is ***!"


def test_userinfo_of_an_address_is_sent_but_never_shown(tools: Any) -> None:
    seen: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await tools.read_request(reader))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    heard = tools.over_tcp(speak, url="http://me:topsecret1@{}/v1")
    assert b"Authorization: Basic bWU6dG9wc2VjcmV0MQ==" in seen[0]
    assert "topsecret1" not in f"{heard.error} {heard.error.hint}"
