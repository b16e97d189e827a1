"""Keys and control characters are taken out of whatever a server says before anybody sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

import msgspec

HIDDEN = "***"
_SHORTEST = 8
"""Shorter keys are placeholders (`none`, `EMPTY`, `ollama`): to hide them would blank plain words."""
_LIKE_KEYS = re.compile(
    r"(?:sk|pk|rk)-[\w*.-]{6,}"
    r"|(?<=[Bb]earer )[\w.*~+/=-]{6,}"
    r"|(?<=[Bb]asic )[\w+/=]{6,}"
    r"|(?<=://)[^/@\s]+(?=@)"
)
_MESSAGE = 300
"""Characters of a server's message that are shown."""


class Redactor:
    """Knows the secrets of one endpoint; shows none of them, in its repr neither."""

    __slots__ = ("_escaped", "_secrets")

    def __init__(self, *secrets: str | None) -> None:
        forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
        long_enough = [form for form in forms if len(form) >= _SHORTEST]
        self._secrets = tuple(sorted(long_enough, key=len, reverse=True))
        self._escaped = [msgspec.json.encode(secret)[1:-1] for secret in self._secrets]

    def hide(self, text: str) -> str:
        """The text without the secrets; otherwise unchanged: fit for answers."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text

    def finds(self, document: bytes) -> bool:
        """Whether a JSON document holds a secret in any of its texts: `hide` is then due."""
        return any(secret in document for secret in self._escaped)

    def clean(self, text: str) -> str:
        """One short printable line without anything like a key: fit for messages."""
        shown = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
        text = self._hide_parts(self.hide(" ".join(shown.split())))
        text = _LIKE_KEYS.sub(HIDDEN, text)
        return text if len(text) <= _MESSAGE else f"{text[:_MESSAGE]}…"

    def _hide_parts(self, text: str) -> str:
        """Without pieces of a secret either: a key that is cut or spaced out still shows most."""
        places = [place for place, char in enumerate(text) if char != " "]
        packed = text.replace(" ", "")
        found = sorted(span for secret in self._secrets for span in _pieces(packed, secret))
        kept, end = [], 0
        for start, stop in found:
            if start >= end:
                kept += [text[places[end - 1] + 1 if end else 0 : places[start]], HIDDEN]
            end = max(end, stop)
        kept.append(text[places[end - 1] + 1 if end else 0 :])
        return "".join(kept)

    def stream(self, sink: Callable[[str], None]) -> Hiding:
        """A sink of pieces that hides a secret even where it is split between them."""
        return Hiding(self, self._secrets, sink)


class Hiding:
    """Hands pieces on, holding back what may be the beginning of a secret."""

    __slots__ = ("_held", "_redactor", "_secrets", "_sink")

    def __init__(
        self, redactor: Redactor, secrets: tuple[str, ...], sink: Callable[[str], None]
    ) -> None:
        self._redactor = redactor
        self._secrets = secrets
        self._sink = sink
        self._held = ""

    def feed(self, piece: str) -> None:
        """Take the next piece."""
        if not self._secrets:
            self._sink(piece)
            return
        text = self._redactor.hide(self._held + piece)
        keep = max((_overlap(text, secret) for secret in self._secrets), default=0)
        self._held = text[len(text) - keep :]
        if len(text) > keep:
            self._sink(text[: len(text) - keep])

    def flush(self) -> None:
        """The stream ended: what was held back was no secret."""
        if self._held:
            self._sink(self._held)
            self._held = ""


def _overlap(text: str, secret: str) -> int:
    """Length of the longest end of `text` that begins `secret`."""
    start = text.find(secret[0], max(0, len(text) - len(secret) + 1))
    while start >= 0:
        if secret.startswith(text[start:]):
            return len(text) - start
        start = text.find(secret[0], start + 1)
    return 0


def _pieces(text: str, secret: str) -> Iterator[tuple[int, int]]:
    """Where pieces of the secret stand in the text, each as long as the shortest secret."""
    secret = secret.replace(" ", "")
    for first in range(len(secret) - _SHORTEST + 1):
        piece = secret[first : first + _SHORTEST]
        start = text.find(piece)
        while start >= 0:
            yield start, start + _SHORTEST
            start = text.find(piece, start + 1)
