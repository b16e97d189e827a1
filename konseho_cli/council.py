"""A council for Python users: the nouns of the file, and runs of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from konseho_cli.agents.definition import Agent
from konseho_cli.agents.limits import Limits
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.engine.caching import new_memory
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.storing import Storing, open_store
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cache import ENTRIES, CacheWishes
from konseho_cli.session import RunOptions, Session
from konseho_cli.spec.document import CouncilSpec, Input, ModelSpec, Targets
from konseho_cli.spec.find import find_council
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import Loaded, check_document, load_council, to_document
from konseho_cli.steps.base import OnError
from konseho_cli.steps.union import Step
from konseho_cli.telemetry.bus import Listener, Subscription
from konseho_cli.telemetry.events import EVENTS, EVERYDAY, Event

if TYPE_CHECKING:
    from konseho_cli.models.memory_tier import MemoryTier  # only a run that caches loads it


class CouncilKeywords(TypedDict, total=False):
    """The keys of a council file, but `konseho`, `name` and `steps`."""

    description: str
    task: str
    inputs: Mapping[str, Input]
    model: str
    models: Mapping[str, ModelSpec]
    agents: Mapping[str, Agent] | Sequence[Agent]
    limits: Limits
    on_error: OnError
    max_concurrency: int
    seed: int
    answer: str
    gate: str
    targets: Targets


class RunKeywords(TypedDict, total=False):
    """What may differ from run to run."""

    inputs: Mapping[str, Any]
    model: str
    """For agents that choose none."""
    max_concurrency: int
    seed: int
    timeout_s: float
    cache: bool
    """True: above temperature 0 too; False: not at all."""
    refresh: bool
    """Whether models are asked in any case, and their answers kept."""
    record: str | Path
    """A cassette to write."""
    replay: str | Path
    """A cassette that answers in the place of models."""
    replay_speed: float
    """1 as recorded, 2 twice as fast, 0 at once: in virtual time where `run` makes the loop."""
    store: bool | str | Path
    """Whether the run is kept, so that it can be resumed: in `.konseho/`, or in this database."""


class Council:
    """A council for Python users: the nouns of the file, checked as strictly.

    `Council(steps=[Debate(agents=[Agent(name="for_", role="…"), …], rounds=2)])`, or
    `Council.load("council.yaml")`. Keywords are the keys of the file. Raises InvalidCouncil.
    """

    def __init__(
        self,
        *,
        steps: Sequence[Step],
        name: str = "council",
        emit_events: bool = True,
        cache_size: int = ENTRIES,
        **document: Unpack[CouncilKeywords],
    ) -> None:
        """`emit_events=False` builds no event at all, for who only wants the outcome.

        `cache_size`: answers that its runs share in memory; 0: none is used again.
        """
        agents = document.get("agents", {})
        if not isinstance(agents, Mapping):
            document["agents"] = {agent.name: agent for agent in agents}
        written = to_document(konseho=1, name=name, steps=list(steps), **document)
        self._begin(check_document(written), emit_events, cache_size)

    @classmethod
    def load(cls, path: str | Path, *, emit_events: bool = True, cache_size: int = ENTRIES) -> Self:
        """From a council file, or by the name of a shipped one."""
        council = cls.__new__(cls)
        council._begin(load_council(find_council(str(path))), emit_events, cache_size)
        return council

    def _begin(self, loaded: Loaded, emit_events: bool, cache_size: int) -> None:
        self._cache_size = cache_size
        self._memory: MemoryTier | None = None
        self._loaded = loaded
        self._emit_events = emit_events
        self._outcome: RunOutcome | None = None

    @property
    def spec(self) -> CouncilSpec:
        """The checked document."""
        return self._loaded.spec

    @property
    def outcome(self) -> RunOutcome:
        """Of the run that ended last, such as one that was streamed. Raises UsageError."""
        if self._outcome is None:
            raise UsageError("no run of this council has ended yet")
        return self._outcome

    async def execute(
        self,
        task: str | None = None,
        *,
        on_events: Listener | None = None,
        **options: Unpack[RunKeywords],
    ) -> RunOutcome:
        """Run once. Failures are in the outcome; raises UsageError before any call."""
        subscriptions: list[Subscription] = []
        if on_events is not None and self._emit_events:
            subscriptions.append((on_events, EVERYDAY))
        outcome = await self._session(task, options).run(subscriptions)
        self._outcome = outcome
        return outcome

    async def resume(
        self, run: str = "last", *, store: bool | str | Path = True, force: bool = False
    ) -> RunOutcome:
        """Go on with a run that was kept: models are called only for what is not there.

        `run`: its id, the beginning of one, or `last`. Raises UsageError for a council that has
        changed since, unless `force`.
        """
        from konseho_cli.resuming import Resumption, resume
        from konseho_cli.store.find import find_stored

        storing = _storing(store)
        reader = open_store(storing, os.environ)
        try:
            stored = await find_stored(reader, run)
        finally:
            await reader.aclose()
        wanted = Resumption(force=force, storing=storing)
        self._outcome = await resume(stored, wanted, loaded=self._loaded).run()
        return self._outcome

    def run(self, task: str | None = None, **options: Unpack[RunKeywords]) -> RunOutcome:
        """`execute`, for code that is not asynchronous."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            session = self._session(task, options)
            with asyncio.Runner(loop_factory=session.taped.loop_factory) as runner:
                self._outcome = runner.run(session.run())
            return self._outcome
        raise UsageError("a loop is running here already", hint="await council.execute(…)")

    async def stream(
        self, task: str | None = None, **options: Unpack[RunKeywords]
    ) -> AsyncIterator[Event]:
        """Run once and yield every event, text as it arrives included; then see `outcome`.

        Leaving the loop early cancels the run.
        """
        if not self._emit_events:
            raise UsageError("this council has emit_events=False, so there is nothing to stream")
        session = self._session(task, options)
        queue: asyncio.Queue[Sequence[Event]] = asyncio.Queue()
        run = asyncio.ensure_future(session.run([(queue.put_nowait, frozenset(EVENTS))]))
        run.add_done_callback(lambda _: queue.put_nowait(()))
        try:
            while batch := await queue.get():
                for event in batch:
                    yield event
            self._outcome = await run
        finally:
            run.cancel()
            await asyncio.wait([run])

    def _session(self, task: str | None, options: RunKeywords) -> Session:
        unknown = [name for name in options if name not in RunKeywords.__annotations__]
        if unknown:
            hint = did_you_mean(unknown[0], RunKeywords.__annotations__)
            raise UsageError(f"a run takes no '{unknown[0]}'", hint=hint)
        refresh, cache = options.get("refresh", False), options.get("cache")
        if refresh and cache is False:
            raise UsageError("refresh=True keeps new answers, and cache=False keeps none")
        wanted = RunOptions(
            task=task,
            inputs=fill_inputs(self.spec, options.get("inputs", {})),
            wishes=Wishes(model=options.get("model")),
            max_concurrency=options.get("max_concurrency"),
            seed=options.get("seed"),
            timeout_s=options.get("timeout_s"),
            caching=CacheWishes(
                cache=cache,
                refresh=refresh,
                size=self._cache_size,
            ),
            taping=Taping(
                record=options.get("record"),
                replay=options.get("replay"),
                speed=options.get("replay_speed", 1.0),
            ),
            storing=_storing(options.get("store", False)),
        )
        return Session(self._loaded, wanted, memory=self._shared_memory)

    def _shared_memory(self) -> MemoryTier:
        if self._memory is None:
            self._memory = new_memory(self._cache_size, RealClock.now)
        return self._memory


def _storing(store: bool | str | Path) -> Storing:
    if isinstance(store, bool):
        return Storing(enabled=store)
    return Storing(enabled=True, file=Path(store))
