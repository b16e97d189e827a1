"""The seam between whoever moves bytes and whoever knows what an API means by them."""

from __future__ import annotations

from typing import Protocol

from konseho_cli.models.sse import SseEvent


class Reader(Protocol):
    """What a provider makes of one answer as it comes in."""

    name: str
    """The model's full name, for errors."""
    done: bool
    """Whether the answer is complete; what still follows is ignored."""

    @property
    def text(self) -> str:
        """The answer so far."""
        ...

    def event(self, event: SseEvent) -> str:
        """Take one event; returns the text that it adds. Raises ModelError."""
        ...

    def document(self, body: bytes) -> str:
        """Take an answer that did not stream. Raises ModelError."""
        ...

    def end(self) -> None:
        """The server has closed the stream. Raises ModelUnavailable if that was too early."""
        ...
