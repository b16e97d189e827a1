"""The store's seam: what is kept of runs, as records of primitives and bytes, and its protocols.

Nothing here knows SQLite, a path or a thread: a networked store is to be one more file beside this.
Times of a run are nanoseconds since it began; a session that resumes it goes on where the one before
ended. Dates are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Literal, Protocol, TypeAlias

import msgspec

IDENTITY = ("path", "iteration", "item", "agent", "turn", "repair", "tool_turn")
"""Fields that two records of one logical call have in common, whichever session made them."""
_identity = attrgetter(*IDENTITY)


class _Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row, as it is written and as it is read again."""

    run: str
    """Id of the run."""


class RunBegan(_Record, frozen=True, kw_only=True, gc=False):
    """A run is about to ask its first model, or it goes on.

    A run that goes on keeps the date at which it first began, and all else that is here is replaced;
    its end is forgotten until it comes to another. Of two that would go on with the same session,
    one is refused.
    """

    council: str
    """Its name."""
    file: str
    """The absolute path of the council file; empty where it was made in Python."""
    task: str
    """The beginning of it, in one line, for people; `document` has the whole."""
    models: tuple[str, ...]
    """`provider:model`."""
    simulated: bool
    """Whether any of them is the embedded simulator."""
    started: float
    process: str
    """Where it runs, `host:pid:start`, so that one that was killed is told from one that runs."""
    version: str
    """Of Konseho."""
    document: bytes
    """Packed: all that is needed to run it again."""
    session: int = 1
    """Which time it begins, from 1: one more than what is kept of it."""
    mended: int = 0
    """Failures of calls up to this session count for nothing: the run had failed, and was resumed."""
    again: tuple[str, ...] = ()
    """Steps that run again: how they ended before is forgotten."""


class CallKept(_Record, frozen=True, kw_only=True, gc=False):
    """One logical model call that ended."""

    path: str
    """The step with its try: `review`, `review~1`."""
    iteration: int
    item: str
    agent: str
    turn: int
    repair: int
    tool_turn: int
    session: int = 1
    """In which it was made: an earlier session's call stays, since it was paid for."""
    step: str
    """The step's id."""
    label: str
    """The item, round or turn it was about, for people."""
    model: str
    """Who answered, or was asked, `provider:model`."""
    status: Literal["ok", "failed", "cancelled"]
    source: str
    """Who gave the answer: model, cache, flight or journal."""
    start: int
    end: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    written_tokens: int
    wasted_tokens: int
    """Paid for and used by nobody, as estimated."""
    cost: Decimal | None
    """Dollars, kept to the nanodollar; None: unknown."""
    requests: int
    retries: int
    hedges: int
    error: str
    """Why it failed; empty where it did not."""
    body: bytes
    """Packed: the request without secrets, and what it came to."""

    @property
    def identity(self) -> tuple[str | int, ...]:
        """Its `IDENTITY`."""
        return _identity(self)


class StepKept(_Record, frozen=True, kw_only=True, gc=False):
    """One step that ended."""

    step: str
    """Its id."""
    index: int
    """Its place in the file, from 0."""
    kind: str
    status: Literal["ok", "degraded", "failed", "skipped", "cancelled"]
    reasons: tuple[str, ...]
    start: int | None
    """None: it never started."""
    end: int | None
    body: bytes
    """Packed: its value, its parts and its details."""


class SpanKept(_Record, frozen=True, kw_only=True, gc=False):
    """One span that ended; `telemetry/spans.py` says what its fields mean."""

    id: int
    parent: int | None
    task: int
    kind: str
    start: int
    end: int
    closed: int
    waker: int | None
    attributes: str
    """A JSON object."""


class EventKept(_Record, frozen=True, kw_only=True, gc=False):
    """One event, in the order of the run."""

    at: int
    name: str
    fields: str
    """A JSON object."""


