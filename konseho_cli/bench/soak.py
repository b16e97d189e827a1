"""`python -m konseho_cli.bench.soak`: thousands of calls through a flaky server, all accounted for.

Councils of a hundred agents run in one process, a few at a time. Memory must not grow: what is
resident after a tenth of the calls and after all of them differs by 10 % at most.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Sequence

import msgspec
from memory_profiler import memory_usage

from konseho_cli.agents.definition import Agent
from konseho_cli.bench.processes import served
from konseho_cli.core.units import Duration, show_size
from konseho_cli.council import Council
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.spec.document import ModelSpec
from konseho_cli.steps.parallel import Parallel

CALLS = 50_000
AGENTS = 100
LANES = 20
"""Councils at the same time: most of a run is waiting for what went wrong."""
GROWTH = 1.10


class Soak(msgspec.Struct, kw_only=True):
    """What came of all calls so far."""

    statuses: Counter[str] = msgspec.field(default_factory=Counter)
    retries: int = 0
    hedges: int = 0
    requests: int = 0
    """By the calls' own accounts."""
    served: int = 0
    """By what the services counted."""
    resident: list[float] = msgspec.field(default_factory=list)
    """Bytes after a tenth of the runs, and after all."""

    def add(self, outcome: RunOutcome) -> None:
        """Count a run in."""
        self.statuses.update(call.status for call in outcome.calls)
        self.retries += sum(call.retries for call in outcome.calls)
        self.hedges += sum(call.hedges for call in outcome.calls)
        self.requests += sum(call.requests for call in outcome.calls)
        self.served += sum(service.requests for service in outcome.services)

    @property
    def growth(self) -> float:
        """Resident memory at the end, as a multiple of that after a tenth."""
        return self.resident[-1] / self.resident[0]

    def faults(self, calls: int) -> list[str]:
        """What must not be."""
        ended = self.statuses.total()
        found = []
        if ended != calls or set(self.statuses) - {"ok", "failed"}:
            found.append(f"{calls:,} calls were made, {ended:,} ended: {dict(self.statuses)}")
        if self.requests != self.served:
            found.append(f"{self.requests:,} requests by the calls, {self.served:,} in all")
        if self.growth > GROWTH:
            found.append(f"memory grew to {self.growth:.2f} × of what it was")
        return found


def soak(calls: int) -> Soak:
    """Run councils until so many calls are made."""
    with served("flaky_server") as address:
        return asyncio.run(_soak(_council(address), calls // AGENTS))


async def _soak(council: Council, runs: int) -> Soak:
    found, ended = Soak(), 0
    waiting = iter(range(runs))

    async def lane() -> None:
        nonlocal ended
        for _ in waiting:
            found.add(await council.execute("Monolith or services?"))
            ended += 1
            if ended in (max(1, runs // 10), runs):
                gc.collect()
                found.resident.append(memory_usage(-1, interval=0, max_iterations=1)[0] * 2**20)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(LANES):
            lanes.create_task(lane())
    return found


def _council(address: str) -> Council:
    agents = [Agent(name=f"agent{number}") for number in range(AGENTS)]
    flaky = ModelSpec(use="openai:flaky", base_url=address, timeout=Duration("500ms"), hedge=True)
    step = Parallel(agents=tuple(agent.name for agent in agents), on_error="continue")
    return Council(steps=[step], agents=agents, models={"flaky": flaky}, model="flaky")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m konseho_cli.bench.soak", description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=CALLS, metavar="N", help=f"{CALLS:,} by default"
    )
    calls = max(parser.parse_args(arguments).calls // AGENTS, 1) * AGENTS
    found = soak(calls)
    first, last = found.resident[0], found.resident[-1]
    print(
        f"{found.statuses.total():,} calls: {found.statuses['ok']:,} ok, "
        f"{found.statuses['failed']:,} failed, {found.retries:,} retries, {found.hedges:,} hedges, "
        f"{found.requests:,} requests\n"
        f"resident: {show_size(round(first))} after a tenth, {show_size(round(last))} after all "
        f"({found.growth:.3f} ×)"
    )
    for fault in found.faults(calls):
        print(f"✘ {fault}")
    return 1 if found.faults(calls) else 0


if __name__ == "__main__":
    sys.exit(main())
