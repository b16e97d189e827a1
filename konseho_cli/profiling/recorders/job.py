"""What a profiled run is told, and what it says of itself: both go through private files.

No key is among it: those come through the environment, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from konseho_cli.core.errors import StoreFailed, UsageError
from konseho_cli.core.packing import pack, unpack
from konseho_cli.core.units import QUANTITIES
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.storing import Storing
from konseho_cli.models.cache import CacheWishes
from konseho_cli.profiling.recording import Profiler
from konseho_cli.spec.document import Targets
from konseho_cli.spec.settings import Settings

LineKind: TypeAlias = Literal["cpu", "memory"]
T = TypeVar("T")
_SPOKEN = "konseho ended: "


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One child's work: a council, how it is run, and who watches."""

    council: Path | None
    """None: that of the run which is replayed, with its task, its inputs and its options."""
    task: str | None = None
    inputs: dict[str, Any] = {}
    wishes: Wishes = Wishes()
    max_concurrency: int | None = None
    seed: int | None = None
    timeout_s: float | None = None
    strict: bool = False
    caching: CacheWishes = CacheWishes()
    storing: Storing = Storing()
    """Where the user's runs are kept; `enabled`: whether this one is, unless it replays."""
    settings: Settings = Settings()
    targets: Targets = Targets()
    replay: Path | None = None
    """The cassette that answers in the place of models."""
    replay_run: str = ""
    """The id of a run in the store that does."""
    speed: float = 1.0
    """Of a replay; 0 is at once, in virtual time."""
    record: Path | None = None
    """The cassette that is written."""
    profiler: Profiler = "spans"
    name: str
    """Of all files that the child leaves."""
    folder: Path
    started: float = 0.0
    """When its process was started, in seconds since the epoch."""
    pause_s: float = 0.0
    """Before and after the run, so that whoever looks from outside sees how it was."""
    line_kind: LineKind | None = None
    lines: tuple[str, ...] = ()
    """Functions to be looked at line by line."""
    warm_ups: int = 0
    """Runs before those that count."""
    repeats: int = 1
    """Runs that count; the recording is the last one's."""
    weighs: bool = False
    """Whether the memory is looked at after each, garbage collected."""
    saves: bool = True
    """Whether it leaves a recording; not where only its cost counts."""

    @property
    def replays(self) -> bool:
        """Whether nobody is asked."""
        return self.replay is not None or bool(self.replay_run)

    def file(self, suffix: str) -> Path:
        """One of its files: `.recording`, `.pstats`."""
        return self.folder / f"{self.name}{suffix}"

    def save(self) -> Path:
        """Write it for the child, and for nobody else. Raises StoreFailed."""
        return _save(self, self.file(".job"))

    @classmethod
    def load(cls, file: Path) -> Job:
        """Read it in the child. Raises UsageError."""
        return _load(file, cls)


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a child, in its own words: whoever started it may have another exit status."""

    exit_status: int
    error: str = ""
    """Why there is no recording."""
    hint: str | None = None
    began: float = 0.0
    """When its last run began and ended, in seconds since the epoch."""
    ended: float = 0.0
    start_up_s: float = 0.0
    """From the start of the process to that of its first run."""
    cpu_s: tuple[float, ...] = ()
    """Of each run that counts."""
    wall_s: tuple[float, ...] = ()
    after: tuple[int, ...] = ()
    """Bytes resident after each of them."""
    agents: int = 0
    """That the council's steps name."""

    def save(self, job: Job) -> None:
        """Write it where the parent looks. Raises StoreFailed."""
        _save(self, job.file(".ended"))

    @classmethod
    def load(cls, job: Job) -> Ended | None:
        """None: the child died before it came to its end."""
        file = job.file(".ended")
        return _load(file, cls) if file.exists() else None

    def spoken(self) -> str:
        """In a line for stderr, of a child that can write no file."""
        return f"{_SPOKEN}{msgspec.json.encode(self).decode()}"

    @classmethod
    def heard(cls, said: str) -> Ended | None:
        """None: it did not say so."""
        for line in reversed(said.splitlines()):
            if line.startswith(_SPOKEN):
                with suppress(msgspec.DecodeError):
                    return msgspec.json.decode(line.removeprefix(_SPOKEN), type=cls)
        return None


def _save(value: msgspec.Struct, file: Path) -> Path:
    try:
        file.touch(mode=0o600)
        file.write_bytes(pack(msgspec.to_builtins(value, enc_hook=_plain)))
    except OSError as error:
        with suppress(OSError):
            file.unlink()  # half of it is no use
        raise StoreFailed(f"{file} cannot be written: {error.strerror}") from error
    return file


def _load(file: Path, kind: type[T]) -> T:
    try:
        return msgspec.convert(unpack(file.read_bytes()), kind, dec_hook=_typed)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, QUANTITIES):
        return value * 1 if isinstance(value, (int, float)) else str(value)  # `* 1`: plain again
    raise NotImplementedError(type(value).__name__)


def _typed(kind: type, value: Any) -> Any:
    if issubclass(kind, Path):
        return Path(value)
    made: Callable[[Any], Any] | None = kind if kind in QUANTITIES else None
    if made is None:
        raise NotImplementedError(kind.__name__)
    return made(value)
