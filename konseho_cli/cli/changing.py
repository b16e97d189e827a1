"""What the options of `konseho whatif` say: changes, and sweeps over one of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from konseho_cli.cli.durations import read_duration
from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.core.units import Count, Duration
from konseho_cli.profiling.changes import Changes, LimitName, Pace, StepChange

MOST_POINTS = 32
FACTORS = 8
"""Values of a range of factors or shares."""
_HALF = "0.5x takes half the time, 2x twice the time, 2s two seconds a call"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The options as they were written."""

    agents: Sequence[str] = ()
    models: Sequence[str] = ()
    concurrency: int | None = None
    steps: Sequence[str] = ()
    rpm: Sequence[str] = ()
    tpm: Sequence[str] = ()
    model_concurrency: Sequence[str] = ()
    cache_hit: float = 0.0
    overhead: str | None = None

    def changes(self) -> Changes:
        """What they come to. Raises UsageError."""
        limits: list[tuple[LimitName, str, Sequence[str]]] = [
            ("rpm", "--rpm", self.rpm), ("tpm", "--tpm", self.tpm),
            ("concurrency", "--model-concurrency", self.model_concurrency),
        ]  # fmt: skip
        return Changes(
            agents=dict(_named("--agent", each, _pace) for each in self.agents),
            models=dict(_named("--model", each, _pace) for each in self.models),
            concurrency=self.concurrency,
            steps=tuple(map(_step, self.steps)),
            limits={
                (name, limit): number
                for limit, option, texts in limits
                for name, number in (_named(option, each, _number) for each in texts)
            },
            cache_hit=self.cache_hit,
            overhead_s=read_duration("--overhead", self.overhead) or 0.0,
        )


def _named(option: str, text: str, read: Callable[[str, str], Any]) -> tuple[str, Any]:
    """`NAME=VALUE`; a model's name may hold a `=` itself."""
    name, equals, value = text.rpartition("=")
    if not equals or not name or not value:
        raise UsageError(f"{option} {text}: NAME=VALUE was expected")
    return name, read(f"{option} {text}", value)


def _pace(where: str, text: str) -> Pace:
    if text.endswith(("x", "X", "×")):
        try:
            factor = float(text[:-1])
        except ValueError:
            factor = -1.0
        if not 0 <= factor <= 1000:
            raise UsageError(f"{where}: {text} is no factor on the time", hint=_HALF)
        return Pace(factor=factor)
    if text.replace(".", "", 1).isdigit():
        raise UsageError(f"{where}: {text} of what?", hint=_HALF)
    try:
        return Pace(fixed_s=float(Duration(text)))
    except ValueError:
        raise UsageError(f"{where}: expected a factor or a duration", hint=_HALF) from None


def _number(where: str, text: str) -> int:
    try:
        number = int(Count(text))
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
    if number < 1:
        raise UsageError(f"{where}: at least 1")
    return number


def _step(text: str) -> StepChange:
    place, equals, value = text.partition("=")
    step, dot, field = place.partition(".")
    if not (equals and dot and step and field and value):
        raise UsageError(
            f"--step {text}: ID.FIELD=VALUE was expected", hint="as in --step review.wait=quorum"
        )
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return StepChange(step=step, field=field, value=read)


# ------------------------------------------------------------------------------------------ sweeps

_KEYS: dict[str, Callable[[str, str], Said]] = {
    "agent": lambda name, value: Said(agents=[f"{name}={_as_factor(value)}"]),
    "model": lambda name, value: Said(models=[f"{name}={_as_factor(value)}"]),
    "rpm": lambda name, value: Said(rpm=[f"{name}={value}"]),
    "tpm": lambda name, value: Said(tpm=[f"{name}={value}"]),
    "model-concurrency": lambda name, value: Said(model_concurrency=[f"{name}={value}"]),
    "step": lambda name, value: Said(steps=[f"{name}={value}"]),
    "concurrency": lambda name, value: Said(concurrency=_number(f"--sweep {value}", value)),
    "cache-hit": lambda name, value: Said(cache_hit=_share(value)),
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


def _share(value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"--sweep cache-hit: {value} is no share from 0 to 1")
    return share
