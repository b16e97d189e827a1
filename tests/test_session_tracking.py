"""What a `Tracker` timed inside of a run is the run's own: in its outcome, its store, its JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from konseho_cli import Agent, Ask, Council, RunOutcome, Tracker
from konseho_cli.cli.recalling import recall
from konseho_cli.report.json import outcome_document
from konseho_cli.telemetry.events import Event


def council() -> Council:
    agent = Agent(name="ann", role="You are one.")
    return Council(steps=[Ask(id="one", agent=agent), Ask(id="two", agent="ann")], model="sim:fast")


def test_a_listener_is_timed_and_each_of_two_runs_at_once_has_its_own() -> None:
    tracker = Tracker()

    async def run(name: str) -> RunOutcome:
        @tracker.track(name)
        def listen(batch: Sequence[Event]) -> None:
            """Take it."""

        return await council().execute("Tea?", on_events=listen)

    async def main() -> list[RunOutcome]:
        with tracker.track("around"):
            return await asyncio.gather(run("left"), run("right"))

    left, right = asyncio.run(main())
    (one,), (other,) = left.timings, right.timings
    assert (one.name, other.name) == ("left", "right")
    counts = {timing.name: timing.count for timing in tracker.timings()}
    assert counts == {"left": one.count, "right": other.count, "around": 1}
    assert one.count >= 2


def test_a_listener_that_holds_the_loop_is_seen_to() -> None:
    tracker = Tracker()

    @tracker.track
    def hold(batch: Sequence[Event]) -> None:
        until = time.monotonic() + 0.002
        while time.monotonic() < until:
            pass

    outcome = asyncio.run(council().execute("Tea?", on_events=hold))
    (timing,) = outcome.timings
    assert timing.held_s == timing.max_s > 0


def test_it_is_kept_with_the_run(tmp_path: Path) -> None:
    tracker, file = Tracker(), tmp_path / "runs.db"

    def listen(batch: Sequence[Event]) -> None:
        with tracker.track("listen"):
            pass

    outcome = asyncio.run(council().execute("Tea?", on_events=listen, store=file))
    (kept,) = recall(["last"], file)
    assert outcome.timings
    assert kept.outcome.timings == outcome.timings
    (told,) = document(kept.outcome)["timings"]
    assert told["name"] == "listen"
    assert told["average_s"] == pytest.approx(told["total_s"] / told["count"])


def document(outcome: RunOutcome) -> dict[str, Any]:
    return outcome_document(outcome, (), 0)
