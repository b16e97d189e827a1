"""What `konseho tune` tries next, and whether it stays: decisions alone, nothing is run here. Pure.

A change is one thing at a time: a setting, or a line of the council. It stays only where it is
better by the gate for certain and no answer differs; else all is as it was before it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import structs

from konseho_cli.bench.comparison import FEWEST_PAIRS, Compared
from konseho_cli.core.collecting import Collection as GcMode
from konseho_cli.core.units import Count
from konseho_cli.models.cache import ENTRIES
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.settings import Settings, StoreSettings
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.vote import Vote
from konseho_cli.telemetry.events import EventLevel

Kind: TypeAlias = Literal[
    "concurrency", "limits", "quorum", "cache", "presets", "gc", "events", "compression"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which they are tried."""
SLOTS = "max_concurrency"
_DOUBLE = 2
_EXACT = 1e-9
"""Of a makespan: what sums of floats may leave."""


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One value of the council's own document, set to another one."""

    path: tuple[str, ...]
    """`("max_concurrency",)`, `("models", "fast", "concurrency")`, `("steps", "review", "wait")`."""
    value: Any


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may be set otherwise."""

    kind: Kind
    name: str
    """As people read it: `max_concurrency`, `concurrency of fast`, `gc`."""
    before: str
    after: str
    settings: Settings = Settings()
    """What a preset can hold of it."""
    edits: tuple[Edit, ...] = ()
    """What only the council's own file can hold."""
    runtime: bool = False
    """Whether it may save CPU, which virtual time does not see."""

    @property
    def text(self) -> str:
        """`max_concurrency 1 → 8`."""
        return f"{self.name} {self.before} → {self.after}"

    @property
    def slug(self) -> str:
        """Of what it comes to, as a part of a name: `max_concurrency-8`."""
        return re.sub(r"[^a-z0-9_]+", "-", f"{self.name} {self.after}".lower()).strip("-")


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """How a council is run: settings, and what its file would say otherwise."""

    settings: Settings = Settings()
    edits: tuple[Edit, ...] = ()

    def with_(self, change: Change) -> Setup:
        """All of it, and the change."""
        changed = {edit.path for edit in change.edits}
        kept = tuple(edit for edit in self.edits if edit.path not in changed)
        return Setup(
            settings=change.settings.over(self.settings), edits=(*kept, *change.edits)
        )  # fmt: skip

    def edited(self, *path: str) -> Any:
        """What the file would say there; None: nothing is changed there."""
        return next((edit.value for edit in self.edits if edit.path == path), None)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What one replay showed."""

    waited: Mapping[str, int] = {}
    """By what is held by so many at a time: nanoseconds in which somebody waited for it, together."""
    queued: Mapping[str, int] = {}
    """By the same: the most that waited for it at the same moment."""
    answered: Mapping[str, int] = {}
    """By step with several agents: how many answered."""
    repeated: Mapping[str, int] = {}
    """By step: requests that were made more than once in the run."""
    calls: int = 0


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What may be tried at all."""

    spec: CouncilSpec
    kinds: Collection[Kind] = KINDS
    presets: Mapping[str, Settings] = {}
    """Those that ship, by name."""
    aliases: Mapping[str, str] = {}
    """By name in the council's `models`: what it stands for, `provider:model`."""


def proposals(setup: Setup, facts: Facts, scope: Scope) -> list[Change]:
    """Every change that could help here, the most promising first."""
    makers = {
        "concurrency": lambda: _concurrency(setup, facts, scope.spec),
        "limits": lambda: _limits(setup, facts, scope),
        "quorum": lambda: _quorum(setup, facts, scope.spec),
        "cache": lambda: _cache(setup, facts, scope.spec),
        "presets": lambda: _presets(setup, scope),
        "gc": lambda: _collection(setup),
        "events": lambda: _events(setup),
        "compression": lambda: _compression(setup),
    }
    return [change for kind in KINDS if kind in scope.kinds for change in makers[kind]()]


def rungs(now: int, queued: int) -> tuple[int, ...]:
    """Capacities to try above `now`: twice as many again and again, up to where nobody waits."""
    most, found, rung = now + queued, [], now * _DOUBLE
    while rung < most:
        found.append(rung)
        rung *= _DOUBLE
    return (*found, most) if queued else ()


