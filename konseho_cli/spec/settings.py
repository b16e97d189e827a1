"""How a run is carried out, as presets, flags and keywords say it; what it does is the council's."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import structs

from konseho_cli.context.settings import Collect, ContextSettings
from konseho_cli.core.collecting import Collection
from konseho_cli.core.units import Count, Duration, Size
from konseho_cli.spec.document import Table
from konseho_cli.steps.base import Positive
from konseho_cli.telemetry.events import EventLevel

T = TypeVar("T", bound=Table)


class StoreSettings(Table, frozen=True, kw_only=True):
    """What is kept of runs, and how safely. None, here as below: nothing is said about it."""

    enabled: bool | None = None
    sync: Literal["normal", "full"] | None = None
    """`full` survives a loss of power too; each answer waits for the disk then."""
    keep: Duration | None = None
    """How long a run is kept."""


class Settings(Table, frozen=True, kw_only=True):
    """What a run is to take and to leave out. What is None is said elsewhere, or by nobody."""

    optimize: bool | None = None
    """Whether what is not said here is chosen for speed: see `collection` and `release`."""
    emit_events: bool | None = None
    """False is `events: none`; true lets listeners choose."""
    events: EventLevel | None = None
    """The most that is built: nothing, steps alone, or every kind; None: what listeners ask for."""
    cache_size: Count | None = None
    """Answers in memory at most; 0: none is used again."""
    compress_context: bool | None = None
    """Whether outputs that are large are kept packed."""
    memory_limit: Size | None = None
    """Bytes that outputs may take in memory."""
    spill_at: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    """The share of `memory_limit` at which the oldest outputs go to disk."""
    collect: Collect | None = None
    max_concurrency: Positive | None = None
    """Model calls at the same time, where the council does not say."""
    gc: Collection | None = None
    store: StoreSettings = StoreSettings()

    @property
    def level(self) -> EventLevel | None:
        """The most that is built of events; None: what listeners ask for."""
        return "none" if self.emit_events is False else self.events

    @property
    def collection(self) -> Collection:
        """`gc`, or what `optimize` makes of it."""
        return self.gc or ("frozen" if self.optimize else "normal")

    @property
    def release(self) -> Collect:
        """`collect`, or what `optimize` makes of it."""
        return self.collect or ("eager" if self.optimize else "end")

    @property
    def context(self) -> ContextSettings:
        """What stays in memory of what is said."""
        usual = ContextSettings()
        return ContextSettings(
            memory_limit=None if self.memory_limit is None else max(1, self.memory_limit),
            spill_at=usual.spill_at if self.spill_at is None else self.spill_at,
            compress=bool(self.compress_context),
            collect=self.release,
        )

    def over(self, below: Settings) -> Settings:
        """These, and where they say nothing, the others."""
        merged = structs.replace(said_over(self, below), store=said_over(self.store, below.store))
        if self.emit_events is None and self.events is None:
            return merged
        # One word about events is the last: `--events all` holds over a preset that emits none.
        return structs.replace(merged, emit_events=self.emit_events, events=self.events)


def said_over(above: T, below: T) -> T:
    """The fields of one table, and where they are None, those of the other."""
    said = {name: value for name, value in structs.asdict(above).items() if value is not None}
    return structs.replace(below, **said)
