"""The StepContext of a real run: what a step's wishes become."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from msgspec import structs

from konseho_cli.agents.definition import Agent, AgentRef
from konseho_cli.agents.pool import AgentPool
from konseho_cli.agents.rota import Pick
from konseho_cli.context.templates import evaluate
from konseho_cli.core.errors import ModelError, OwnLimitReached, StepFailed
from konseho_cli.engine.asking import Question, ask
from konseho_cli.engine.gathering import gather
from konseho_cli.engine.step_state import StepState
from konseho_cli.steps.base import JSON, Branch, Template, Wait, agent_id
from konseho_cli.steps.fields import Window
from konseho_cli.steps.results import Answer, Conferred, Gathered, Part, Ran
from konseho_cli.telemetry.events import StepProgressed
from konseho_cli.telemetry.spans import Scope
from konseho_cli.telemetry.waiting import take

if TYPE_CHECKING:
    from konseho_cli.models.command import CommandDone, CommandRequest

T = TypeVar("T")


class Context:
    """One branch of a step: its place among the spans, and the way to the rest."""

    __slots__ = ("_scope", "_step")

    def __init__(self, step: StepState, scope: Scope) -> None:
        self._step = step
        self._scope = scope

    @property
    def random(self) -> random.Random:
        """Seeded by the council and the step."""
        return self._step.random

    def agent(self, ref: AgentRef) -> Agent:
        """The definition behind a reference."""
        return self._step.run.premises.cast[ref].agent

    def brief(self, *, earlier: bool = True, **names: JSON) -> str:
        """What is asked."""
        return self._step.brief(earlier, names)

    def evaluate(self, template: Template, **names: JSON) -> JSON:
        """A template field's value."""
        return evaluate(template, {**self._step.names, **names} if names else self._step.names)

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
        """Ask one agent; under `on_error: fallback` another one where it fails."""
        step = self._step
        cast = step.run.premises.cast
        question = Question(
            step=self.step,
            path=step.path,
            prompt=prompt,
            schema=schema,
            item=item,
            turn=turn,
            label=label,
            priority=step.planned.step.priority,
            cache=step.planned.step.cache,
            deadline=step.deadline,
        )
        try:
            fitted = step.fitted(cast[agent], question)
            return await ask(step.run, self._scope, cast[agent], fitted, step.degrade)
        except (ModelError, OwnLimitReached) as error:
            fallback = step.planned.step.fallback if step.on_error == "fallback" else None
            if fallback is None or fallback.agent is None:
                raise
            name, other = agent_id(agent), agent_id(fallback.agent)
            if other == name:
                raise
            question = structs.replace(question, path=f"{question.path}/{name}")
            fitted = step.fitted(cast[other], question)
            stand_in = await ask(step.run, self._scope, cast[other], fitted, step.degrade)
            step.degrade(f"{other} stood in for {name}: {error}")
            return Answer(agent=name, text=stand_in.text, value=stand_in.value)

    async def execute(self, request: CommandRequest) -> CommandDone:
        """Execute a program, or know what came of it."""
        step = self._step
        programs = step.run.premises.programs
        if programs is None:
            raise StepFailed(self.step, "programs are not executed here")
        question = Question(
            step=self.step, path=step.path, prompt="", schema=None, item="", turn=0, label="",
            priority=step.planned.step.priority, cache=None, deadline=step.deadline,
        )  # fmt: skip
        return await programs.execute(step.run, self._scope, question, request)

    async def look_back(self, window: Window) -> None:
        """Bound what the default prompt shows of earlier outputs, before it is asked for."""
        from konseho_cli.context.showing import SUMMARY
        from konseho_cli.engine.windowing import Summaries, Summary, chars_for, windowed

        step = self._step
        run, planned = step.run, step.planned
        summaries = run.summaries = run.summaries or Summaries()
        refs = [ref for refs in planned.step.speakers().values() for ref in refs]
        models = [run.premises.cast[ref].model_name for ref in refs]

        async def ask_for(agent: str, prompt: str) -> Summary:
            before = len(step.reasons)
            answer = await self.ask(agent, prompt, item=SUMMARY, label=SUMMARY)
            return Summary(answer.text, tuple(step.reasons[before:]))

        async def summarise(agent: str, prompt: str) -> Summary:
            return await summaries.get(agent, prompt, self._scope, lambda: ask_for(agent, prompt))

        step.windowed = await windowed(
            run.sources(planned), window, chars_for(window, models, run.premises.tokens),
            run.premises.task, summarise, step.degrade,
        )  # fmt: skip

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
        """Run branches concurrently; the failed are dropped as long as a quorum remains."""
        if quorum is None:
            quorum = min(1, len(branches)) if self._step.on_error == "continue" else len(branches)
        return await gather(
            self, branches, quorum=quorum, wait=wait, enough=enough, batch=batch, after=after
        )

    def pick(
        self,
        pool: Sequence[AgentRef],
        by: Pick,
        *,
        item: str = "",
        turn: int = 0,
        without: Collection[str] = (),
    ) -> AgentRef:
        """Whose turn it is, or who has least to do; whoever was picked before, where that is known."""
        rota, ids, known = self._step.run.rota, tuple(map(agent_id, pool)), self._known(item, turn)
        return pool[ids.index(rota.pick(ids, by, without=without, known=known))]

    def _known(self, item: str, turn: int = 0) -> Sequence[str]:
        """Whom a run before this one asked there."""
        return self._step.run.premises.picked.get((self._step.path, item, turn), ())

    @asynccontextmanager
    async def lease(self, pool: AgentPool, item: str = "") -> AsyncIterator[str]:
        """Borrow an instance; waiting for one is a span.

        It is one of the agent who had the item before, where that is known: its answer is paid.
        """
        scope, known = self._scope, self._known(item)
        priority = self._step.planned.step.priority
        await take(pool.slots, scope, "queue.pool", priority, step=self.step, resource="agents")
        instance = pool.take()
        try:
            yield pool.standing_for(instance, known) if known else instance
        finally:
            pool.give_back(instance, by=scope.latest)

    async def run(
        self,
        block: str,
        *,
        iteration: int = 0,
        names: Mapping[str, JSON] | None = None,
        earlier: Sequence[Part] = (),
    ) -> Ran:
        """Run the steps of a block."""
        from konseho_cli.engine.blocks import run_block  # only a step that holds steps loads it

        return await run_block(self._step, self._scope, block, iteration, names or {}, earlier)

    async def confer(self, task: str | None, inputs: Mapping[str, JSON]) -> Conferred:
        """Run the council of the step."""
        from konseho_cli.engine.blocks import run_council

        return await run_council(self._step, self._scope, task, inputs)

    def skip(self, block: str, reason: str) -> Ran:
        """Leave a block out."""
        from konseho_cli.engine.blocks import skip_block

        return skip_block(self._step, block, reason)

    def progress(self, note: str, *, calls: int | None = None) -> None:
        """Tell whoever watches."""
        run = self._step.run
        if run.wants(StepProgressed):
            run.bus.emit(StepProgressed(at=run.bus.now(), step=self.step, note=note, calls=calls))

    def degrade(self, reason: str) -> None:
        """Record that the result is less than was asked for."""
        self._step.degrade(reason)

    # What gathering needs, beside the protocol.

    @property
    def step(self) -> str:
        """The step's id."""
        return self._step.run.address(self._step.planned)

    @property
    def scope(self) -> Scope:
        """Where this branch records its spans."""
        return self._scope

    def branch(self) -> Context:
        """The context of a task that this one starts."""
        return Context(self._step, self._scope.branch())
