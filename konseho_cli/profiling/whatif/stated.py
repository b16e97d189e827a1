"""Changes as the options of `konseho whatif` state them: for the command line, and for advice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from konseho_cli.core.errors import UsageError
from konseho_cli.core.units import Count, Duration, Share
from konseho_cli.profiling.whatif.changes import Changes, LimitName, Pace, StepChange

_HALF = "0.5x takes half the time, 2x twice the time, 2s two seconds a call"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The options as they were written."""

    agents: Sequence[str] = ()
    models: Sequence[str] = ()
    concurrency: int | None = None
    steps: Sequence[str] = ()
    rpm: Sequence[str] = ()
    tpm: Sequence[str] = ()
    limit: Sequence[str] = ()
    cache_hit: float = 0.0
    overhead: str | None = None

    def changes(self) -> Changes:
        """What they come to. Raises UsageError."""
        limits: list[tuple[LimitName, str, Sequence[str]]] = [
            ("rpm", "--rpm", self.rpm), ("tpm", "--tpm", self.tpm),
            ("concurrency", "--limit", self.limit),
        ]  # fmt: skip
        return Changes(
            agents=_named("--agent", self.agents, _pace),
            models=_named("--model", self.models, _pace),
            concurrency=self.concurrency,
            steps=_steps(self.steps),
            limits={
                (name, limit): number
                for limit, option, texts in limits
                for name, number in _named(option, texts, _limit).items()
            },
            cache_hit=self.cache_hit,
            overhead_s=0.0 if self.overhead is None else _seconds(self.overhead),
        )


def _named(option: str, texts: Sequence[str], read: Callable[[str, str], Any]) -> dict[str, Any]:
    """Each `NAME=VALUE`, a name once; a model's name may hold a `=` itself."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals or not name or not value:
            raise UsageError(f"{option} {text}: NAME=VALUE was expected")
        if name in found:
            raise UsageError(f"{option} {text}: {name} is said twice")
        found[name] = read(f"{option} {text}", value)
    return found


def _steps(texts: Sequence[str]) -> tuple[StepChange, ...]:
    """Each field of a step once."""
    found: dict[tuple[str, str], StepChange] = {}
    for text in texts:
        change = _step(text)
        if (change.step, change.field) in found:
            raise UsageError(f"--step {text}: {change.step}.{change.field} is said twice")
        found[change.step, change.field] = change
    return tuple(found.values())


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


def _limit(where: str, text: str) -> int | None:
    """A number, or `none`: no limit at all."""
    return None if text == "none" else whole_number(where, text)


def whole_number(where: str, text: str) -> int:
    """1 or more. Raises UsageError."""
    try:
        number = int(Count(text))
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
    if number < 1:
        raise UsageError(f"{where}: at least 1")
    return number


def share_of_one(where: str, text: str) -> float:
    """From 0 to 1, or in percent. Raises UsageError."""
    try:
        return float(Share(text))
    except ValueError:
        hint = "such as 0.5 or 50%"
        raise UsageError(f"{where}: {text} is no share from 0 to 1", hint=hint) from None


def _seconds(text: str) -> float:
    try:
        return float(Duration(text))
    except ValueError as error:
        raise UsageError(f"--overhead {text}: {error}") from None


def _step(text: str) -> StepChange:
    place, equals, value = text.partition("=")
    step, dot, field = place.rpartition(".")
    if not (equals and dot and step and field and value):
        raise UsageError(
            f"--step {text}: ID.FIELD=VALUE was expected", hint="as in --step review.wait=quorum"
        )
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return StepChange(step=step, field=field, value=read)


def read_options(words: Sequence[str]) -> Changes:
    """The changes that a line of options states. Raises UsageError."""
    said: dict[str, list[str]] = {}
    line = iter(" ".join(words).split())
    for option in line:
        said.setdefault(option, []).append(next(line, ""))
    unknown = said.keys() - _OPTIONS
    if unknown:
        raise UsageError(f"a what-if has no option {', '.join(sorted(unknown))}")
    concurrency, share = said.get("--concurrency"), said.get("--cache-hit")
    return Said(
        agents=said.get("--agent", ()), models=said.get("--model", ()),
        steps=said.get("--step", ()), rpm=said.get("--rpm", ()), tpm=said.get("--tpm", ()),
        limit=said.get("--limit", ()),
        concurrency=whole_number("--concurrency", concurrency[-1]) if concurrency else None,
        cache_hit=share_of_one("--cache-hit", share[-1]) if share else 0.0,
        overhead=said.get("--overhead", [None])[-1],
    ).changes()  # fmt: skip


_OPTIONS = frozenset({
    "--agent", "--model", "--step", "--rpm", "--tpm", "--limit", "--concurrency", "--cache-hit",
    "--overhead",
})  # fmt: skip
