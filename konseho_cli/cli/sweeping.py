"""What `konseho whatif --sweep` says: one thing at many values."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.profiling.changes import Changes
from konseho_cli.profiling.stated import Said, share_of_one, whole_number

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
    points = list(dict.fromkeys(_points(text, values, fractions=kind in _FRACTIONS)))
    if len(points) > MOST_POINTS:
        raise UsageError(f"--sweep {text}: at most {MOST_POINTS} values")
    return what, [(_shown(kind, each), _KEYS[kind](name, each).changes()) for each in points]


def _points(text: str, values: str, *, fractions: bool) -> Iterable[str]:
    low_text, dots, high_text = values.partition("..")
    if not dots:
        return [each.strip() for each in values.split(",") if each.strip()]
    try:
        low, high = float(low_text), float(high_text.removesuffix("x"))
    except ValueError:
        raise UsageError(f"--sweep {text}: expected numbers, as in 1..32") from None
    if not 0 <= low < high <= 1e9:
        raise UsageError(f"--sweep {text}: from a lesser to a greater number, please")
    if fractions:
        width = (high - low) / (FACTORS - 1)
        return [f"{low + place * width:.3g}" for place in range(FACTORS)]
    first, last = int(low), int(high)
    if last - first < MOST_POINTS:
        return [str(each) for each in range(first, last + 1)]
    first = max(1, first)
    ratio = (last / first) ** (1 / (MOST_POINTS - 1))
    return [str(round(first * ratio**place)) for place in range(MOST_POINTS)]


def _as_factor(value: str) -> str:
    return f"{value}x" if value.replace(".", "", 1).isdigit() else value


def _shown(kind: str, value: str) -> str:
    return _as_factor(value) if kind in ("agent", "model") else value
