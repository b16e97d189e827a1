"""Which events a run builds, for whom, and the file that they may be written to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from konseho_cli.core.errors import UsageError
from konseho_cli.engine.taping import redactor_of
from konseho_cli.models.registry import ModelChoice
from konseho_cli.telemetry.events import EVERYDAY, EVERYTHING, LEVELS, Event, EventLevel

if TYPE_CHECKING:
    from konseho_cli.telemetry.event_file import EventFile  # only a run that writes them loads it


class Emitting(msgspec.Struct, frozen=True, kw_only=True):
    """What is wished of events."""

    level: EventLevel | None = None
    """The most that is built; None: what listeners ask for."""
    file: str | Path | None = None
    """For every event, a line each; `-` is stdout."""

    @property
    def most(self) -> frozenset[type[Event]]:
        """The kinds that are built at all, whoever listens."""
        return EVERYTHING if self.level is None else LEVELS[self.level]

    @property
    def usual(self) -> frozenset[type[Event]]:
        """For a listener that does not say what it wants: no pieces of text, unless asked for."""
        return self.most if self.level == "all" else self.most & EVERYDAY

    def open(
        self, env: Mapping[str, str], choices: Iterable[ModelChoice], wall: Callable[[], float]
    ) -> EventFile | None:
        """The file, ready to listen. Raises UsageError where it cannot be written."""
        if self.file is None:
            return None
        if not self.most:
            raise UsageError("emit_events is off, so there is no event to write")
        from konseho_cli.telemetry.event_file import EventFile

        return EventFile(Path(self.file), redactor_of(env, choices), wall)
