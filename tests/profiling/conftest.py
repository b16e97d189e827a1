"""Generated councils of all shapes for the laws of the time analysis, and runs that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

from konseho_cli.agents.pool import AgentPool
from konseho_cli.core.units import Duration
from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Base, Estimate, StepContext
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.results import StepResult
from konseho_cli.store.base import SpanKept, StoredRun
from konseho_cli.store.memory_store import MemoryStore

AGENTS = ("ann", "bob", "cid", "dee", "eve")


class Leasing(Base, frozen=True, kw_only=True, tag="leasing"):
    """Pieces of work over fewer instances: what `split` does with its pool."""

    pieces: int
    instances: int

    def estimate(self) -> Estimate:
        """One call a piece."""
        return Estimate(fewest=self.pieces, most=self.pieces)

    async def run(self, ctx: StepContext) -> StepResult:
        """Lease, ask twice, give back."""
        pool = AgentPool([str(number) for number in range(self.instances)])

        def branch(number: int):
            async def work(ctx: StepContext) -> str:
                async with ctx.lease(pool):
                    for turn in range(2):
                        await ctx.ask(AGENTS[number % 5], "go", item=str(number), turn=turn)
                return "done"

            return work

        await ctx.gather({str(number): branch(number) for number in range(self.pieces)}, quorum=0)
        return StepResult(value="done", parts=())


class Nesting(Base, frozen=True, kw_only=True, tag="nesting"):
    """Branches that gather branches of their own, some of which record nothing."""

    width: int

    def estimate(self) -> Estimate:
        """Two calls a branch."""
        return Estimate(fewest=2 * self.width, most=2 * self.width)

    async def run(self, ctx: StepContext) -> StepResult:
        """Gather gathers."""

        def leaf(number: int, turn: int):
            async def work(ctx: StepContext) -> str:
                if turn == 2:
                    return "nothing"
                answer = await ctx.ask(AGENTS[turn], "go", item=str(number), turn=turn)
                return answer.text

            return work

        def branch(number: int):
            async def work(ctx: StepContext) -> str:
                await ctx.gather({str(turn): leaf(number, turn) for turn in range(3)})
                return "done"

            return work

        await ctx.gather({str(number): branch(number) for number in range(self.width)})
        return StepResult(value="done", parts=())


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Base]:
    """Councils of all shapes: any graph, quorums, early ends, timeouts, retries, leases."""
    made: dict[str, Base] = {}
    for index in range(draw(st.integers(1, 6))):
        above = list(made)
        common = {
            "needs": draw(st.none() | st.lists(st.sampled_from(above), unique=True).map(tuple))
            if above
            else None,
            "priority": draw(st.integers(0, 10)),
            "on_error": draw(st.sampled_from(["continue", "retry", "halt"])),
            "timeout": draw(st.sampled_from([None, None, None, Duration("2s")])),
        }
        agents = tuple(draw(st.lists(st.sampled_from(AGENTS), min_size=1, unique=True)))
        quorum = draw(st.integers(1, len(agents)))
        wait = draw(st.sampled_from(["all", "quorum"]))
        made[f"s{index}"] = draw(
            st.sampled_from(
                [
                    Ask(agent=agents[0], **common),
                    Parallel(agents=agents, quorum=quorum, wait=wait, **common),
                    Leasing(pieces=len(agents) * 2, instances=quorum, **common),
                    Nesting(width=quorum, **common),
                ]
            )
        )
    return made


@st.composite
def fixed_steps(draw: st.DrawFn) -> dict[str, Base]:
    """Councils in which nothing depends on who is first: any graph, every answer awaited."""
    made: dict[str, Base] = {}
    for index in range(draw(st.integers(1, 6))):
        above = list(made)
        needs = st.none() | st.lists(st.sampled_from(above), unique=True).map(tuple)
        common = {"needs": draw(needs) if above else None}
        agents = tuple(draw(st.lists(st.sampled_from(AGENTS), min_size=1, unique=True)))
        kinds = [
            Ask(agent=agents[0], **common),
            Parallel(agents=agents, **common),
            Nesting(width=len(agents), **common),
        ]
        made[f"s{index}"] = draw(st.sampled_from(kinds))
    return made


class Councils(NamedTuple):
    """What councils are made of, and how they are generated."""

    agents: tuple[str, ...] = AGENTS
    steps: st.SearchStrategy[dict[str, Base]] = steps()
    fixed: st.SearchStrategy[dict[str, Base]] = fixed_steps()


@pytest.fixture(scope="session")
def councils() -> Councils:
    """Generated councils."""
    return Councils()


class ReallyRun(NamedTuple):
    """A run, and what is kept of it."""

    outcome: RunOutcome
    stored: StoredRun
    spans: list[SpanKept]


def _really_run(document: dict[str, Any], **options: Any) -> ReallyRun:
    store = MemoryStore()
    wanted = RunOptions(**options)
    session = Session(check_document(document), wanted, {}, store=lambda: store)
    outcome = run_virtual(lambda loop: session.run())

    async def read() -> ReallyRun:
        stored = await store.load(outcome.run)
        assert stored is not None
        return ReallyRun(outcome, stored, (await store.trace(outcome.run))[0])

    return asyncio.run(read())


@pytest.fixture
def really_run() -> Callable[..., ReallyRun]:
    """Runs a document, with options as of a session."""
    return _really_run
