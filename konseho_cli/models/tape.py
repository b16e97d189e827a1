"""Directly around a provider: one attempt, recorded with its timings, or played back with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from konseho_cli.core.errors import KonsehoError, ModelError, ModelUnavailable, ReplayMiss
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call, Identity, Miss, Model, Reply, Request, is_simulated
from konseho_cli.models.cassette import Attempt, Failure
from konseho_cli.models.journal import Kept
from konseho_cli.models.playback import Playback, place
from konseho_cli.models.quota import is_about_limits
from konseho_cli.models.recording import Recording
from konseho_cli.telemetry.spans import Scope, Span, SpanKind

_PHASES = frozenset({"queue.limit", "connect", "ttft", "stream", "tool"})
PATIENCE_S = 10.0
"""How much later than recorded an attempt may be cut off: what cuts it off may wait in real time."""


class Tape:
    """What a run records and what it replays: goes around each provider, and is the run's journal."""

    def __init__(
        self,
        *,
        recording: Recording | None = None,
        playback: Playback | None = None,
        pace: float | None = 1.0,
        miss: Miss = "error",
    ) -> None:
        """`pace`: recorded seconds that go by in a second; None: nothing is waited for."""
        self.recording = recording
        self.playback = playback
        self.pace = pace
        self.miss = miss
        self.stop: Callable[[KonsehoError], None] | None = None
        """Ends the run: a call that was not recorded must not count as a model that failed."""

    def dropped(self, call: Call, request: Request, start: int, end: int) -> None:
        """As the run's journal: a call was cancelled."""
        if self.recording is not None:
            self.recording.dropped(call.identity, request, start, end)

    @property
    def replays(self) -> bool:
        """Whether the cassette answers: nothing else that knows answers may."""
        return self.playback is not None

    def refused(self, miss: ReplayMiss) -> ReplayMiss:
        """End the run for it. What the call itself then raises is its first line."""
        if self.stop is None:
            return miss
        self.stop(miss)
        return ReplayMiss(str(miss).partition("\n")[0], hint=miss.hint)

    def close(self) -> None:
        """The run is over."""
        if self.recording is not None:
            self.recording.close()

    def answered(self, identity: Identity, request: Request) -> Kept | None:
        """As the run's journal: what no attempt explains. Raises ReplayMiss."""
        if self.playback is None:
            return None
        try:
            found = self.playback.answer(identity, request)
        except ReplayMiss as miss:
            if self.miss == "call":
                return None
            raise self.refused(miss) from None
        if found is None:
            return None
        error = None if found.failure is None else found.failure.raised()
        wait_s = 0.0 if self.pace is None else found.duration / 1e9 / self.pace
        return Kept(
            reply=found.reply, error=error, source=found.source, saved=found.saved, wait_s=wait_s
        )

    async def record(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        """As the run's journal: write down what a call came to, if this is recorded."""
        if self.recording is not None:
            self.recording.answer(call.identity, request, kept, start, end)

    async def given(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        """As the run's journal: what is replayed is recorded again, where something records."""
        if self.recording is not None:
            self.recording.answer(call.identity, request, kept, start, end, copied=True)

    def around(self, name: str, make: Callable[[], Model]) -> Model:
        """The model, which is only made where it may be asked. Raises UsageError."""
        playback = self.playback
        if playback is None:
            model = make()
        else:
            behind = make() if self.miss == "call" else None
            model = replayed = Replayed(name, playback, self, behind)
            if is_simulated(name):  # it stands in the same wrappers as it did then
                replayed.may_fail = bool(getattr(make(), "may_fail", True))
        return model if self.recording is None else Recorded(name, model, self.recording)


class Recorded:
    """A model whose every attempt is written down as it ends."""

    __slots__ = ("_model", "_name", "_recording", "may_fail")

    def __init__(self, name: str, model: Model, recording: Recording) -> None:
        self._name = name
        self._model = model
        self._recording = recording
        self.may_fail = bool(getattr(model, "may_fail", True))

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises what the model raises."""
        take = _Take(self._name, self._recording, request, call)
        own = structs.replace(call, scope=take.scope, on_text=take.text, on_headers=take.headers)
        try:
            reply = await self._model.generate(request, own)
        except ModelError as error:
            take.keep(failure=Failure.of(error))
            raise
        except asyncio.CancelledError:
            take.keep(cancelled=True)
            raise
        take.keep(reply=reply)
        return reply


class _Take:
    """One attempt as it happens."""

    def __init__(self, name: str, recording: Recording, request: Request, call: Call) -> None:
        self._name = name
        self._recording = recording
        self._request = request
        self._call = call
        recorder = call.scope.recorder
        self._now = recorder.now
        self._start = recorder.now()
        self.scope = _Noting(call.scope)
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._answered: int | None = None
        self._chunks: list[tuple[int, str]] = []
        self._hiding = recording.redactor.stream(self._note)

    def text(self, piece: str) -> None:
        """A piece of the answer."""
        self._hiding.feed(piece)
        if self._call.on_text:
            self._call.on_text(piece)

    def headers(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the answer."""
        self._status, self._answered = status, self._now() - self._start
        self._headers = {name: text for name, text in headers.items() if is_about_limits(name)}
        if self._call.on_headers:
            self._call.on_headers(status, headers)

    def keep(
        self, *, reply: Reply | None = None, failure: Failure | None = None, cancelled: bool = False
    ) -> None:
        """It ended."""
        self._hiding.flush()
        request, digest = self._recording.hashed(self._request)
        attempt = Attempt(
            identity=self._call.identity.parts(),  # type: ignore[arg-type]
            hash=digest,
            model=self._name,
            request=request,
            start=max(0, self._start - self._recording.started),
            duration=self._now() - self._start,
            phases=tuple(self._phases()),  # type: ignore[arg-type]
            status=self._status,
            headers=self._headers,
            answered=self._answered,
            chunks=tuple(self._chunks),
            reply=reply,
            failure=failure,
            cancelled=cancelled,
        )
        self._recording.attempt(self._call.identity, attempt)

    def _note(self, piece: str) -> None:
        self._chunks.append((self._now() - self._start, piece))

    def _phases(self) -> list[tuple[str, int, int]]:
        """What the provider did, from the spans that it left behind."""
        return [
            (span.kind, span.start - self._start, span.end - self._start)
            for span in self.scope.noted
            if span.kind in _PHASES
        ]


class _Noting(Scope):
    """Stands for a scope and keeps what is recorded there: to look for it later is quadratic."""

    __slots__ = ("_scope", "noted")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._parent = scope._parent
        self.recorder = scope.recorder
        self.task = scope.task
        self.noted: list[Span] = []

    @property
    def current(self) -> int | None:
        """The open span, which is the scope's own."""
        return self._scope.current

    @current.setter
    def current(self, span: int | None) -> None:
        self._scope.current = span

    @property
    def last(self) -> int | None:
        """The span that ended last."""
        return self._scope.last

    @last.setter
    def last(self, span: int | None) -> None:
        self._scope.last = span

    def span(self, kind: SpanKind, /, *, waker: int | None = None, **attributes: Any) -> Span:
        """Start a span, and keep it."""
        span = super().span(kind, waker=waker, **attributes)
        self.noted.append(span)
        return span


class Replayed:
    """Takes a provider's place: gives its recorded answers, at the recorded pace."""

    __slots__ = ("_behind", "_name", "_playback", "_tape", "may_fail")

    def __init__(self, name: str, playback: Playback, tape: Tape, behind: Model | None) -> None:
        self._name = name
        self._playback = playback
        self._tape = tape
        self._behind = behind
        self.may_fail = True

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises what was raised, or ReplayMiss, which ends the run."""
        try:
            attempt = self._playback.attempt(call.identity, self._name, request)
        except ReplayMiss as miss:
            if self._behind is not None:
                return await self._behind.generate(request, call)
            if call.identity.hedge:
                # Chance decides when a second request is made. The first one's answer is there.
                raise ModelUnavailable(f"{self._name}: this hedge was not recorded") from None
            raise self._tape.refused(miss) from None
        return await self._play(attempt, call)

    async def _play(self, attempt: Attempt, call: Call) -> Reply:
        loop = asyncio.get_running_loop()
        start_s = loop.time()

        def lonely() -> bool:
            return self._playback.second(attempt) is not None

        try:
            await _Performance(attempt, call, self._tape.pace, lonely).play()
        except ModelError:
            second = self._playback.second(attempt)
            if second is None:
                raise
        else:
            if attempt.reply is not None:
                return attempt.reply
            second = self._playback.second(attempt)
        if second is None:
            raise self._not_cut_off(attempt, call)
        return await self._rest_of(second, start_s + self._scaled(second, attempt), call)

    def _scaled(self, second: Attempt, first: Attempt) -> float:
        """Seconds from the start of the first to the end of the second, at this pace."""
        pace = self._tape.pace
        return 0.0 if pace is None else (second.start + second.duration - first.start) / 1e9 / pace

    async def _rest_of(self, second: Attempt, end_s: float, call: Call) -> Reply:
        """What a hedge answered that is not made again: its moment is a matter of chance."""
        self._playback.use(second)
        call.account.hedges += 1
        call.account.requests += 1
        with call.scope.span("stream"):
            await asyncio.sleep(max(0.0, end_s - asyncio.get_running_loop().time()))
        assert second.reply is not None
        if call.on_text:
            call.on_text(second.reply.text)
        return second.reply

    def _not_cut_off(self, attempt: Attempt, call: Call) -> ReplayMiss:
        took = show_duration(attempt.duration / 1e9)
        return self._tape.refused(
            ReplayMiss(
                f"{place(call.identity)}: it was cut off after {took} when it was recorded, "
                "and nothing cuts it off now",
                hint="was that run interrupted? record it again",
            )
        )


class _Performance:
    """One attempt as it happens again."""

    def __init__(
        self, attempt: Attempt, call: Call, pace: float | None, lonely: Callable[[], bool]
    ) -> None:
        """`lonely`: whether what cut it off, a hedge, has not been made again."""
        self._attempt = attempt
        self._lonely = lonely
        self._call = call
        self._pace = pace
        loop = asyncio.get_running_loop()
        self._clock = loop.time
        self._start_s = loop.time()
        self._cues: list[tuple[int, str | None]] = [*reversed(attempt.chunks)]
        if attempt.answered is not None:
            self._cues.append((attempt.answered, None))
            self._cues.sort(key=lambda cue: cue[0], reverse=True)

    async def play(self) -> None:
        """All of it, each part in a span like the recorded one. Raises the recorded failure.

        What was cut off goes on until it is cut off again; returns where nothing does.
        """
        attempt = self._attempt
        phases = attempt.phases
        for number, (kind, start, end) in enumerate(phases, 1):
            await self._until(start)
            with self._call.scope.span(kind):
                if number == len(phases) and end == attempt.duration:
                    await self._end()
                    return
                await self._until(end, through=number == len(phases))
        await self._end()

    async def _end(self) -> None:
        """The last of it: what is open breaks by the failure, if there is one."""
        attempt = self._attempt
        if attempt.cancelled:
            await self._cues_before(attempt.duration, through=True)
            waited_s, took_s = self._clock() - self._start_s, attempt.duration / 1e9
            await asyncio.sleep(max(0.0, took_s / (self._pace or 1.0) - waited_s))
            if not self._lonely():
                await asyncio.sleep(PATIENCE_S)
            return
        await self._until(attempt.duration, through=True)
        if attempt.failure is not None:
            raise attempt.failure.raised()

    async def _until(self, offset: int, *, through: bool = False) -> None:
        """Go on to this moment."""
        await self._cues_before(offset, through=through)
        await self._wait(offset)

    async def _cues_before(self, offset: int, *, through: bool) -> None:
        """What falls on the moment itself belongs to it only where it goes `through`."""
        while self._cues and self._cues[-1][0] < offset + through:
            at, text = self._cues.pop()
            await self._wait(at)
            self._perform(text)

    def _perform(self, text: str | None) -> None:
        call, attempt = self._call, self._attempt
        if text is None:
            if call.on_headers:
                call.on_headers(attempt.status or 0, attempt.headers)
        elif call.on_text:
            call.on_text(text)

    async def _wait(self, offset: int) -> None:
        if self._pace is not None:
            left_s = self._start_s + offset / 1e9 / self._pace - self._clock()
            if left_s > 0:
                await asyncio.sleep(left_s)