def _concurrency(setup: Setup, facts: Facts, spec: CouncilSpec) -> Iterator[Change]:
    own = setup.edited(SLOTS) or spec.max_concurrency
    now = own or setup.settings.max_concurrency
    if now is None:
        return
    for rung in rungs(now, facts.queued.get(SLOTS, 0)):
        edits = (Edit(path=(SLOTS,), value=rung),) if own else ()
        yield Change(
            kind="concurrency", name=SLOTS, before=str(now), after=str(rung),
            settings=Settings(max_concurrency=rung), edits=edits,
        )  # fmt: skip


def _limits(setup: Setup, facts: Facts, scope: Scope) -> Iterator[Change]:
    """The longest wait first."""
    limited: dict[str, dict[str, int]] = {}
    for alias, name in scope.aliases.items():
        own = setup.edited("models", alias, "concurrency") or scope.spec.models[alias].concurrency
        if isinstance(own, int):
            limited.setdefault(name, {})[alias] = own
    for name in sorted(limited, key=lambda name: -facts.waited.get(concurrency_of(name), 0)):
        now = min(limited[name].values())  # of limits that differ the strictest holds
        for rung in rungs(now, facts.queued.get(concurrency_of(name), 0)):
            tight = [alias for alias, own in limited[name].items() if own < rung]
            edits = tuple(Edit(path=("models", each, "concurrency"), value=rung) for each in tight)
            yield Change(
                kind="limits", name=f"concurrency of {' and '.join(tight)}", before=str(now),
                after=str(rung), edits=edits,
            )  # fmt: skip


def concurrency_of(model: str) -> str:
    """As spans name that limit."""
    return f"concurrency of {model}"


def _quorum(setup: Setup, facts: Facts, spec: CouncilSpec) -> Iterator[Change]:
    for step in spec.steps:
        path = ("steps", step.id)
        if isinstance(step, Parallel) and _may_go_on(step, setup):
            quorum = quorum_for(step, facts.answered.get(step.id, len(step.agents)))
            edits = [Edit(path=(*path, "wait"), value="quorum")]
            if quorum != step.quorum:
                edits.append(Edit(path=(*path, "quorum"), value=quorum))
            yield Change(
                kind="quorum", name=f"{step.id} wait", before="all",
                after=f"quorum {quorum} of {len(step.agents)}", edits=tuple(edits),
            )  # fmt: skip
        elif (
            isinstance(step, Vote) and step.may_stop_early and not setup.edited(*path, "early_stop")
        ):
            yield Change(
                kind="quorum", name=f"{step.id} early_stop", before="false", after="true",
                edits=(Edit(path=(*path, "early_stop"), value=True),),
            )  # fmt: skip


def _may_go_on(step: Parallel, setup: Setup) -> bool:
    waits = setup.edited("steps", step.id, "wait") or step.wait
    return waits == "all" and len(step.agents) > 1


def quorum_for(step: Parallel, answered: int) -> int:
    """What is stated; else as many as answered where some did not, else a majority."""
    if step.quorum is not None:
        return step.quorum
    count = len(step.agents)
    return answered if 0 < answered < count else count // 2 + 1


def _cache(setup: Setup, facts: Facts, spec: CouncilSpec) -> Iterator[Change]:
    own = setup.settings.cache_size
    size = ENTRIES if own is None else own

    def resized(to: int, *, runtime: bool = False) -> Change:
        return Change(
            kind="cache", name="cache_size", before=str(size), after=str(to),
            settings=Settings(cache_size=Count(to)), runtime=runtime,
        )  # fmt: skip

    if size < facts.calls and facts.repeated:
        yield resized(max(ENTRIES, facts.calls))
    alike = [step.id for step in spec.steps if facts.repeated.get(step.id) and step.cache is None]
    paths = [("steps", each, "cache") for each in alike]
    if size and paths and any(setup.edited(*path) is None for path in paths):
        # All of them at once: to keep an answer is of use only where it is looked for as well.
        yield Change(
            kind="cache", name=f"cache of {' and '.join(alike)}", before="by temperature",
            after="true", edits=tuple(Edit(path=path, value=True) for path in paths),
        )  # fmt: skip
    if size and not facts.repeated:
        yield resized(0, runtime=True)


