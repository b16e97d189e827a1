"""A profile to report on: real runs in virtual time, with what profilers would have seen."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import cache

from msgspec import structs

from konseho_cli.core.packing import pack, unpack
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.cpu_profile import CpuProfile, FunctionTime, GroupTime
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.memory_profile import MemoryPoint, MemoryProfile, StepMemory
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.profiled import Profiled, ProfilerCost
from konseho_cli.profiling.recording import Machine, Profiler, Recording
from konseho_cli.profiling.sampled import Frame, Samples, Stack
from konseho_cli.profiling.time.analysis import (
    Analysis,
    EarlyStop,
    Lag,
    Leeway,
    Resource,
    Share,
    StepTime,
    Straggler,
)
from konseho_cli.profiling.time.critical_path import critical_path
from konseho_cli.profiling.verdicts import verdicts
from konseho_cli.session import Session
from konseho_cli.spec.document import Targets
from konseho_cli.spec.find import find_council
from konseho_cli.spec.load import load_council
from konseho_cli.store.base import RunRow
from konseho_cli.store.memory_store import MemoryStore

CPU = CpuProfile(
    functions=(
        FunctionTime(
            name="pack", file="konseho_cli/core/packing.py", line=12,
            group="context serialization", calls=40, own_s=0.012, total_s=0.02,
        ),
        FunctionTime(
            name="select", file="~", line=0, group="waiting", calls=9, own_s=0.5, total_s=0.5
        ),
    ),
    groups=(
        GroupTime(name="context serialization", calls=40, own_s=0.012, share=0.6),
        GroupTime(name="engine", calls=400, own_s=0.008, share=0.4),
    ),
    total_s=0.52, waiting_s=0.5, threads=1, notes=("threads are not seen",), file="a.pstats",
)  # fmt: skip
MEMORY = MemoryProfile(
    points=(
        MemoryPoint(at=-50_000_000, resident=50 << 20),
        MemoryPoint(at=1_000_000_000, resident=60 << 20),
    ),
    interval_s=0.1, before=50 << 20, peak=60 << 20, after=55 << 20, agents=4,
    steps=(StepMemory(step="answers", peak=60 << 20, growth=10 << 20),),
)  # fmt: skip
SAMPLES = Samples(
    rate=100,
    frames=(
        Frame(name="main", file="a.py", line=1), Frame(name="work", file="a.py", line=9),
    ),
    stacks=(
        Stack(frames=(0, 1), samples=30, thread="MainThread"),
        Stack(frames=(0,), samples=3, thread="store"),
    ),
    idle=False, gil=False,
)  # fmt: skip


@cache
def recording(council: str = "quickstart", profiler: Profiler = "spans") -> Recording:
    """A run of a shipped council, two calls at a time."""
    store, loaded = MemoryStore(), load_council(find_council(council))
    wanted = RunOptions(task="Which?", wishes=Wishes(model="sim"), max_concurrency=2)
    session = Session(loaded, wanted, env={}, store=lambda: store)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        outcome = runner.run(session.run())
        stored = runner.run(store.load(outcome.run))
        spans, _ = runner.run(store.trace(outcome.run))
    assert stored is not None
    stored = structs.replace(stored, row=_named(stored.row))
    return Recording(
        version="1", made=1e9, machine=Machine(python="3.11.7", platform="linux", cpus=2),
        profiler=profiler, replayed=None, cpu_s=0.1, run=stored, spans=tuple(spans),
    )  # fmt: skip


def _named(row: RunRow) -> RunRow:
    """With nothing in it that chance or a real clock decides."""
    assert row.ended is not None
    heard = {"name": "viewer", "batches": 9, "events": 30, "seconds": 0.003, "worst_s": 0.001}
    body = {**unpack(row.ended.body), "creation_s": 0.004, "listeners": [heard]}
    return structs.replace(
        row,
        began=structs.replace(row.began, run="run1", started=1e9),
        ended=structs.replace(row.ended, body=pack(body)),
    )


@cache
def profiled(council: str = "quickstart") -> Profiled:
    """All that there can be of one."""
    first = recording(council)
    others = (
        structs.replace(first, profiler="cpu", replayed="run", cpu=CPU),
        structs.replace(first, profiler="memory", replayed="run", memory=MEMORY),
        structs.replace(first, profiler="sample", replayed="run", samples=SAMPLES),
    )
    outcome = first.outcome
    return Profiled(
        recordings=(first, *others),
        analysis=analysis(outcome),
        verdicts=verdicts(outcome, Targets(calls=2, time=60.0)),  # type: ignore[arg-type]
        findings=(
            Finding(
                topic="slots", what="answers waits 53 % of its time for a slot",
                advice="max_concurrency: 3 would save 1.8 s", saves_s=1.8, where="answers",
            ),
            Finding(topic="agent", what="chair is <slow>", advice="ask | another", estimated=True),
        ),
        predictions=(
            Prediction(
                change="max_concurrency 3", options=("--concurrency", "3"), before_s=7.2,
                after_s=5.4, cost=Decimal("0.01"), calls=7, guessed=0, path=("answers/builder",),
            ),
        ),
        costs=(ProfilerCost(profiler="cpu", cpu=1.11, wall=1.02, pairs=4),),
    )  # fmt: skip


def analysis(outcome: RunOutcome) -> Analysis:
    """Made by hand: figures that could be."""
    makespan = outcome.end - outcome.start
    path = critical_path(outcome.spans)
    shares = (Share(name="stream", duration=makespan, share=1.0, most=("answers/outsider 3.8 s",)),)
    return Analysis(
        makespan=makespan, path=path, by_kind=shares, by_step=shares, by_agent=shares,
        by_model=shares,
        leeway=(
            Leeway(step="answers", agent="builder", label="", duration=10**9, waited=0, slack=10**8, drag=0),
        ),
        steps=(
            StepTime(
                step="answers", kind="parallel", duration=3 * 10**9, working=2 * 10**9,
                waiting={"queue.limit": 10**9}, overhead=1_000_000, on_path=10**9,
            ),
        ),
        resources=(
            Resource(
                name="max_concurrency", capacity=2, arrivals=7, waited=2, queued=2 * 10**9,
                queued_on_path=10**9, service=1.5e9, mean_wait=3e8, in_use=1.5, in_queue=0.3,
                suggested=3,
            ),
        ),
        stragglers=(
            Straggler(
                step="answers", label="", agent="outsider", answers=3, last=3 * 10**9,
                cost=10**9, quorum_cost=2 * 10**9,
            ),
        ),
        early_stops=(EarlyStop(step="ballot", stopped=False, saved=10**8),),
        lag=Lag(count=3, p50=10_000, p99=90_000, worst=100_000, worst_step="answers"),
        call_overhead=40_000.0, efficiency=0.75,
    )  # fmt: skip
