"""What a what-if changes: times and limits, never a question or an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from konseho_cli.core.units import show_duration, show_percent

FIELDS: frozenset[str] = frozenset({
    "wait", "quorum", "rounds", "max", "max_rounds", "stop", "early_stop", "priority", "timeout",
    "retries", "min_agents", "max_agents", "strategy", "needs", "batch",
})  # fmt: skip
"""Fields of a step that change when things happen, and leave what is asked as it is."""

LimitName: TypeAlias = Literal["rpm", "tpm", "concurrency"]


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How long calls take: a factor on their recorded time, or a time of their own."""

    factor: float = 1.0
    """0.5 takes half the time."""
    fixed_s: float | None = None
    """Seconds for each call, whatever it took; the factor is then left out."""

    def text(self) -> str:
        """As an option states it: `0.5x`, `2s`."""
        return f"{self.factor:g}x" if self.fixed_s is None else f"{self.fixed_s:g}s"

    def words(self) -> str:
        """As people read it: `takes half the time`."""
        if self.fixed_s is not None:
            return f"takes {show_duration(self.fixed_s)} a call"
        usual = {0.0: "takes no time", 0.5: "takes half the time", 1.0: "takes the same time",
                 2.0: "takes twice the time"}  # fmt: skip
        return usual.get(self.factor) or f"takes {self.factor:g} times the time"


class StepChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one step, set to another value."""

    step: str
    field: str
    value: Any


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """All that is changed in one replay; by default nothing is."""

    agents: Mapping[str, Pace] = {}
    """By agent id."""
    models: Mapping[str, Pace] = {}
    """By a name of the file's `models`, or by `provider:model`."""
    concurrency: int | None = None
    """`max_concurrency` of the run; None: as it was."""
    steps: tuple[StepChange, ...] = ()
    limits: Mapping[tuple[str, LimitName], int | None] = {}
    """By the model's name, as in `models`, and what is limited; None: not at all."""
    cache_hit: float = 0.0
    """The share of calls, chosen by the run's seed, that takes no time and no money."""
    overhead_s: float = 0.0
    """Seconds that each call takes on top."""

    def singly(self) -> tuple[Changes, ...]:
        """Each change by itself."""
        found = [Changes(agents={name: pace}) for name, pace in self.agents.items()]
        found += [Changes(models={name: pace}) for name, pace in self.models.items()]
        if self.concurrency is not None:
            found.append(Changes(concurrency=self.concurrency))
        found += [Changes(limits={key: number}) for key, number in self.limits.items()]
        found += [Changes(steps=own) for own in self._by_step().values()]
        if self.cache_hit:
            found.append(Changes(cache_hit=self.cache_hit))
        if self.overhead_s:
            found.append(Changes(overhead_s=self.overhead_s))
        return tuple(found)

    def _by_step(self) -> dict[str, tuple[StepChange, ...]]:
        """A `wait` makes sense only with its `quorum`, so those of a step go together."""
        found: dict[str, tuple[StepChange, ...]] = {}
        for each in self.steps:
            found[each.step] = (*found.get(each.step, ()), each)
        return found

    def also(self, other: Changes) -> Changes:
        """Both; where both say something of the same thing, the other holds."""
        return Changes(
            agents={**self.agents, **other.agents},
            models={**self.models, **other.models},
            concurrency=other.concurrency or self.concurrency,
            steps=(*self.steps, *other.steps),
            limits={**self.limits, **other.limits},
            cache_hit=other.cache_hit or self.cache_hit,
            overhead_s=other.overhead_s or self.overhead_s,
        )

    def words(self) -> str:
        """As people read it: `critic takes half the time, max_concurrency 8`."""
        return ", ".join(self._words()) or "as it was"

    def options(self) -> tuple[str, ...]:
        """As `konseho whatif` takes it."""
        return tuple(self._options())

    def touched(self) -> frozenset[str]:
        """What is changed, without its values: `--agent critic`, `--concurrency`."""
        return frozenset(_thing(option) for option in self._options())

    def _words(self) -> Iterator[str]:
        for name, pace in (*self.agents.items(), *self.models.items()):
            yield f"{name} {pace.words()}"
        if self.concurrency is not None:
            yield f"max_concurrency {self.concurrency}"
        for (name, limit), number in self.limits.items():
            yield f"no {limit} of {name}" if number is None else f"{limit} of {name} {number:,}"
        for step in self.steps:
            yield f"{step.step} {step.field}: {_shown(step.value)}"
        if self.cache_hit:
            yield f"{show_percent(self.cache_hit)} of calls from a cache"
        if self.overhead_s:
            yield f"each call {show_duration(self.overhead_s)} longer"

    def _options(self) -> Iterator[str]:
        yield from (f"--agent {name}={pace.text()}" for name, pace in self.agents.items())
        yield from (f"--model {name}={pace.text()}" for name, pace in self.models.items())
        if self.concurrency is not None:
            yield f"--concurrency {self.concurrency}"
        for (name, limit), number in self.limits.items():
            option = "limit" if limit == "concurrency" else limit
            yield f"--{option} {name}={'none' if number is None else number}"
        for step in self.steps:
            yield f"--step {step.step}.{step.field}={_shown(step.value)}"
        if self.cache_hit:
            yield f"--cache-hit {self.cache_hit:g}"
        if self.overhead_s:
            yield f"--overhead {self.overhead_s:g}s"


def _thing(option: str) -> str:
    if option.startswith("--step "):
        return option.partition("=")[0]
    if option.startswith(("--concurrency ", "--cache-hit ", "--overhead ")):
        return option.partition(" ")[0]
    return option.rpartition("=")[0]  # a model's name may hold a `=` itself


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
