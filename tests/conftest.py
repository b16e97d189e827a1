"""No keys, ever; and a stage to run steps on without a file, in virtual time."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from konseho_cli.agents.definition import Agent
from konseho_cli.core.errors import KonsehoError, ModelUnavailable
from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.engine.cast import Cast, Speaker
from konseho_cli.engine.executor import Execution
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import make_plan
from konseho_cli.engine.state import Premises
from konseho_cli.models.base import Call, Message, Model, Reply, Request, Usage
from konseho_cli.models.limits import Limited
from konseho_cli.profiling.explaining.asked import Asked
from konseho_cli.steps.base import Base
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.vote import Vote
from konseho_cli.telemetry.bus import Bus, Listener
from konseho_cli.telemetry.events import EVENTS, Event

if "CI" not in os.environ:  # there hypothesis loads a profile of its own, without deadlines too
    settings.register_profile("konseho", deadline=None)  # no test is timed: machines are shared
    settings.load_profile("konseho")

Line = tuple[float, str | KonsehoError]
"""Seconds, then what is answered."""


class Scripted:
    """A model that answers by agent: a line, lines to say in turn, or a function of the prompt."""

    def __init__(self, script: Mapping[str, Line | Sequence[Line] | Callable[[str], Line]]) -> None:
        self._script = script
        self._turns: dict[str, int] = {}
        self.prompts: list[tuple[str, str]] = []
        self.requests: list[Request] = []
        self.identities: list[tuple[str | int, ...]] = []

    async def generate(self, request: Request, call: Call) -> Reply:
        """Wait as long as the script says, then say what it says."""
        agent = call.identity.agent
        prompt = request.messages[-1].text
        self.prompts.append((agent, prompt))
        self.requests.append(request)
        self.identities.append(call.identity.parts())
        line = self._script.get(agent, (1.0, f"{agent} speaks"))
        if callable(line):
            line = line(prompt)
        if isinstance(line, list):
            turn = self._turns[agent] = self._turns.get(agent, -1) + 1
            line = line[min(turn, len(line) - 1)]
        seconds, said = line  # type: ignore[misc]
        with call.scope.span("ttft"):
            await asyncio.sleep(seconds)
        if isinstance(said, KonsehoError):
            raise said
        if call.on_text is not None:
            call.on_text(said)
        return Reply(text=said, model="test:scripted", usage=Usage(input_tokens=2, output_tokens=1))

    def asked(self, agent: str) -> list[str]:
        """Every prompt that an agent was asked."""
        return [prompt for name, prompt in self.prompts if name == agent]


class Stage:
    """Runs steps in virtual time and keeps what was seen."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.execution: Execution

    def run(
        self,
        steps: Mapping[str, Base],
        model: Model | None = None,
        *,
        during: Callable[[VirtualLoop], object] = lambda loop: None,
        agents: Sequence[str] = ("ann", "bob", "cid", "dee", "eve"),
        task: str = "the task",
        concurrency: int | None = None,
        listener: Listener | None = None,
        **premises: object,
    ) -> RunOutcome:
        """One run; `during` may schedule what happens meanwhile."""
        model = model or Scripted({})
        if concurrency is not None:
            model = Limited(model, Slots(concurrency))
        speakers = {
            name: Speaker(
                id=name, agent=Agent(role=f"You are {name}."), model=model,
                model_name="test:scripted",
                request=Request(model="scripted", messages=(Message("system", f"You are {name}."),)),
            )
            for name in agents
        }  # fmt: skip
        given = Premises(
            run="run", council="test", task=task, inputs={}, cast=Cast(speakers),
            price=lambda model, usage: Decimal("0.01"), max_concurrency=concurrency, **premises,  # type: ignore[arg-type]
        )  # fmt: skip

        async def main(loop: VirtualLoop) -> RunOutcome:
            bus = Bus(loop, loop.call_soon)
            if listener is not None:
                bus.subscribe(listener)
            bus.subscribe(self.events.extend, frozenset(EVENTS))
            self.execution = Execution(make_plan(steps), given, loop, bus)
            during(loop)
            return await self.execution.run()

        return run_virtual(main)

    def seen(self, kind: type[Event]) -> list[Event]:
        """The events of one kind, in order."""
        return [event for event in self.events if type(event) is kind]


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for each test; pytest's own way to make one looks through all that are there."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def no_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, homes: Iterator[Path]
) -> None:
    """No test can spend money, read somebody's settings or be as wide as somebody's terminal."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL")) or name.startswith("KONSEHO_"):
            monkeypatch.delenv(name)
    for name in (
        "OLLAMA_HOST", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE",
        "COLUMNS", "LINES", "NO_COLOR", "COLORTERM", "FORCE_COLOR",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    home = next(homes)
    home.mkdir(mode=0o700)
    monkeypatch.setenv("KONSEHO_HOME", str(home / ".konseho"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-config"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path_factory.getbasetemp() / "no-claude"))


@pytest.fixture
def small_heap() -> Iterator[None]:
    """Sets aside what is there, where every sample begins with a collection.

    To look at all the tests that are loaded takes a quarter of a second each time.
    """
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def stage() -> Stage:
    """A stage to run steps on."""
    return Stage()


@pytest.fixture
def scripted() -> type[Scripted]:
    """The scripted model."""
    return Scripted


MODULES = (
    "Start with a monolith of modules whose boundaries are enforced by a test. "
    "Four people cannot operate twelve services, and the domain is not understood yet."
)
POSITIONS: Mapping[str, Sequence[tuple[str, bool] | None]] = {
    "ann": (
        ("# Monolith\n\nStart with a monolith. Split it once a boundary hurts, not before. "
         "We have shipped it that way twice, and it paid off both times. "
         "A wrong cut across the network costs more than a wrong module does.", False),
        (MODULES, False),
        (MODULES, True),
    ),
    "bob": (
        ("Begin with services. To cut a monolith later costs a year.", False),
        ("Begin with two services at most. To cut a monolith later costs a year.", False),
        ("Start with a monolith of modules whose boundaries are enforced by a test. "
         "To cut it later must stay possible.", True),
    ),
    "cid": (("It depends on the deploys.", False), None),
}  # fmt: skip
"""By round; None: nobody is there any more."""
WINNERS = {
    "ann": "To cut it", "bob": "Four people", "cid": "Four people", "dee": "Four people",
    "eve": "To cut it",
}  # fmt: skip


def _panelist(name: str) -> Callable[[str], Line]:
    """Says its positions in turn, and votes for the candidate that holds its words."""

    def say(prompt: str) -> Line:
        if "# Your ballot" in prompt:
            found = re.findall(r'<candidate label="(.+?)">\n(.*?)\n</', prompt, re.DOTALL)
            choice = next((label for label, text in found if WINNERS[name] in text), None)
            return 0.4, json.dumps({"reason": f"{choice} names what it costs.", "choice": choice})
        turn = re.search(r"so far: round (\d+)", prompt)
        held = POSITIONS[name][int(turn[1]) if turn else 0]
        if held is None:
            return 0.2, ModelUnavailable("503: busy")
        text, agree = held
        return 1.0, json.dumps({"position": text, "agree": agree}) if turn else text

    return say


class Panel(NamedTuple):
    """A run with a real debate, a vote with dissent, and a chair; what everybody was asked."""

    outcome: RunOutcome
    asked: tuple[Asked, ...]


@pytest.fixture
def panel(stage: Stage) -> Panel:
    """Ann and bob come together, cid falls out; ann's position wins, and eve dissents."""
    said = {name: _panelist(name) for name in POSITIONS}
    votes, said["eve"] = _panelist("dee"), _panelist("eve")
    verdict = (1.0, "Start with a monolith of enforced modules. Bob asks that it can be cut.")
    model = Scripted(
        {**said, "dee": lambda prompt: votes(prompt) if "# Your ballot" in prompt else verdict}
    )
    steps = {
        "argue": Debate(agents=("ann", "bob", "cid"), rounds=2, stop="agreement"),
        "pick": Vote(candidates="{{ argue.positions }}", voters=tuple(WINNERS)),
        "verdict": Chair(agent="dee"),
    }
    outcome = stage.run(steps, model, answer="{{ verdict }}", task="Monolith or services?")
    asked = tuple(
        Asked(step=str(identity[0]), agent=str(identity[3]), label="", messages=request.messages)
        for identity, request in zip(model.identities, model.requests, strict=True)
    )
    return Panel(outcome, asked)
