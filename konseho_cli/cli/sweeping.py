"""What `konseho whatif --sweep` says: one thing at many values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.core.units import Duration
from konseho_cli.profiling.whatif.changes import Changes
from konseho_cli.profiling.whatif.stated import Said, share_of_one, whole_number

MOST_POINTS = 32
FACTORS = 8
"""Values of a range of factors or shares."""

_KEYS: dict[str, Callable[[str, str], Said]] = {
    "agent": lambda name, value: Said(agents=[f"{name}={_as_factor(value)}"]),
    "model": lambda name, value: Said(models=[f"{name}={_as_factor(value)}"]),
    "rpm": lambda name, value: Said(rpm=[f"{name}={value}"]),
    "tpm": lambda name, value: Said(tpm=[f"{name}={value}"]),
    "limit": lambda name, value: Said(limit=[f"{name}={value}"]),
    "step": lambda name, value: Said(steps=[f"{name}={value}"]),
    "concurrency": lambda name, value: Said(concurrency=whole_number("--sweep concurrency", value)),
    "cache-hit": lambda name, value: Said(cache_hit=share_of_one("--sweep cache-hit", value)),
    "overhead": lambda name, value: Said(overhead=value),
}
_ALONE = ("concurrency", "cache-hit", "overhead")
_TIMED = ("agent", "model", "overhead")
_FRACTIONS = ("agent", "model", "cache-hit")


def read_sweep(text: str) -> tuple[str, list[tuple[str, Changes]]]:
    """What is swept, and each value with its change. Raises UsageError."""
    what, equals, values = text.rpartition("=")
    kind, dot, name = what.partition(".")
    if kind not in _KEYS:
        hint = did_you_mean(kind, _KEYS) or f"possible: {', '.join(_KEYS)}"
        raise UsageError(f"--sweep {text}: there is no sweep over '{kind}'", hint=hint)
    if not equals or not values or bool(dot and name) == (kind in _ALONE):
        example = f"{kind}=…" if kind in _ALONE else f"{kind}.NAME=…"
        raise UsageError(f"--sweep {text}: {example} was expected, as in concurrency=1..32")
    points = list(dict.fromkeys(_points(text, values, kind)))
    if len(points) > MOST_POINTS:
        raise UsageError(f"--sweep {text}: at most {MOST_POINTS} values")
    return what, [(_shown(kind, each), _KEYS[kind](name, each).changes()) for each in points]


def _points(text: str, values: str, kind: str) -> Iterable[str]:
    low_text, dots, high_text = values.partition("..")
    if not dots:
        return [each.strip() for each in values.split(",") if each.strip()]
    timed = False
    try:
        low, high = float(low_text), float(high_text.removesuffix("x"))
    except ValueError:
        low, high = _seconds(text, low_text, high_text, kind)
        timed = True
    if not 0 <= low < high <= 1e9:
        raise UsageError(f"--sweep {text}: from a lesser to a greater number, please")
    if timed or kind in _FRACTIONS:
        width = (high - low) / (FACTORS - 1)
        between = [low + place * width for place in range(FACTORS)]
        return [_as_duration(each, high) if timed else f"{each:.3g}" for each in between]
    first, last = int(low), int(high)
    if last - first < MOST_POINTS:
        return [str(each) for each in range(first, last + 1)]
    first = max(1, first)
    ratio = (last / first) ** (1 / (MOST_POINTS - 1))
    return [str(round(first * ratio**place)) for place in range(MOST_POINTS)]


def _seconds(text: str, low: str, high: str, kind: str) -> tuple[float, float]:
    """Of a range of durations, where there can be one. Raises UsageError."""
    if kind in _TIMED:
        with suppress(ValueError):
            return Duration(low), Duration(high)
    raise UsageError(f"--sweep {text}: expected numbers, as in 1..32")


def _as_duration(seconds: float, highest: float) -> str:
    number, unit = (seconds * 1e3, "ms") if highest < 1 else (seconds, "s")
    return f"{number:.3g}{unit}" if number < 100 else f"{number:.0f}{unit}"


def _as_factor(value: str) -> str:
    return f"{value}x" if value.replace(".", "", 1).isdigit() else value


def _shown(kind: str, value: str) -> str:
    return _as_factor(value) if kind in ("agent", "model") else value
