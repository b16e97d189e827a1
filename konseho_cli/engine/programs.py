"""The programs of one run: who answers for each, which results are used again, what is tidied up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from konseho_cli.agents.definition import Agent
from konseho_cli.core.errors import StoreFailed
from konseho_cli.engine.asking import Question, ask
from konseho_cli.engine.cast import Speaker
from konseho_cli.engine.state import RunState
from konseho_cli.models.base import PROGRAM, Call, Identity, Model, Request
from konseho_cli.models.cache import CacheStats, ResponseCache
from konseho_cli.models.cached import Cached
from konseho_cli.models.command import DONE, CommandDone, CommandRequest
from konseho_cli.models.flight import SingleFlight
from konseho_cli.models.program import Place, ProgramModel
from konseho_cli.models.results import ByCall, Fingerprints, Keyed, Steady
from konseho_cli.models.workers import Durations, Queued, Workers
from konseho_cli.telemetry.spans import Scope

if TYPE_CHECKING:
    from konseho_cli.models.journal import Journal
    from konseho_cli.models.tape import Tape


class Programs:
    """Executes for the steps of one run. Outside in: journal → key → results → single-flight →
    workers → what is read stays → tape → program.
    """

    def __init__(
        self,
        place: Place,
        *,
        journal: Journal | None,
        tape: Tape | None,
        results: ResponseCache | None,
        file: Callable[[], Path] | None,
        wall: Callable[[], float],
        workers: Workers | None = None,
    ) -> None:
        """`results`: None: everything is executed. `file`: where durations are kept; None: nowhere."""
        self._place = place
        self._journal = journal
        self._tape = tape
        self._results = results
        self._file = file
        self._wall = wall
        self._workers = workers or Workers()
        self._durations = Durations()
        self._fingerprints = Fingerprints(place)
        self._orders: dict[Identity, CommandRequest] = {}
        """Of the calls that are being answered."""
        self._models: dict[str, Model] = {}
        self._read: asyncio.Future[dict[str, float]] | None = None

    @property
    def stats(self) -> CacheStats | None:
        """What the cache of results did; None: there was none, or nothing was executed."""
        return None if self._results is None or not self._models else self._results.stats

    @property
    def warnings(self) -> tuple[str, ...]:
        """What did not work of it."""
        return () if self._results is None else tuple(self._results.warnings)

    async def execute(
        self, state: RunState, scope: Scope, question: Question, order: CommandRequest
    ) -> CommandDone:
        """Execute, or know what came of it. Raises ModelError."""
        await self._recall()
        word = order.word
        question = structs.replace(
            question, prompt=order.written(), schema=DONE, item=order.name, label=order.name
        )
        identity = Identity(step=question.path, item=order.name, agent=word)
        self._orders[identity] = order
        speaker = Speaker(
            id=word, agent=Agent(name=word), model=self._model(word),
            model_name=f"{PROGRAM}:{word}", request=Request(model=word, messages=()),
        )  # fmt: skip
        try:
            answer = await ask(state, scope, speaker, question, lambda reason: None)
        finally:
            del self._orders[identity]
        return msgspec.convert(answer.value, CommandDone)

    async def aclose(self) -> None:
        """Keep what is to be kept; nothing runs any more."""
        if not self._models:
            return
        if self._results is not None:
            await self._results.aclose()
        new, file = self._durations.new, self._file
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._place.warden.close)
        if new and file is not None:
            await loop.run_in_executor(None, _keep, file, new, self._wall())

    def _order_of(self, call: Call) -> CommandRequest:
        return self._orders[call.identity.logical]

    def _model(self, word: str) -> Model:
        model = self._models.get(word)
        if model is None:
            model = self._models[word] = self._build(word)
        return model

    def _build(self, word: str) -> Model:
        make = partial(ProgramModel, word, self._place)
        name = f"{PROGRAM}:{word}"
        model: Model = make() if self._tape is None else self._tape.around(name, make)
        results, order_of = self._results, self._order_of
        if results is not None:
            model = Steady(model, self._fingerprints, order_of)
        model = Queued(model, self._workers, order_of, self._durations)
        if results is not None:
            by_call = ByCall()
            model = Cached(SingleFlight(model, results, by_call), results, by_call)
            model = Keyed(model, self._fingerprints, order_of)
        if self._journal is None:
            return model
        from konseho_cli.models.journal import Journaled

        return Journaled(model, self._journal)

    async def _recall(self) -> None:
        """Read how long programs took, once."""
        if self._file is None:
            return
        if self._read is None:
            reading = asyncio.get_running_loop().run_in_executor(None, _known, self._file)
            self._read = reading
        self._durations.known = await asyncio.shield(self._read)


def _known(file: Callable[[], Path]) -> dict[str, float]:
    from konseho_cli.store.durations import read_durations

    try:
        return read_durations(file())
    except StoreFailed:
        return {}  # they only say who goes first


def _keep(file: Callable[[], Path], durations: Mapping[str, float], wall: float) -> None:
    from konseho_cli.store.durations import keep_durations

    try:
        keep_durations(file(), durations, wall)
    except StoreFailed:
        return
