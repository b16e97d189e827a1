"""The chat completions API: OpenAI's own, and every server that speaks it."""

from __future__ import annotations

from typing import Any

import msgspec

from konseho_cli.models.base import Call, Reply, Request, Usage
from konseho_cli.models.endpoint import Endpoint
from konseho_cli.models.failures import broken, read_error, status_error
from konseho_cli.models.http import TOTAL_TIMEOUT_S, Http
from konseho_cli.models.schema import loosened, rooted, strict_compatible
from konseho_cli.models.sse import SseEvent
from konseho_cli.models.wire import AnswerReader, counted, encode

PATH = "/chat/completions"
_OFFICIAL = "api.openai.com"
_FINISH = {"stop": "stop", "length": "length", "content_filter": "refusal"}


class _Cached(msgspec.Struct, gc=False):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Cached | None = None

    def ours(self) -> Usage:
        details = self.prompt_tokens_details
        return Usage(
            input_tokens=counted(self.prompt_tokens),
            output_tokens=counted(self.completion_tokens),
            cached_tokens=counted(details.cached_tokens) if details else 0,
        )


class _Message(msgspec.Struct, gc=False):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None

    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(str(part.get("text") or "") for part in self.content)
        return self.content or ""


class _Choice(msgspec.Struct, gc=False):
    index: int = 0
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None
    object: str | None = None


_decoder = msgspec.json.Decoder(_Chunk)


class OpenAIModel:
    """One model behind a chat completions server."""

    __slots__ = ("_endpoint", "_http", "_name", "_timeout_s")

    def __init__(
        self, model: str, endpoint: Endpoint, http: Http, timeout_s: float | None = None
    ) -> None:
        self._name = f"{endpoint.provider}:{model}"
        self._endpoint = endpoint
        self._http = http
        self._timeout_s = timeout_s or TOTAL_TIMEOUT_S

    async def generate(self, request: Request, call: Call) -> Reply:
        """Ask once. Raises ModelRefused, ModelUnavailable, InvalidReply."""
        body = encode(_body(request, self._endpoint.host == _OFFICIAL), self._name)
        reader = _Reader(self._endpoint, self._name)
        await self._http.converse(self._endpoint, body, reader, call, self._timeout_s)
        return reader.reply(request)


def _body(request: Request, official: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [{"role": each.role, "content": each.text} for each in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    # OpenAI's newer models refuse max_tokens; most other servers know nothing else
    limit = "max_completion_tokens" if official else "max_tokens"
    optional = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        limit: request.max_tokens,
        "stop": request.stop or None,
        "seed": request.seed,
    }
    body.update({key: value for key, value in optional.items() if value is not None})
    if request.schema is not None:
        schema = rooted(request.schema)
        looser = loosened(schema)
        if official and strict_compatible(looser):
            schema = looser  # a server with a grammar makes use of the whole one
        strict = strict_compatible(schema)
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": strict},
        }
    return body


class _Reader(AnswerReader):
    __slots__ = ("_refused",)

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        super().__init__(endpoint, name)
        self._refused = False

    def event(self, event: SseEvent) -> str:
        """Take one chunk."""
        data = event.data
        if data == b"[DONE]":
            self.done = True
            self.finish = self.finish or "stop"
            return ""
        return self._take(data, event.name == "error")

    def document(self, body: bytes) -> str:
        """The whole answer of a server that does not stream."""
        text = self._take(body, failed=False)
        self.finish = self.finish or "stop"
        self.done = True
        return text

    def _take(self, data: bytes, failed: bool) -> str:
        try:
            chunk = _decoder.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise self.garbage(data) from None
        if chunk.error is not None or chunk.object == "error" or failed:
            raise self._failure(data)
        if chunk.usage is not None:
            self.usage = chunk.usage.ours()
        if chunk.choices is None and chunk.usage is None and chunk.object is None:
            raise self.garbage(data)
        text = ""
        for choice in chunk.choices or ():
            if choice.index == 0:
                text += self._choice(choice)
        return text

    def _choice(self, choice: _Choice) -> str:
        message = choice.delta or choice.message
        if choice.finish_reason:
            if choice.finish_reason == "error":
                raise broken(self.name, "the server gave up the answer", partial=self.text)
            self.finish = _FINISH.get(choice.finish_reason, "other")
        if message is None:
            return ""
        if message.refusal:
            self._refused = True
        if self._refused:
            self.finish = "refusal"
        text = message.text() or message.refusal or ""
        return self.add(text) if text else ""

    def _failure(self, data: bytes) -> Exception:
        error = read_error(msgspec.json.decode(data))
        if error.status is None:
            said = self.endpoint.redactor.clean(error.message) or "an error without words"
            if "invalid" in error.type:
                return status_error(self.endpoint, self.name, 400, error, partial=self.text)
            return broken(self.name, f"inside the stream: {said}", partial=self.text)
        return status_error(self.endpoint, self.name, error.status, error, partial=self.text)
