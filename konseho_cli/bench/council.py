"""Councils to measure with: fake models, and runs of a plan with nothing else around it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from konseho_cli.agents.definition import Agent
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import StepFailed
from konseho_cli.engine.cast import Cast, Speaker
from konseho_cli.engine.executor import Execution
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import Plan, make_plan
from konseho_cli.engine.state import Premises
from konseho_cli.models.base import Call, Model, Reply, Request, Usage
from konseho_cli.steps.parallel import Parallel
from konseho_cli.telemetry.bus import Bus, Subscription
from konseho_cli.telemetry.events import Event

ANSWER = "Start with the simplest thing that can work, and measure."


class Waiting:
    """A model that answers after a fixed time; 0 still lets the others have their turn."""

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def generate(self, request: Request, call: Call) -> Reply:
        """Wait, then answer the same to everybody."""
        await asyncio.sleep(self._seconds)
        return Reply(text=ANSWER, model="bench", usage=Usage(input_tokens=20, output_tokens=10))


def shape(steps: int, agents: int) -> Plan:
    """A plan of parallel steps, one after another, with the default prompts."""
    names = tuple(f"agent{number}" for number in range(agents))
    return make_plan({f"step{number}": Parallel(agents=names) for number in range(steps)})


def cast(agents: int, model: Model) -> Cast:
    """Agents that all ask one model."""
    request = Request(model="bench", messages=())
    names = [f"agent{number}" for number in range(agents)]
    return Cast(
        {
            name: Speaker(id=name, agent=Agent(), model=model, model_name="bench", request=request)
            for name in names
        }
    )


class Counting:
    """A listener that looks at everything it is given, and keeps none of it."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, batch: Sequence[Event]) -> None:
        """Count."""
        self.seen += len(batch)


async def run(plan: Plan, players: Cast, *listening: Subscription) -> RunOutcome:
    """Run once, spans and events on. Raises StepFailed where it did not end well."""
    clock = RealClock()
    bus = Bus(clock, asyncio.get_running_loop().call_soon)
    for subscription in listening or (Subscription(Counting()),):
        bus.subscribe(*subscription)
    outcome = await Execution(plan, _premises(players), clock, bus).run()
    if outcome.status != "ok":
        raise StepFailed("bench", outcome.error or "; ".join(outcome.reasons))
    return outcome


def timed(work: Callable[[], Awaitable[object]], units: int) -> float:
    """Seconds for one of `units`, measured inside a fresh loop."""

    async def main() -> float:
        start = time.perf_counter()
        await work()
        return (time.perf_counter() - start) / units

    return asyncio.run(main())


def _premises(players: Cast) -> Premises:
    return Premises(
        run="bench",
        council="bench",
        task="Monolith or services?",
        inputs={},
        cast=players,
        price=lambda model, usage: Decimal(0),
    )