class RunEnded(_Record, frozen=True, kw_only=True, gc=False):
    """A run came to its end; a run that was killed has none."""

    status: Literal["ok", "degraded", "failed", "limit", "interrupted"]
    exit_status: int
    """What its process ended with."""
    ended: float
    duration: int
    """Nanoseconds; of all its sessions together, where it was resumed."""
    error: str
    """What ended it, in one line; empty where nothing did."""
    body: bytes
    """Packed: answer, gate, hint, warnings, and what else the outcome holds."""


Record: TypeAlias = RunBegan | CallKept | StepKept | SpanKept | EventKept | RunEnded
"""A later record takes the place of an earlier one of the same run (RunBegan, RunEnded), the same
step (StepKept), the same identity (CallKept: `path` to `tool_turn`), the same span (SpanKept).
All but RunBegan belong to a run that is there: for one that is not, they are a StoreFailed."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What outlives runs: a baseline to compare with, a thing that was learnt."""

    kind: Literal["baseline", "learning"]
    name: str
    """Once of each kind: a later one takes its place."""
    made: float
    body: bytes
    """Packed."""


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run as a list of runs shows it: its beginning, its end, and its calls together."""

    began: RunBegan
    """As its last session began, at the date of its first."""
    ended: RunEnded | None
    calls: int
    """All that it made, those that were cancelled included."""
    input_tokens: int
    """Of all calls, cancelled ones too; as are tokens and costs below."""
    output_tokens: int
    cost: Decimal
    """Dollars of the calls whose cost is known."""
    unpriced: int
    """Calls whose cost is not known."""

    @property
    def sessions(self) -> int:
        """How often it was begun: 1, and 1 more each time it was resumed."""
        return self.began.session


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs are meant: all of these hold."""

    prefix: str = ""
    """How the id begins."""
    council: str | None = None
    """A shell pattern of its name."""
    status: tuple[str, ...] = ()
    """Of its end; `unfinished`: it has none."""
    since: float | None = None
    """Began at that date or after it."""
    before: float | None = None
    limit: int | None = None
    """At most so many, the newest."""


class StoredRun(msgspec.Struct, frozen=True, kw_only=True):
    """All of one run but its spans and events."""

    row: RunRow
    steps: tuple[StepKept, ...]
    """In the order of the file."""
    calls: tuple[CallKept, ...]
    """In the order in which they were written."""


class RunWriter(Protocol):
    """What a run writes to. `write` and `aclose` raise StoreFailed."""

    async def write(self, records: Sequence[Record]) -> None:
        """Keep all of them or none: when it returns, they outlive a kill of the process."""
        ...

    def soon(self, records: Sequence[Record]) -> None:
        """Keep them when nobody waits for anything else: spans and events, which no answer waits for.

        A record that is written after one that was handed over here may be kept before it, but for
        a RunEnded: a run that has its end has all the rest. What goes wrong is raised once: by the
        next `write`, which then keeps nothing, or by `aclose`.
        """
        ...

    async def aclose(self) -> None:
        """Keep what is still to be kept, and let go."""
        ...


class RunReader(Protocol):
    """What history reads. All of it raises StoreFailed."""

    async def runs(self, wanted: Wanted) -> list[RunRow]:
        """The newest first; of those that began at the same moment, by id, the last first."""
        ...

    async def load(self, run: str) -> StoredRun | None:
        """One run by its whole id; None: there is none."""
        ...

    async def trace(self, run: str) -> tuple[list[SpanKept], list[EventKept]]:
        """The spans by id, and the events by time, of one run: those that were kept."""
        ...

    async def remove(self, runs: Sequence[str]) -> int:
        """Forget runs with all that belongs to them; how many there were."""
        ...


class Notes(Protocol):
    """What is remembered across runs. All of it raises StoreFailed."""

    async def note(self, note: Note) -> None:
        """Keep it."""
        ...

    async def notes(self, kind: str) -> list[Note]:
        """All of a kind, by name."""
        ...

    async def forget(self, kind: str, name: str) -> bool:
        """Whether there was one."""
        ...


class Store(RunWriter, RunReader, Notes, Protocol):
    """All of it: SQLite, memory, and one day a server. The cache of answers is a `Tier`, beside it."""
