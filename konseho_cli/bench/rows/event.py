"""What slow readers of events cost: the file that takes them all, the queue that nobody reads."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from msgspec import structs

from konseho_cli.bench.measure import Pair, Row
from konseho_cli.models.redact import Redactor
from konseho_cli.telemetry.event_file import EventFile
from konseho_cli.telemetry.events import AskStarted, Event, RunStarted
from konseho_cli.telemetry.queued import EventQueue

EVENTS, BATCH = 100_000, 10


def _events(first: int) -> list[Event]:
    return [
        AskStarted(at=at, step="review", agent="critic", call=at, label="")
        for at in range(first, first + BATCH)
    ]


@contextmanager
def _written(scale: float) -> Iterator[Pair]:
    batches = max(1, round(EVENTS / 10 / BATCH * scale))
    made = [_events(number * BATCH) for number in range(batches)]

    def ours(path: Path) -> float:
        file = EventFile(path, Redactor("sk-0123456789abcdef"), lambda: 0.0)
        file([RunStarted(at=0, run="bench", council="bench", steps=(), models=())])
        start = perf_counter()
        for batch in made:
            file(batch)
        held = perf_counter() - start  # the thread writes on: the run does not wait for that
        file.close()
        return held / batches / BATCH

    def peer(path: Path) -> float:
        with path.open("w", encoding="utf-8") as file:
            start = perf_counter()
            for batch in made:
                for event in batch:
                    file.write(json.dumps(structs.asdict(event)) + "\n")
                file.flush()
            return (perf_counter() - start) / batches / BATCH

    with TemporaryDirectory() as folder:
        yield Pair(
            ours=lambda: ours(Path(folder) / "ours"), peer=lambda: peer(Path(folder) / "peer")
        )


@contextmanager
def _unread(scale: float) -> Iterator[Pair]:
    batches = max(1, round(EVENTS / BATCH * scale))

    def weight(take: Callable[[list[Event]], None]) -> float:
        tracemalloc.start()
        try:
            for number in range(batches):
                take(_events(number * BATCH))
            return float(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()

    def ours() -> float:
        return weight(EventQueue())

    def peer() -> float:
        kept: list[Event] = []
        return weight(kept.extend)

    yield Pair(ours=ours, peer=peer)


ROWS = (
    Row(
        name="event_file",
        title="an event for --events-out, as the run waits for it",
        peer="json.dumps and a flushed file",
        prepare=_written,
    ),
    Row(
        name="event_queue",
        title="the most that 100,000 events take which nobody reads",
        peer="a list of them",
        prepare=_unread,
        costly=True,
    ),
)
