"""What a tuning learnt: each change that was tried, as a note that outlives the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from konseho_cli.bench.tune.tuning import Change, Kind, Setup
from konseho_cli.core.packing import pack, unpack
from konseho_cli.profiling.recording import Machine
from konseho_cli.spec.load import to_document
from konseho_cli.spec.loaded import Loaded
from konseho_cli.store.base import Note

KIND: Literal["learning"] = "learning"
_DIGITS = 8


class Learning(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one council, and what came of it. Unknown keys of later versions pass."""

    name: str
    """`code-review/max_concurrency-8/1f0c22ab`: council, change, and a digest of what it was tried on."""
    made: float
    """Seconds since the epoch."""
    council: str
    file: str
    kind: Kind
    change: str
    """`max_concurrency 1 → 8`."""
    verdict: Literal["kept", "rolled back", "inconclusive"]
    why: str = ""
    """Why it was not kept."""
    measure: Literal["waiting", "cpu", ""] = "waiting"
    """Makespans in virtual time, or CPU seconds of a replay."""
    before_s: float = 0.0
    after_s: float = 0.0
    low: float | None = None
    """The interval of after ÷ before; None: the measure is exact."""
    high: float | None = None
    gate: float = 0.0
    models: tuple[str, ...] = ()
    """Who had answered, `provider:model`."""
    version: str = ""
    """Of Konseho."""
    machine: Machine | None = None
    same_answers: bool = True
    """Whether every step came to the same value."""

    def holds(self, gate: float) -> bool:
        """Whether it says that the change would be rolled back at this gate, too."""
        if self.verdict != "rolled back":
            return False
        best = self.after_s / self.before_s if self.before_s > 0 else 1.0
        return not self.same_answers or best > 1 - gate

    @property
    def saved(self) -> float:
        """The share that it saved; negative: it took more."""
        return (self.before_s - self.after_s) / self.before_s if self.before_s > 0 else 0.0

    @property
    def note(self) -> Note:
        """As the store keeps it."""
        return Note(kind=KIND, name=self.name, made=self.made, body=pack(msgspec.to_builtins(self)))


def learning_of(note: Note) -> Learning | None:
    """What was kept; None where it cannot be read any more."""
    try:
        return msgspec.convert(unpack(note.body), Learning)
    except ValueError:
        return None


def name_of(council: str, beside: Setup, change: Change) -> str:
    """`council`: what `digest_of` says. The same change beside other settings is another one."""
    name, _, content = council.rpartition("/")
    return f"{name}/{change.slug}/{_digest(content, beside.settings, beside.edits)}"


def digest_of(
    loaded: Loaded,
    models: tuple[str, ...],
    task: str | None = None,
    inputs: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """The council's name and its content, agents' files included, who answers, and what to."""
    told = (loaded.spec.task if task is None else task, dict(inputs))
    return f"{loaded.spec.name}/{_digest(loaded.spec, models, told)}"


def _digest(*parts: Any) -> str:
    document = to_document(parts=parts)
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=_DIGITS // 2).hexdigest()
