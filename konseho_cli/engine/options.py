"""What the caller says about one run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.storing import Storing
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cache import CacheWishes
from konseho_cli.spec.document import Targets
from konseho_cli.spec.settings import Settings

if TYPE_CHECKING:
    from konseho_cli.store.base import StoredRun  # only a run that goes on loads it


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says about one run."""

    task: str | None = None
    inputs: Mapping[str, Any] = msgspec.field(default_factory=dict)
    wishes: Wishes = msgspec.field(default_factory=Wishes)
    max_concurrency: int | None = None
    seed: int | None = None
    timeout_s: float | None = None
    """Seconds for the whole run; the file's `limits.time` holds too."""
    strict: bool = False
    """Whether simulated answers that nobody chose are refused."""
    caching: CacheWishes = CacheWishes()
    taping: Taping = Taping()
    """What is recorded, and what is replayed."""
    storing: Storing = Storing()
    """Whether and where the run is kept."""
    resumed: StoredRun | None = None
    """The run that goes on; None: a new one begins."""
    allow_exec: bool = False
    """Whether the council may execute programs."""
    changed: bool = False
    """Whether the council is not the one that ran before."""
    events_out: str | Path | None = None
    """A file for every event, a line each; `-` is stdout."""
    settings: Settings = Settings()
    """How it is carried out: what the caller says over what a preset says."""
    targets: Targets = Targets()
    """Of a preset; they hold where the council states none."""
