"""What servers say about their limits in the headers of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s|d)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_S = 86_400.0
_EPOCH_S = 1e9
"""A plain number above this is a date in seconds since 1970; a thousand times that, in ms."""

PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")
READ = ("retry-after", "retry-after-ms", "date")
"""Headers that are read beside those with one of the prefixes."""


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """One limit as the server counts it."""

    name: str
    """requests, tokens, input-tokens, …; empty where the server has only one."""
    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None
    """Seconds until all of it is there again."""


def is_about_limits(header: str) -> bool:
    """Whether a header (in lower case) is one that is read here."""
    return header in READ or header.startswith(PREFIXES)


def read_quotas(headers: Mapping[str, str], wall_s: float) -> tuple[Quota, ...]:
    """Every limit that the headers (names in lower case) speak of; what cannot be read is left out.

    OpenAI and those who follow it write `x-ratelimit-remaining-requests: 9` and
    `x-ratelimit-reset-requests: 6m0s`; Anthropic `anthropic-ratelimit-requests-reset` with a date.
    """
    found: dict[str, dict[str, float]] = {}
    for name, field, text in _stated(headers):
        value = _seconds(text, wall_s) if field == "reset" else _number(text)
        if value is not None:
            found.setdefault(name, {})[field] = value
    return tuple(
        Quota(
            name=name, limit=told.get("limit"), remaining=told.get("remaining"),
            reset_s=told.get("reset"),
        )
        for name, told in found.items()
    )  # fmt: skip


def retry_after(headers: Mapping[str, str], wall_s: float) -> float | None:
    """Seconds that the server asks us to wait; None where it does not say, or not readably.

    `Retry-After` first (a date is read against the server's own clock, where it sends one), then
    the reset of the limits that are used up.
    """
    for header, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        seconds = _number(headers.get(header, ""))
        if seconds is not None:
            return seconds * unit
    until, now = _date(headers.get("retry-after")), _date(headers.get("date"))
    if until is not None:
        return max(0.0, until - (wall_s if now is None else now))
    resets = [
        quota.reset_s
        for quota in read_quotas(headers, wall_s)
        if quota.reset_s is not None and quota.remaining is not None and quota.remaining <= 0
    ]
    return max(resets, default=None)


def _stated(headers: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Name of the limit, which of its three fields, and the text."""
    for header, text in headers.items():
        for prefix in PREFIXES:
            if header.startswith(prefix):
                words = header[len(prefix) :].split("-")
                field = next((word for word in words if word in _FIELDS), None)
                if field is not None:
                    words.remove(field)
                    yield "-".join(words), field, text


_FIELDS = frozenset({"limit", "remaining", "reset"})


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds(text: str, wall_s: float) -> float | None:
    """`1.5`, `6m0s`, `20ms`, `2026-01-01T00:00:00Z` or a date in seconds or milliseconds."""
    text = text.strip()
    number = _number(text)
    if number is not None:
        if number > _EPOCH_S:
            number = (number / 1000 if number > _EPOCH_S * 1000 else number) - wall_s
        return _bounded(number)
    parts = _SPAN.findall(text)
    if parts and "".join(f"{amount}{unit}" for amount, unit in parts) == text:
        return _bounded(sum(float(amount) * _UNITS[unit] for amount, unit in parts))
    try:
        return _bounded(datetime.fromisoformat(text).timestamp() - wall_s)
    except (ValueError, OverflowError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_S)


def _date(text: str | None) -> float | None:
    if text is None:
        return None
    from email.utils import parsedate_to_datetime  # only for a server that sends dates

    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
