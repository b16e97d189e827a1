"""Councils with one planted bottleneck each, and what is left of running them.

Each is really run: in virtual time where it waits, in real time where it computes. Everything else
in it is the same for all, so that what was planted is what stands out.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.options import RunOptions
from konseho_cli.profiling.recording import Machine, Recording
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document
from konseho_cli.spec.settings import Settings
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.telemetry.bus import Subscription
from konseho_cli.telemetry.events import EVERYTHING, Event

ROOT = Path(__file__).resolve().parents[2]
EVEN = "sim:ttft=0.2s,tps=100,tokens=50,spread=0"
"""Answers after 0.2 s and in 0.5 s more, always."""
LATE = "sim:ttft=4s,tps=100,tokens=50,spread=0"
LONG = "sim:ttft=0.2s,tps=1000000,tokens=20000,spread=0"
INSTANT = "sim:instant,tokens=12"
PANEL = ("ann", "bob", "cid", "dee")
LEAKED = 2**20
"""Bytes that each run of `leaking` leaves behind."""


class Chatty(NamedTuple):
    """A run that says too much."""

    recording: Recording
    events: Counter[str]
    """By name."""
    cpu: pstats.Stats
    """What cProfile saw of it."""


def council(*steps: dict[str, Any], agents: Sequence[str] = PANEL, **keys: Any) -> dict[str, Any]:
    """A document; the agents are all alike."""
    return {
        "konseho": 1, "name": "planted", "task": "Which of three ways?", "model": EVEN,
        "agents": {name: {"role": f"You are {name}."} for name in agents},
        "steps": list(steps), **keys,
    }  # fmt: skip


def ask_all(agents: Sequence[str] = PANEL, name: str = "review", **keys: Any) -> dict[str, Any]:
    """A step that asks each of them once."""
    return {"id": name, "kind": "parallel", "agents": list(agents), **keys}


def recorded(
    document: dict[str, Any],
    *listening: Subscription,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = VirtualLoop,
    **options: Any,
) -> Recording:
    """One run; `loop` None: in real time."""
    store = MemoryStore()
    session = Session(check_document(document), RunOptions(**options), env={}, store=lambda: store)
    with asyncio.Runner(loop_factory=loop) as runner:
        cpu = time.process_time()
        outcome = runner.run(session.run(listening))
        cpu = time.process_time() - cpu
        stored = runner.run(store.load(outcome.run))
        spans, _ = runner.run(store.trace(outcome.run))
    assert stored is not None
    return Recording(
        version="1", made=1e9, machine=Machine(python="3.11.7", platform="linux", cpus=2),
        profiler="spans", replayed=None, cpu_s=cpu, run=stored, spans=tuple(spans),
    )  # fmt: skip


def slow_agent() -> Recording:
    """Dee takes six times as long as the three who do the same; nobody else waits for anything."""
    document = council(ask_all(), {"id": "verdict", "kind": "chair", "agent": "ann"})
    document["agents"]["dee"]["model"] = LATE
    return recorded(document)


def few_slots() -> Recording:
    """Twelve agents, who could all answer at once, share two slots."""
    many = [f"agent{number}" for number in range(12)]
    return recorded(council(ask_all(many), agents=many, max_concurrency=2))


def rate_limited() -> Recording:
    """A model that takes twelve requests a minute is asked sixteen times."""
    models = {"held": {"use": EVEN, "rpm": 12}}
    steps = [ask_all(name=f"round{number}") for number in range(4)]
    return recorded(council(*steps, models=models, model="held"))


def huge_context() -> Recording:
    """Four outputs of some 20,000 tokens each stand in every prompt of the two steps after them."""
    writers = [f"writer{number}" for number in range(4)]
    steps = [ask_all(writers, name="draft"), ask_all(), ask_all(name="again", needs=["draft"])]
    document = council(*steps, agents=(*writers, *PANEL))
    for name in writers:
        document["agents"][name]["model"] = LONG
    return recorded(document)


def chatty_events(folder: Path) -> Chatty:
    """Answers cost nothing, but every piece of them is an event, and each is written to a file."""
    many = [f"agent{number}" for number in range(60)]
    steps = [ask_all(many, name=f"round{number}", prompt="Which?") for number in range(15)]
    events: Counter[str] = Counter()

    def count(batch: Sequence[Event]) -> None:
        events.update(event.name for event in batch)

    profile = cProfile.Profile()
    recording = profile.runcall(
        recorded, council(*steps, agents=many, model=INSTANT), Subscription(count, EVERYTHING),
        loop=None, settings=Settings(events="all"), events_out=folder / "events.jsonl",
    )  # fmt: skip
    return Chatty(recording, events, pstats.Stats(profile))


def blocking_listener(held_s: float = 0.08) -> Recording:
    """A listener that calls something that blocks, with every batch that says an answer."""

    def blocking(batch: Sequence[Event]) -> None:
        if any(event.name == "ask_finished" for event in batch):
            time.sleep(held_s)  # this is what was planted

    steps = [ask_all(name=f"round{number}") for number in range(2)]
    model = "sim:ttft=0.02s,tps=10000,tokens=20,spread=0"
    return recorded(council(*steps, model=model), Subscription(blocking), loop=None)


def leaking(runs: int = 12) -> tuple[int, ...]:
    """Bytes resident after each of several runs in one process, of which each leaves 1 MiB behind."""
    program = f"from tests.profiling.planted import leak; leak({runs})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    return tuple(map(int, done.stdout.split()))


def leak(runs: int) -> None:
    """What `leaking` runs in a process of its own."""
    import gc

    from memory_profiler import memory_usage

    kept: list[bytes] = []

    def keep(batch: Sequence[Event]) -> None:
        if any(event.name == "run_finished" for event in batch):
            kept.append(b"x" * LEAKED)

    for _ in range(runs):
        recorded(council(ask_all()), Subscription(keep))
        gc.collect()
        print(int(memory_usage(-1, max_usage=True) * 2**20))
