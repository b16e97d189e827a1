"""Anthropic's Messages API."""

from __future__ import annotations

from typing import Any

import msgspec

from konseho_cli.models.base import Call, Reply, Request, Usage
from konseho_cli.models.endpoint import Endpoint
from konseho_cli.models.failures import read_error, status_error
from konseho_cli.models.http import TOTAL_TIMEOUT_S, Http
from konseho_cli.models.prefix import least_chars, system_text
from konseho_cli.models.schema import rooted
from konseho_cli.models.sse import SseEvent
from konseho_cli.models.wire import AnswerReader, counted, encode

PATH = "/v1/messages"
VERSION = "2023-06-01"
_MAX_TOKENS = 16_384
_MAX_TOKENS_CLAUDE_3 = 4_096
_TOOL = "answer"
_FINISH = {
    "end_turn": "stop", "stop_sequence": "stop", "tool_use": "stop", "max_tokens": "length",
    "model_context_window_exceeded": "length", "refusal": "refusal",
}  # fmt: skip
_STATUS = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402,
    "permission_error": 403, "not_found_error": 404, "request_too_large": 413,
    "rate_limit_error": 429, "api_error": 500, "timeout_error": 504, "overloaded_error": 529,
}  # fmt: skip
"""What each error inside a stream would have been as a status."""


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    input: Any = None
    stop_reason: str | None = None


class _Answer(msgspec.Struct, gc=False):
    content: list[_Block] = []
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Event(msgspec.Struct, gc=False):
    type: str
    message: _Answer | str | None = None
    content_block: _Block | None = None
    delta: _Block | None = None
    usage: _Usage | None = None
    content: list[_Block] | None = None
    stop_reason: str | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Event)


class AnthropicModel:
    """One Claude model."""

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
        body = encode(_body(request, call.stable), self._name)
        reader = _Reader(self._endpoint, self._name)
        await self._http.converse(self._endpoint, body, reader, call, self._timeout_s)
        return reader.reply(request)


def _body(request: Request, stable: int) -> dict[str, Any]:
    system, messages = _prompt(request, stable)
    limit = _MAX_TOKENS_CLAUDE_3 if request.model.startswith("claude-3") else _MAX_TOKENS
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens or limit,
        "messages": messages,
        "stream": True,
    }
    optional = {
        "system": system or None,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop_sequences": request.stop or None,
    }
    body.update({key: value for key, value in optional.items() if value is not None})
    if request.schema is not None:
        tool = {
            "name": _TOOL,
            "description": "Give the answer in this form.",
            "input_schema": rooted(request.schema),
        }
        body |= {"tools": [tool], "tool_choice": {"type": "tool", "name": _TOOL}}
    return body


def _prompt(
    request: Request, stable: int
) -> tuple[str | list[dict[str, Any]], list[dict[str, Any]]]:
    """The system prompt and the messages, with a mark behind each long beginning that stays."""
    least = least_chars(request.model)
    text = system_text(request.messages)
    system = [_kept(text)] if len(text) >= least else text
    messages: list[dict[str, Any]] = [
        {"role": each.role, "content": each.text}
        for each in request.messages
        if each.role != "system"
    ]
    if stable > 0 and len(text) + stable >= least:
        first = next(each for each in messages if each["role"] == "user")
        whole = first["content"]
        if not whole[:stable].strip():
            return system, messages  # a block of blanks is refused
        rest = [{"type": "text", "text": whole[stable:]}] if whole[stable:].strip() else []
        first["content"] = [_kept(whole[:stable] if rest else whole), *rest]
    return system, messages


def _kept(text: str) -> dict[str, Any]:
    """A block up to which the server keeps the prompt for five minutes."""
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}


class _Reader(AnswerReader):
    __slots__ = ("_called", "_counts")

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        super().__init__(endpoint, name)
        self._counts: dict[str, int] = {}
        self._called = False
        """Whether the forced tool was used; text beside it is no part of the answer."""

    def event(self, event: SseEvent) -> str:
        """Take one event; kinds that we do not know are let pass, as the API asks for."""
        data = event.data
        told = self._decode(data)
        if told.type == "content_block_delta":
            return self._block(told.delta) if told.delta else ""
        if told.type == "content_block_start":
            return self._block(told.content_block) if told.content_block else ""
        if told.type == "message_start" and isinstance(told.message, _Answer):
            self._count(told.message.usage)
        elif told.type == "message_delta":
            self._count(told.usage)
            if told.delta:
                self._stop(told.delta.stop_reason)
        elif told.type == "message_stop":
            self.done = True
        elif told.type == "error":
            raise self._failure(data)
        return ""

    def document(self, body: bytes) -> str:
        """The whole answer of a server that does not stream."""
        told = self._decode(body)
        if told.type != "message":
            raise self._failure(body) if told.type == "error" else self.garbage(body)
        self._count(told.usage)
        self._stop(told.stop_reason or "end_turn")
        self.done = True
        return "".join([self._block(block) for block in told.content or ()])

    def _decode(self, data: bytes) -> _Event:
        try:
            return _decoder.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise self.garbage(data) from None

    def _block(self, block: _Block) -> str:
        if block.type == "tool_use":
            self._called = True
            self._pieces.clear()
            return self.add(msgspec.json.encode(block.input).decode()) if block.input else ""
        if block.type == "input_json_delta":
            return self.add(block.partial_json) if block.partial_json else ""
        if block.type in ("text", "text_delta") and not self._called:
            return self.add(block.text) if block.text else ""
        return ""

    def _stop(self, reason: str | None) -> None:
        if reason:
            self.finish = _FINISH.get(reason, "other")
        if reason == "tool_use" and self._called and not self._pieces:
            self.add("{}")  # a tool call without arguments streams nothing at all

    def _count(self, usage: _Usage | None) -> None:
        """Counts are cumulative; those that an event leaves out stay as they were."""
        counts = self._counts
        for field in _Usage.__struct_fields__:
            value = getattr(usage, field, None)
            if value is not None:
                counts[field] = counted(value)
        read = counts.get("cache_read_input_tokens", 0)
        written = counts.get("cache_creation_input_tokens", 0)
        self.usage = Usage(
            input_tokens=counts.get("input_tokens", 0) + read + written,
            output_tokens=counts.get("output_tokens", 0),
            cached_tokens=read,
            written_tokens=written,
        )

    def _failure(self, data: bytes) -> Exception:
        error = read_error(msgspec.json.decode(data))
        status = _STATUS.get(error.type, 500)
        return status_error(self.endpoint, self.name, status, error, partial=self.text)