def _presets(setup: Setup, scope: Scope) -> Iterator[Change]:
    for name, settings in scope.presets.items():
        # What is kept of runs is no matter of speed, and nothing that a tuning may decide.
        said = structs.replace(settings, store=StoreSettings())
        if said.over(setup.settings) != setup.settings:
            yield Change(
                kind="presets", name="preset", before="none", after=name, settings=said,
                runtime=True,
            )  # fmt: skip


def _collection(setup: Setup) -> Iterator[Change]:
    modes: tuple[GcMode, ...] = ("frozen", "manual")
    for mode in modes:
        if setup.settings.collection != mode:
            yield Change(
                kind="gc", name="gc", before=setup.settings.collection, after=mode,
                settings=Settings(gc=mode), runtime=True,
            )  # fmt: skip
    if not setup.settings.optimize:
        yield Change(
            kind="gc", name="optimize", before="false", after="true",
            settings=Settings(optimize=True), runtime=True,
        )  # fmt: skip


def _events(setup: Setup) -> Iterator[Change]:
    now = setup.settings.level
    fewer: Mapping[EventLevel | None, tuple[EventLevel, ...]] = {
        "all": ("steps", "none"), None: ("steps", "none"), "steps": ("none",),
    }  # fmt: skip
    for level in fewer.get(now, ()):
        yield Change(
            kind="events", name="events", before=now or "as listened to", after=level,
            settings=Settings(events=level), runtime=True,
        )  # fmt: skip


def _compression(setup: Setup) -> Iterator[Change]:
    now = bool(setup.settings.compress_context)
    yield Change(
        kind="compression", name="compress_context", before=str(now).lower(),
        after=str(not now).lower(), settings=Settings(compress_context=not now), runtime=True,
    )  # fmt: skip


def choose(
    setup: Setup, found: Sequence[Change], tried: Collection[tuple[Setup, str]],
    held: Collection[Setup],
) -> Change | None:  # fmt: skip
    """The next one to try; None: all were. `held`: setups that were in force, not gone back to."""
    for change in found:
        if (setup, change.slug) not in tried and setup.with_(change) not in held:
            return change
    return None


# ----------------------------------------------------------------------------- what is decided


Verdict: TypeAlias = Literal["kept", "rolled back", "inconclusive", "skipped"]


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a change stays, and why not."""

    verdict: Verdict
    why: str = ""


def saving(before: float, after: float) -> float:
    """The share that is saved; negative: it takes more. 0 where there was nothing to save."""
    return (before - after) / before if before > 0 else 0.0


def rule_waiting(before_s: float, after_s: float, gate: float) -> Ruling:
    """By makespans in virtual time, which are exact: no interval is needed."""
    saved = saving(before_s, after_s)
    if saved >= gate - _EXACT and saved > 0:
        return Ruling(verdict="kept")
    if saved < -_EXACT:
        return Ruling(verdict="rolled back", why="it takes longer")
    why = "it saves no time" if abs(saved) <= _EXACT else f"it saves less than {_percent(gate)}"
    return Ruling(verdict="rolled back", why=why)


def rule_cpu(compared: Compared, gate: float) -> Ruling:
    """By an interval of the ratio of CPU times: the whole of it must pass the gate."""
    if compared.pairs < FEWEST_PAIRS:
        return Ruling(verdict="inconclusive", why="the time was up before it could be told")
    if compared.high <= 1 - gate:
        return Ruling(verdict="kept")
    if compared.low > 1 - gate:
        slower = compared.low > 1
        why = "it takes more CPU" if slower else f"it saves less than {_percent(gate)}"
        return Ruling(verdict="rolled back", why=why)
    if compared.is_narrow:
        why = f"it does not save {_percent(gate)} for certain"
        return Ruling(verdict="rolled back", why=why)
    return Ruling(verdict="inconclusive", why="the machine is too noisy to tell")


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
