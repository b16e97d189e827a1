"""What the providers' clients share: bodies out, answers in."""

from __future__ import annotations

from typing import Any

import msgspec

from konseho_cli.core.errors import InvalidReply, ModelRefused
from konseho_cli.models.base import Reply, Request, Usage
from konseho_cli.models.endpoint import Endpoint
from konseho_cli.models.failures import broken
from konseho_cli.models.schema import unrooted

_encoder = msgspec.json.Encoder()


def encode(body: dict[str, Any], name: str) -> bytes:
    """A request body as JSON. Raises ModelRefused for text that is not Unicode."""
    try:
        return _encoder.encode(body)
    except UnicodeEncodeError:
        raise ModelRefused(
            f"{name}: the prompt holds half a character (a lone surrogate)",
            hint="is a file in it not UTF-8?",
        ) from None


class AnswerReader:
    """The part of reading an answer that is the same everywhere; providers add `event`."""

    __slots__ = ("_pieces", "done", "endpoint", "finish", "name", "usage")

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self.endpoint = endpoint
        self.name = name
        self.done = False
        self.finish = ""
        """stop, length, refusal or other; empty as long as the server has not said."""
        self.usage = Usage()
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """The answer so far, without the key if the server says it back to us."""
        return self.endpoint.redactor.hide("".join(self._pieces))

    def add(self, text: str) -> str:
        """Append a piece of the answer, and return it."""
        self._pieces.append(text)
        return text

    def end(self) -> None:
        """The stream is over. Raises ModelUnavailable where the answer was not."""
        if not self.done and not self.finish:
            raise broken(self.name, "the stream ended before the answer did", partial=self.text)

    def garbage(self, data: bytes) -> Exception:
        """The error for something that is not what the API sends."""
        said = self.endpoint.redactor.clean(data[:200].decode(errors="replace"))
        return broken(
            self.name,
            f"the server sent what cannot be read: '{said}'",
            hint=f"does {self.endpoint.base_url} speak the API of '{self.endpoint.provider}'?",
            partial=self.text,
        )

    def reply(self, request: Request) -> Reply:
        """The finished answer. Raises InvalidReply if there is none in it."""
        text, finish = self.text, self.finish or "stop"
        if not text.strip() and finish != "refusal":
            raise self._empty(finish)
        if request.schema is not None:
            text = unrooted(text, request.schema)
        notes = ("the model refused to answer",) if finish == "refusal" else ()
        return Reply(text=text, model=self.name, usage=self.usage, finish=finish, notes=notes)

    def _empty(self, finish: str) -> InvalidReply:
        if finish == "length":
            return InvalidReply(
                f"{self.name}: max_tokens was used up before the first word of the answer",
                hint="raise max_tokens: what a model thinks counts too",
            )
        return InvalidReply(f"{self.name}: the answer is empty")


def counted(tokens: int | None) -> int:
    """A server's count, kept within what a count can be."""
    return min(max(tokens or 0, 0), 2**53)
