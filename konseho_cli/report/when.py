"""Moments as people say them: `just now`, `5 min ago`, `3 d ago`, then the date."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_DAYS = 14
"""From there on a date says more than a number of days."""


def ago(moment: float, now: float) -> str:
    """How long ago, roughly; both are seconds since the epoch."""
    seconds = now - moment
    if seconds < 10:
        return "just now"
    for unit, length, until in (
        ("s", 1, _MINUTE),
        ("min", _MINUTE, _HOUR),
        ("h", _HOUR, _DAY),
        ("d", _DAY, _DAYS * _DAY),
    ):
        if seconds < until:
            return f"{seconds // length:.0f} {unit} ago"
    return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d}"


def local(moment: float) -> str:
    """To the second, in the zone of whoever reads."""
    return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d %H:%M:%S}"


def iso(moment: float) -> str:
    """For programs: UTC, to the millisecond."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
