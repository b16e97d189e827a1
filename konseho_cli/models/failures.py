"""What went wrong at a server, as errors of ours: status, the server's words, and the way out."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec

from konseho_cli.core.errors import ModelError, ModelRefused, ModelUnavailable
from konseho_cli.models.endpoint import Endpoint

_AGAIN = frozenset({408, 409, 425, 429})
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_QUOTA = "insufficient_quota"
"""OpenAI answers 429 for an empty account too; no waiting fills it."""


class ServerError(msgspec.Struct, gc=False):
    """What a server says about its error, in whichever of the known shapes."""

    message: str = ""
    type: str = ""
    code: str = ""

    @property
    def status(self) -> int | None:
        """The HTTP status that the error states itself, inside a stream."""
        return int(self.code) if self.code.isdigit() and len(self.code) == 3 else None


def read_error(document: Any) -> ServerError:
    """From a parsed body: OpenAI's, Anthropic's, FastAPI's and plain shapes."""
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return ServerError(message=str(document) if document else "")
    inner = document.get("error") or document
    if not isinstance(inner, dict):
        return ServerError(message=str(inner))
    message = inner.get("message") or inner.get("detail") or inner.get("msg") or ""
    return ServerError(
        message=message if isinstance(message, str) else msgspec.json.encode(message).decode(),
        type=str(inner.get("type") or ""),
        code=str(inner.get("code") or ""),
    )


def read_body(body: bytes) -> ServerError:
    """From the body of an error answer, which may be anything."""
    try:
        return read_error(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body.decode(errors="replace")
    title = _TITLE.search(text)
    if title:
        return ServerError(message=f"an HTML page: {title[1]}")
    return ServerError(message="an HTML page" if text.lstrip().startswith("<") else text)


def status_error(
    endpoint: Endpoint,
    name: str,
    status: int,
    error: ServerError,
    *,
    retry_after_s: float | None = None,
    partial: str = "",
) -> ModelError:
    """The error of ours for a status; `name` is the model's full name."""
    said = endpoint.redactor.clean(error.message) or phrase(status)
    again = (status in _AGAIN or status >= 500) and _QUOTA not in (error.type, error.code)
    kind = ModelUnavailable if again else ModelRefused
    return kind(
        f"{name}: {status}: {said}",
        hint=_hint(endpoint, name, status, error),
        status=status,
        retry_after_s=retry_after_s,
        partial=partial,
    )


def phrase(status: int) -> str:
    """What a status means, for whoever was told no more than its number."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Overloaded" if status == 529 else "not a status that HTTP knows"


def _hint(endpoint: Endpoint, name: str, status: int, error: ServerError) -> str | None:
    key, base = endpoint.key_env, endpoint.base_url
    if status in (401, 403):
        if not key:
            return (
                f"{base} wants a key, and got none: keys go to {endpoint.provider}'s own server and "
                "to one that the environment names (OPENAI_BASE_URL), not where only a file says"
            )
        return f"is {key} set, and is it the right key for {base}?"
    if status == 404:
        return f"does {base} have the model '{name.partition(':')[2]}', and is base_url right?"
    if status == 402 or _QUOTA in (error.type, error.code):
        return "is there credit left on the account?"
    if status in (301, 302, 303, 307, 308):
        return f"set base_url to where {base} redirects"
    if status < 300:
        return f"is base_url right? {base} answers, but with no answer of a model"
    if status == 429:
        return "lower max_concurrency, or raise the model's attempts"
    return None


def broken(name: str, what: str, *, hint: str | None = None, partial: str = "") -> ModelUnavailable:
    """A conversation that ended before the answer did."""
    return ModelUnavailable(f"{name}: {what}", hint=hint, partial=partial)
