"""A StepContext with scripted answers: for tests and for trying a step without an engine."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from inspect import isawaitable
from random import Random
from typing import Any, TypeAlias, TypeVar

import msgspec

from konseho_cli.agents.definition import Agent, AgentRef
from konseho_cli.agents.pool import AgentPool
from konseho_cli.agents.rota import Pick, Rota
from konseho_cli.context.templates import evaluate, render
from konseho_cli.core.errors import KonsehoError, StepFailed
from konseho_cli.core.group import Group
from konseho_cli.core.hashing import rng
from konseho_cli.core.slots import Slots
from konseho_cli.models.command import CommandDone, CommandRequest
from konseho_cli.steps.base import (
    JSON,
    Base,
    Branch,
    StepContext,
    Template,
    Wait,
    agent_id,
    as_text,
)
from konseho_cli.steps.crowd import Turns, as_given, is_over
from konseho_cli.steps.results import Answer, Conferred, Gathered, Part, Ran, StepResult

T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call that a step made."""

    agent: str
    prompt: str
    schema: Mapping[str, JSON] | None
    item: str
    turn: int
    label: str


Script: TypeAlias = Callable[[Asked], Any]
"""The answer to a call: a text or value, an error to raise, or an awaitable of these."""


class Scripted(msgspec.Struct, kw_only=True):
    """Keeps the protocol of a real context, and everything that a step did in it."""

    script: Script
    names: Mapping[str, JSON] = msgspec.field(default_factory=dict)
    """What templates read, beside `task` and `inputs`."""
    agents: Mapping[str, Agent] = msgspec.field(default_factory=dict)
    """Definitions behind ids, where a weight or description matters."""
    prompt: Template | None = None
    seed: int = 0
    lenient: bool = False
    """As under `on_error: continue`: one success is a quorum."""
    step: str = "step"
    asked: list[Asked] = msgspec.field(default_factory=list)
    finished: list[Asked] = msgspec.field(default_factory=list)
    reasons: list[str] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    leased: list[str] = msgspec.field(default_factory=list)
    executes: Callable[[CommandRequest], CommandDone | BaseException] = lambda request: CommandDone(
        status=0, output="", errors=""
    )
    """What a program comes to."""
    executed: list[CommandRequest] = msgspec.field(default_factory=list)
    rota: Rota = msgspec.field(default_factory=Rota)
    holder: Base | None = None
    """The step whose blocks `run` runs."""
    _random: Random | None = None

    @property
    def random(self) -> Random:
        """Seeded by the seed and the step."""
        if self._random is None:
            self._random = rng(self.seed, self.step)
        return self._random

    def agent(self, ref: AgentRef) -> Agent:
        """The definition, or a plain one."""
        return ref if isinstance(ref, Agent) else self.agents.get(ref, Agent(name=ref))

    def brief(self, *, earlier: bool = True, **names: JSON) -> str:
        """The prompt rendered, else the task and, with `earlier`, all names as JSON."""
        if self.prompt is not None:
            return render(self.prompt, {**self._all(), **names})
        shown = [f"# {name}\n\n{as_text(value)}\n" for name, value in self.names.items()]
        return "\n".join([f"# Task\n\n{self._all()['task']}\n", *(shown if earlier else ())])

    def evaluate(self, template: Template, **names: JSON) -> JSON:
        """A template's value."""
        return evaluate(template, {**self._all(), **names})

    def _all(self) -> dict[str, JSON]:
        return {"task": "", "inputs": {}, **self.names}

    async def ask(
        self,
        agent: AgentRef,
        prompt: str,
        *,
        schema: Mapping[str, JSON] | None = None,
        item: str = "",
        turn: int = 0,
        label: str = "",
    ) -> Answer:
        """Answer by the script. Raises the error that it gave."""
        name = agent_id(agent)
        asked = Asked(agent=name, prompt=prompt, schema=schema, item=item, turn=turn, label=label)
        self._require_new(asked)
        self.asked.append(asked)
        self.rota.under_way[name] += 1
        try:
            said = self.script(asked)
            if isawaitable(said):
                said = await said
        finally:
            self.rota.under_way[name] -= 1
        if isinstance(said, BaseException):
            raise said
        self.finished.append(asked)
        return Answer(agent=name, text=as_text(said), value=said)

    def _require_new(self, asked: Asked) -> None:
        identity = (asked.agent, asked.item, asked.turn)
        if any((one.agent, one.item, one.turn) == identity for one in self.asked):
            raise AssertionError(f"two calls with one identity: {identity}")

    async def execute(self, request: CommandRequest) -> CommandDone:
        """Answer by `executes`. Raises the error that it gave."""
        if any(one.name == request.name for one in self.executed):
            raise AssertionError(f"two programs with one identity: {request.name}")
        self.executed.append(request)
        said = self.executes(request)
        if isinstance(said, BaseException):
            raise said
        return said

    async def gather(
        self,
        branches: Mapping[str, Branch[T]],
        *,
        quorum: int | None = None,
        wait: Wait = "all",
        enough: Callable[[Mapping[str, T]], bool] | None = None,
        batch: int | None = None,
        after: Mapping[str, Collection[str]] | None = None,
    ) -> Gathered[T]:
        """Run branches concurrently; raises StepFailed below the quorum."""
        if quorum is None:
            quorum = min(1, len(branches)) if self.lenient else len(branches)
        done: dict[str, T] = {}
        failed: dict[str, KonsehoError] = {}
        broken: list[Exception] = []
        over = False
        ended = Slots(0)  # given once: what the floor's modules have for an event, without asyncio

        async def strand(name: str, branch: Branch[T]) -> None:
            nonlocal over
            try:
                value = await branch(self)
                if not over:
                    done[name] = value
            except KonsehoError as error:
                if not over:
                    failed[name] = error
            except Exception as error:  # noqa: BLE001 - a mistake in the script, for the test to see
                broken.append(error)
            if over:
                return
            try:
                over = bool(broken) or is_over(
                    done, failed, len(branches), quorum=quorum, wait=wait, enough=enough
                )
            except Exception as error:  # noqa: BLE001 - what `enough` raises is the step's
                broken.append(error)
                over = True
            if over:
                ended.release(0)
            else:
                turns.ended(name)
                start()

        group, turns = Group(), Turns(branches, batch=batch, after=after)

        def start() -> None:
            while (name := turns.take()) is not None:
                group.start(strand(name, branches[name]))

        start()
        if branches and not ended.try_acquire():
            await ended.acquire()
        await group.stop()
        if broken:
            raise broken[0]
        lost = as_given(branches, failed)
        self._settle(lost, quorum, len(branches))
        return Gathered(done=as_given(branches, done), failed=lost, not_started=turns.waiting)

    def _settle(self, failed: Mapping[str, KonsehoError], quorum: int, asked: int) -> None:
        if asked - len(failed) < quorum:
            reasons = "; ".join(f"{name}: {error}" for name, error in failed.items())
            raise StepFailed(self.step, f"{len(failed)} failed, {quorum} must succeed ({reasons})")
        for name, error in failed.items():
            self.degrade(f"{name} was dropped: {error}")

    def pick(
        self,
        pool: Sequence[AgentRef],
        by: Pick,
        *,
        item: str = "",
        turn: int = 0,
        without: Collection[str] = (),
    ) -> AgentRef:
        """Whose turn it is, or who has least to do."""
        ids = tuple(map(agent_id, pool))
        return pool[ids.index(self.rota.pick(ids, by, without=without))]

    @asynccontextmanager
    async def lease(self, pool: AgentPool, item: str = "") -> AsyncIterator[str]:
        """Borrow an instance."""
        if not pool.slots.try_acquire():
            await pool.slots.acquire()
        instance = pool.take()
        self.leased.append(instance)
        try:
            yield instance
        finally:
            pool.give_back(instance, by=0)

    async def run(
        self,
        block: str,
        *,
        iteration: int = 0,
        names: Mapping[str, JSON] | None = None,
        earlier: Sequence[Part] = (),
    ) -> Ran:
        """Run the steps of a block, one after another, each with this script."""
        steps = self.holder.blocks()[block] if self.holder else ()
        values: dict[str, JSON] = {}
        parts: list[Part] = []
        for step in steps:
            inner = msgspec.structs.replace(
                self, names={**self.names, **(names or {}), **values}, prompt=step.prompt,
                step=f"{self.step}.{iteration}.{step.id}", holder=step, asked=[], finished=[],
            )  # fmt: skip
            result = await step.run(inner)
            values[step.id] = result.value
            parts += (Part(label=f"{step.id} / {p.label}", text=p.text) for p in result.parts)
            self.asked += inner.asked
            self.finished += inner.finished
        return Ran(values=values, parts=tuple(parts))

    async def confer(self, task: str | None, inputs: Mapping[str, JSON]) -> Conferred:
        """Answer by the script, as an agent named `council`."""
        answer = await self.ask("council", task or "", item=as_text(dict(inputs)))
        return Conferred(council="council", answer=answer.value, gate=None, status="ok")

    def skip(self, block: str, reason: str) -> Ran:
        """Null for each step of a block."""
        steps = self.holder.blocks()[block] if self.holder else ()
        self.notes.append(reason)
        return Ran(values={step.id: None for step in steps}, parts=())

    def progress(self, note: str, *, calls: int | None = None) -> None:
        """Keep the note."""
        self.notes.append(note)

    def degrade(self, reason: str) -> None:
        """Keep the reason."""
        self.reasons.append(reason)


def perform(step: Base, ctx: StepContext) -> Awaitable[StepResult]:
    """The step's run in this context; its own prompt goes with it."""
    if isinstance(ctx, Scripted):
        ctx.holder = step
        ctx.prompt = ctx.prompt if step.prompt is None else step.prompt
    return step.run(ctx)
