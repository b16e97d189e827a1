"""`python -m konseho_cli.bench.rows.much_context`: a council that says far more than memory may hold.

It runs in this process and prints JSON: what was resident before, the peak above it, how long it
took, and samples of the run over time.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from time import perf_counter

import minijinja  # noqa: F401 - every council that says anything loads it: it is no context
import msgspec
import zstandard  # noqa: F401 - as above
from memory_profiler import memory_usage

from konseho_cli.bench.rows.council import cast
from konseho_cli.context.settings import ContextSettings
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import StepFailed
from konseho_cli.core.units import Size
from konseho_cli.engine.executor import Execution
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import Plan, make_plan
from konseho_cli.engine.state import Premises
from konseho_cli.models.base import Call, Reply, Request
from konseho_cli.steps.parallel import Parallel
from konseho_cli.telemetry.bus import Bus

AGENTS = 10
ANSWER = 250_000
"""Characters of one answer."""
_STATUS = Path("/proc/self/status")
_OFTEN_S = 0.02


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """How it stood at one moment."""

    at: float
    """Seconds from the start of the run."""
    said: int
    """Bytes of all answers so far."""
    resident: int
    """Bytes of the process, above what it took before."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a run took."""

    took: float
    """Seconds."""
    before: int
    """Bytes resident before it began."""
    peak: int
    """The most above that."""
    said: int
    samples: tuple[Sample, ...]


class _Prose:
    """A model that never says the same: sentences out of some thousands, which zstd makes smaller
    about as well as what models write.
    """

    def __init__(self) -> None:
        rng = self._rng = random.Random(0)
        words = ["".join(rng.choices("etaoinshrdlucm", k=rng.randint(2, 9))) for _ in range(8_000)]
        self._sentences = [" ".join(rng.choices(words, k=16)) + ". " for _ in range(4_000)]
        self.said = 0

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer at once, at length."""
        await asyncio.sleep(0)
        text = "".join(self._rng.choices(self._sentences, k=ANSWER // 105))
        self.said += len(text)
        return Reply(text=text, model="bench")


def much(size: int, limit: int | None) -> Measured:
    """Run a council whose answers sum to about `size` bytes. Raises StepFailed."""
    context = ContextSettings(memory_limit=limit)
    asyncio.run(_run(_plan(2), _Prose(), context))  # what is imported late is there from here on
    model, before = _Prose(), _resident()
    samples: list[Sample] = []
    start = perf_counter()

    def sample() -> None:
        at, said = perf_counter() - start, model.said
        samples.append(Sample(at=at, said=said, resident=_resident() - before))

    with _sampled(sample):
        outcome = asyncio.run(_run(_plan(max(2, size // (AGENTS * ANSWER))), model, context))
    took = perf_counter() - start
    if outcome.status != "ok":
        raise StepFailed("bench", outcome.error or "; ".join(outcome.reasons))
    peak = max(*(each.resident for each in samples), _highest() - before)
    return Measured(
        took=took, before=before, peak=peak, said=model.said, samples=tuple(samples)
    )  # fmt: skip


def _plan(steps: int) -> Plan:
    """Steps of which each reads one answer of the step above."""
    agents = tuple(f"agent{number}" for number in range(AGENTS))
    first = {"step0": Parallel(agents=agents, prompt="Speak.")}
    return make_plan(
        first
        | {
            f"step{number}": Parallel(
                agents=agents, prompt=f"You said {{{{ step{number - 1}.agent0 | length }}}}."
            )
            for number in range(1, steps)
        }
    )


async def _run(plan: Plan, model: _Prose, context: ContextSettings) -> RunOutcome:
    clock = RealClock()
    premises = Premises(
        run="bench", council="bench", task="", inputs={}, cast=cast(AGENTS, model),
        price=lambda model, usage: Decimal(0), context=context,
    )  # fmt: skip
    return await Execution(
        plan, premises, clock, Bus(clock, asyncio.get_running_loop().call_soon)
    ).run()


@contextmanager
def _sampled(sample: Callable[[], None]) -> Iterator[None]:
    """Sample now, often, and at the end."""
    over = threading.Event()

    def often() -> None:
        while not over.wait(_OFTEN_S):
            sample()

    thread = threading.Thread(target=often)
    sample()
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        sample()


def _resident() -> int:
    return int(memory_usage(-1, interval=0, max_iterations=1)[0] * 2**20)


def _highest() -> int:
    """The most that was ever resident, where the system says so; else 0."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(
        prog="python -m konseho_cli.bench.rows.much_context", description=__doc__
    )
    parser.add_argument("--size", default="1GB", help="all answers together; 1GB by default")
    parser.add_argument("--limit", help="`memory_limit`; none by default")
    options = parser.parse_args(arguments)
    limit = None if options.limit is None else int(Size(options.limit))
    print(msgspec.json.encode(much(int(Size(options.size)), limit)).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
