"""A council for Python users: the nouns of the file, and runs of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from msgspec import structs

from konseho_cli.agents.definition import Agent
from konseho_cli.agents.limits import Limits
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.engine.caching import new_memory
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.storing import Storing, open_store, storing_for
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cache import ENTRIES, CacheWishes
from konseho_cli.session import Session
from konseho_cli.spec.check import converted
from konseho_cli.spec.document import CouncilSpec, Input, ModelSpec, Targets
from konseho_cli.spec.find import find_council
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import check_document, load_council, to_document
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.preset import preset_under
from konseho_cli.spec.settings import Settings
from konseho_cli.steps.fields import OnError, Window
from konseho_cli.steps.union import Step
from konseho_cli.telemetry.bus import Listener, Subscription
from konseho_cli.telemetry.events import EVERYTHING, Event
from konseho_cli.telemetry.queued import EventQueue

if TYPE_CHECKING:
    from konseho_cli.models.memory_tier import MemoryTier  # only a run that caches loads it
    from konseho_cli.models.person import Answer, Answering  # only one with a person


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
    window: Window
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
    events_out: str | Path
    """A file for every event, a line each."""
    replay_speed: float
    """1 as recorded, 2 twice as fast, 0 at once: in virtual time where `run` makes the loop."""
    allow_exec: bool
    """Whether its `command` steps may execute programs."""
    store: bool | str | Path
    """Whether the run is kept, so that it can be resumed: in `.konseho/`, or in this database."""
    answer: Answer
    """Asked in the place of people, with a `Question`: gives the answer, or an awaitable of it."""


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
        preset: str | Path | None = None,
        optimize: bool | None = None,
        emit_events: bool | None = None,
        compress_context: bool | None = None,
        cache_size: int | None = None,
        **document: Unpack[CouncilKeywords],
    ) -> None:
        """What is said here holds over what the `preset` says, a name or a file.

        `optimize=True` chooses for speed what nothing else says; `emit_events=False` builds no
        event at all; `compress_context=True` keeps large outputs packed. `cache_size`: answers that
        its runs share in memory; 0: none is used again.
        """
        agents = document.get("agents", {})
        if not isinstance(agents, Mapping):
            document["agents"] = {agent.name: agent for agent in agents}
        written = to_document(konseho=1, name=name, steps=list(steps), **document)
        own = _settings(optimize, emit_events, compress_context, cache_size)
        self._begin(check_document(written), preset, own)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        preset: str | Path | None = None,
        optimize: bool | None = None,
        emit_events: bool | None = None,
        compress_context: bool | None = None,
        cache_size: int | None = None,
    ) -> Self:
        """From a council file, or by the name of a shipped one; keywords as above."""
        council = cls.__new__(cls)
        own = _settings(optimize, emit_events, compress_context, cache_size)
        council._begin(load_council(find_council(str(path))), preset, own)
        return council

    def _begin(self, loaded: Loaded, preset: str | Path | None, own: Settings) -> None:
        here = Path.cwd() / "council"  # of one made in Python, as for its agents' files
        self._how = preset_under(own, preset, loaded.file or here)
        size = self._how.settings.cache_size
        self._cache_size = ENTRIES if size is None else size
        self._memory: MemoryTier | None = None
        self._loaded = loaded
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
        session = self._session(task, options)
        listening = [] if on_events is None else [Subscription(on_events, session.emitting.usual)]
        self._outcome = await session.run(listening)
        return self._outcome

    async def resume(
        self,
        run: str = "last",
        *,
        store: bool | str | Path = True,
        force: bool = False,
        answer: Answer | None = None,
        allow_exec: bool = False,
    ) -> RunOutcome:
        """Go on with a run that was kept: models are called only for what is not there.

        `run`: its id, the beginning of one, or `last`. Raises UsageError for a council that has
        changed since, unless `force`. `answer`: asked in the place of people.
        """
        from konseho_cli.resuming import Resumption, resume
        from konseho_cli.store.find import find_stored

        storing = self._storing(store)
        async with aclosing(open_store(storing, os.environ)) as reader:
            stored = await find_stored(reader, run)
        wanted = Resumption(force=force, allow_exec=allow_exec, store=storing.file)
        session = resume(stored, wanted, loaded=self._loaded, desk=_desk(answer))
        self._outcome = await session.run()
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

        The run waits for nobody: of events that are not taken in time, 10,000 are kept, the oldest
        are dropped, and a `Warned` and the outcome's warnings say so. Leaving the loop early
        cancels the run.
        """
        session = self._session(task, options)
        if not session.emitting.most:
            raise UsageError("emit_events is off, so there is nothing to stream")
        queue = EventQueue()
        run = asyncio.ensure_future(session.run([Subscription(queue, EVERYTHING)]))
        run.add_done_callback(lambda _: queue.close())
        try:
            async for event in queue:
                yield event
            outcome = await run
            self._outcome = structs.replace(outcome, warnings=(*outcome.warnings, *queue.warnings))
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
            storing=self._storing(options.get("store")),
            allow_exec=options.get("allow_exec", False),
            events_out=options.get("events_out"),
            settings=self._how.settings,
            targets=self._how.targets,
        )
        desk = _desk(options.get("answer"))
        return Session(self._loaded, wanted, memory=self._shared_memory, desk=desk)

    def _storing(self, store: bool | str | Path | None) -> Storing:
        file = Path(store) if isinstance(store, (str, Path)) else None
        wanted = store if isinstance(store, bool) else None
        return storing_for(self._how.settings, wanted=wanted, file=file, usual=False)

    def _shared_memory(self) -> MemoryTier:
        if self._memory is None:
            self._memory = new_memory(self._cache_size, RealClock.now)
        return self._memory


def _desk(answer: Answer | None) -> Callable[[], Answering] | None:
    def make() -> Answering:
        from konseho_cli.models.person import Answering

        assert answer is not None
        return Answering(answer)

    return None if answer is None else make


def _settings(
    optimize: bool | None,
    emit_events: bool | None,
    compress_context: bool | None,
    cache_size: int | None,
) -> Settings:
    said = {
        "optimize": optimize, "emit_events": emit_events, "compress_context": compress_context,
        "cache_size": cache_size,
    }  # fmt: skip
    try:
        return converted(
            {name: value for name, value in said.items() if value is not None}, Settings
        )
    except ValueError as error:
        raise UsageError(f"this is no setting: {error}") from error
