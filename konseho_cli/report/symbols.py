"""The signs that a terminal can show: Unicode where its encoding has them, else ASCII."""

from __future__ import annotations

import msgspec


class Symbols(msgspec.Struct, frozen=True, kw_only=True):
    """One sign for each state, and the strokes of lines."""

    waiting: str
    running: str
    ok: str
    degraded: str
    failed: str
    skipped: str
    check: str
    """In front of a run that is plainly fine."""
    bar: str
    bar_end: str
    rest: str
    """What is left of a bar."""
    branch: str
    last: str
    stem: str
    dot: str
    """Between the figures of one line."""
    arrow: str
    ellipsis: str
    dash: str
    """In a range: 2–4."""
    full: str
    """A cell of a lane or of a share, from full to light, and what marks the cells above it."""
    half: str
    light: str
    mark: str

    def spelt(self, text: str) -> str:
        """A text with signs that can be written: `us` where there is no `µs`."""
        return text.replace("µs", "us").replace("×", "x") if self.dot.isascii() else text

    def of(self, status: str) -> str:
        """The sign of a step's, an agent's or a run's state."""
        signs = {
            "waiting": self.waiting,
            "running": self.running,
            "ok": self.ok,
            "degraded": self.degraded,
            "limit": self.degraded,
            "interrupted": self.degraded,
            "failed": self.failed,
        }
        return signs.get(status, self.skipped)


UNICODE = Symbols(
    waiting="·", running="○", ok="●", degraded="▲", failed="✖", skipped="–", check="✔",
    bar="━", bar_end="╸", rest="─", branch="├─", last="└─", stem="│ ",
    dot="·", arrow="→", ellipsis="…", dash="–", full="█", half="▒", light="░", mark="▔",
)  # fmt: skip

ASCII = Symbols(
    waiting=".", running="o", ok="*", degraded="!", failed="x", skipped="-", check="+",
    bar="#", bar_end=">", rest=".", branch="|-", last="`-", stem="| ",
    dot="|", arrow="->", ellipsis="...", dash="-", full="#", half="+", light=".", mark="^",
)  # fmt: skip


def symbols_for(encoding: str | None) -> Symbols:
    """Unicode where every sign can be written in this encoding."""
    try:
        "·○●▲✖–✔━╸─├└│→…µ█▒░▔".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE
