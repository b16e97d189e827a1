"""What a run leaves in the store: its beginning, each call before its answer is used, its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import structs

from konseho_cli.core.errors import KonsehoError, StoreFailed
from konseho_cli.core.packing import pack
from konseho_cli.core.units import show_duration
from konseho_cli.engine.executor import Execution
from konseho_cli.engine.outcome import RunOutcome, StepOutcome, cost_of
from konseho_cli.engine.past import Past
from konseho_cli.models.base import Call, Identity, Reply, Request, Usage
from konseho_cli.models.cassette import (
    Answered,
    Failure,
    hidden,
    hidden_request,
    packed,
    request_hash,
    without_secrets,
)
from konseho_cli.models.journal import Kept
from konseho_cli.models.redact import Redactor
from konseho_cli.store.base import (
    CallKept,
    EventKept,
    Record,
    RunBegan,
    RunEnded,
    SpanKept,
    StepKept,
    Store,
)
from konseho_cli.store.retention import Retention, prune
from konseho_cli.telemetry.events import Event
from konseho_cli.telemetry.spans import Recorder, Span

SESSION_IDS = 1 << 40
"""Span ids of the n-th session of a run begin at n times as many, from 0."""
_SPANS_TOGETHER = 256
_LARGE = 1 << 16
"""Characters: what is longer is packed in a thread, so that the loop does not wait for it."""


class Keeper:
    """Writes one run down; it is the run's journal, too. A store that takes no more ends the run."""

    def __init__(
        self,
        store: Store,
        redactor: Redactor,
        price: Callable[[str, Usage], Decimal | None],
        now: int,
        past: Past | None = None,
        keep_s: float | None = None,
    ) -> None:
        """`now`: when this session begins, on the run's clock; `past`: what went before it.

        `keep_s`: seconds after which runs go when this one has ended; None: they stay.
        """
        self._keep_s = keep_s
        self._past = past
        self._now = now
        self._execution: Execution | None = None
        self._store = store
        self.redactor = redactor
        """Takes secrets out of all that is written."""
        self._price = price
        self._run = ""
        self._recorder: Recorder
        self._session = 1 if past is None else past.sessions + 1
        self._first_span = SESSION_IDS * (self._session - 1)
        self._spans = 0
        """How many of the recorder's were handed over."""
        self._packing: set[asyncio.Future[None]] = set()
        self._stop: Callable[[KonsehoError], None] = lambda error: None
        self._closed = False
        self.ended: RunEnded | None = None
        """What was written of the end."""
        self._failure: StoreFailed | None = None
        """Why nothing is written any more."""

    @property
    def origin(self) -> int:
        """The run's first moment on this clock, which an earlier session may have begun."""
        start = self._now if self._execution is None else self._execution.start
        return start - (0 if self._past is None else self._past.offset)

    async def begin(self, began: RunBegan, execution: Execution) -> None:
        """Write that the run begins, before anything is paid. Raises StoreFailed."""
        self._run, self._execution = began.run, execution
        self._recorder, self._stop = execution.recorder, execution.stop
        if self._past is not None:
            began = structs.replace(
                began, session=self._session, mended=self._past.mended, again=self._past.again
            )
        await self._store.write([began])

    # ------------------------------------------------------------------ as the run's journal

    def answered(self, identity: Identity, request: Request) -> Kept | None:
        """What an earlier session knows."""
        return None if self._past is None else self._past.answered(identity, request, self.redactor)

    async def record(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        """Write what a call came to; it is on disk when this returns, or the run ends."""
        with call.scope.span("journal"):
            ended = self._ended(call, request, start, end, kept)
            if request.size + _length(kept) < _LARGE:
                record = ended()
            else:
                try:
                    record = await asyncio.get_running_loop().run_in_executor(None, ended)
                except asyncio.CancelledError:
                    self._soon(_LARGE, ended)  # it was paid for, whoever waits for it
                    raise
            await self._write([record])
        if len(self._recorder.spans) - self._spans >= _SPANS_TOGETHER:
            self._hand_over_spans()

    async def given(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        """It is there already."""

    def dropped(self, call: Call, request: Request, start: int, end: int) -> None:
        """Write, soon, that a call was cancelled."""
        self._soon(request.size, self._ended(call, request, start, end, None))

    def _ended(
        self, call: Call, request: Request, start: int, end: int, kept: Kept | None
    ) -> Callable[[], CallKept]:
        """Makes the record: to pack it may take long. `kept` None: it was cancelled."""
        account, identity = call.account, call.identity
        reply = Reply(text="", model=call.model)
        error: KonsehoError | None = None
        if kept is not None:
            reply, error = kept.reply or reply, kept.error
        status = "cancelled" if kept is None else "ok" if error is None else "failed"
        usage, hide = reply.usage + account.wasted, self.redactor.hide
        cost = cost_of(self._price, status, reply.model, reply.usage, account)

        def make() -> CallKept:
            return CallKept(
                run=self._run, path=identity.step, iteration=identity.iteration,
                item=hide(identity.item), agent=identity.agent, turn=identity.turn,
                repair=identity.repair, tool_turn=identity.tool_turn, session=self._session,
                step=identity.step_id, label=hide(call.label), model=reply.model, status=status,  # type: ignore[arg-type]
                source=account.source, start=start - self.origin, end=end - self.origin,
                input_tokens=usage.input_tokens, output_tokens=usage.output_tokens,
                cached_tokens=usage.cached_tokens, written_tokens=usage.written_tokens,
                wasted_tokens=account.wasted.total, cost=cost,
                requests=account.requests
                or int(status == "ok" and account.source == "model"),
                retries=account.retries, hedges=account.hedges,
                error="" if error is None else hide(str(error)),
                body=self._body(identity, request, start, end, kept),
            )  # fmt: skip

        return make

    def _body(
        self, identity: Identity, request: Request, start: int, end: int, kept: Kept | None
    ) -> bytes:
        shown = hidden_request(request, self.redactor)
        answered = Answered(
            identity=identity.parts(),  # type: ignore[arg-type]
            hash=request_hash(shown),
            source="model" if kept is None else kept.source,
            start=max(0, start - self.origin),
            duration=end - start,
            reply=None if kept is None else kept.reply,
            failure=None if kept is None or kept.error is None else Failure.of(kept.error),
            cancelled=kept is None,
            saved=Usage() if kept is None else kept.saved,
            request=shown,
        )
        return packed(answered, self.redactor)

    # ------------------------------------------------------------------ as the engine's listener

    def step_ended(self, outcome: StepOutcome, index: int) -> None:
        """Write, soon, how a step ended: its calls are there already."""

        def make() -> StepKept:
            body = {
                "value": outcome.value,
                "parts": [{"label": part.label, "text": part.text} for part in outcome.parts],
                "details": dict(outcome.details),
            }
            return StepKept(
                run=self._run, step=outcome.id, index=index, kind=outcome.kind,
                status=outcome.status, reasons=tuple(map(self.redactor.hide, outcome.reasons)),
                start=self._since(outcome.start), end=self._since(outcome.end),
                body=self._packed(body),
            )  # fmt: skip

        # What is held elsewhere may have to be read from a disk: that is for the thread.
        held = type(outcome) is not StepOutcome
        self._soon(_LARGE if held else sum(len(part.text) for part in outcome.parts), make)
        self._hand_over_spans()

    def events(self, batch: Sequence[Event]) -> None:
        """Write events, soon; where a run keeps them."""
        self._store.soon(
            [
                EventKept(
                    run=self._run, at=event.at - self.origin, name=event.name,
                    fields=_json(_fields(event), self.redactor),
                )
                for event in batch
            ]
        )  # fmt: skip

    async def finish(self, outcome: RunOutcome, wall: float) -> RunOutcome:
        """Write how the run ended, after all the rest. What is not kept is a failure, and says so."""
        gone: tuple[str, ...] = ()
        try:
            await self._end(outcome, wall)
            gone = await self._prune(wall)
            await self.aclose()
        except StoreFailed as error:
            if outcome.error is None:
                return structs.replace(
                    outcome, status="failed", error=str(error), hint=error.hint,
                    exit_code=error.exit_code,
                )  # fmt: skip
            if error is not self._failure:
                gone = (f"not all of this run is kept: {error}",)
        return structs.replace(outcome, warnings=(*outcome.warnings, *gone))

    async def _prune(self, wall: float) -> tuple[str, ...]:
        """Remove what is too old, where that is wanted, and say so."""
        if self._keep_s is None:
            return ()
        gone = await prune(self._store, Retention(keep_s=self._keep_s), wall, but=self._run)
        runs = "1 run" if gone == 1 else f"{gone:,} runs"
        older = show_duration(self._keep_s)
        return (f"removed {runs} older than {older}, as `store: {{keep}}` says",) if gone else ()

    async def cut_off(self, wall: float) -> None:
        """Write that the run was cancelled: it can be resumed. Raises StoreFailed."""
        if self._run and self._failure is None:
            await self._pack_rest()
            took = self._recorder.now() - self.origin
            await self._store.write(
                [
                    RunEnded(
                        run=self._run, status="interrupted", exit_status=130, ended=wall,
                        duration=took, error="it was cancelled", body=pack({}),
                    )
                ]
            )  # fmt: skip
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the store. Raises StoreFailed."""
        if not self._closed:
            self._closed = True
            await self._pack_rest()
            await self._store.aclose()

    async def _pack_rest(self) -> None:
        while self._packing:
            await asyncio.wait(self._packing)
        if self._run:
            self._hand_over_spans()

    async def _end(self, outcome: RunOutcome, wall: float) -> None:
        """Raises StoreFailed, also an earlier one."""
        await self._pack_rest()
        if self._failure is not None:
            raise self._failure
        body = {
            "answer": outcome.answer, "gate": outcome.gate, "hint": outcome.hint,
            "warnings": list(outcome.warnings),
            "services": [msgspec.to_builtins(service) for service in outcome.services],
            "timings": [msgspec.to_builtins(timing) for timing in outcome.timings],
            "cache": None if outcome.cache is None else msgspec.to_builtins(outcome.cache),
            "results": None if outcome.results is None else msgspec.to_builtins(outcome.results),
            "listeners": [msgspec.to_builtins(each) for each in outcome.listeners],
            "creation_s": outcome.creation_s,
            "started": outcome.anchor.wall_s + (self.origin - outcome.anchor.loop_ns) / 1e9,
        }  # fmt: skip
        self.ended = RunEnded(
            run=self._run, status=outcome.status,
            exit_status=outcome.exit_code or int(outcome.gate is False),
            ended=wall, duration=outcome.end - self.origin,
            error=self.redactor.hide(outcome.error or ""),
            body=self._packed(body),
        )  # fmt: skip
        await self._store.write([self.ended])

    # ------------------------------------------------------------------ writing

    def _packed(self, body: dict[str, Any]) -> bytes:
        return pack(without_secrets(body, self.redactor, free=True))

    async def _write(self, records: Sequence[Record]) -> None:
        """Raises nothing: the answer is paid for, and is shown where the run ends."""
        if self._failure is not None:
            return
        try:
            await self._store.write(records)
        except StoreFailed as error:
            self._failure = error
            self._stop(error)

    def _soon(self, size: int, make: Callable[[], Record]) -> None:
        if size < _LARGE:
            self._store.soon([make()])
            return
        packing = asyncio.ensure_future(self._pack(make))
        self._packing.add(packing)
        packing.add_done_callback(self._packing.discard)

    async def _pack(self, make: Callable[[], Record]) -> None:
        self._store.soon([await asyncio.get_running_loop().run_in_executor(None, make)])

    def _hand_over_spans(self) -> None:
        spans = self._recorder.spans[self._spans :]
        self._spans += len(spans)
        if spans:
            self._store.soon([self._span(span) for span in spans])

    def _span(self, span: Span) -> SpanKept:
        first, origin = self._first_span, self.origin
        return SpanKept(
            run=self._run, id=span.id + first,
            parent=None if span.parent is None else span.parent + first,
            task=span.task, kind=span.kind, start=span.start - origin, end=span.end - origin,
            closed=span.closed + first, waker=None if span.waker is None else span.waker + first,
            attributes=_json(span.attributes, self.redactor),
        )  # fmt: skip

    def _since(self, at: int | None) -> int | None:
        return None if at is None else at - self.origin


def _length(kept: Kept) -> int:
    return 0 if kept.reply is None else len(kept.reply.text)


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__ if name != "at"}


def _json(fields: object, redactor: Redactor) -> str:
    """A JSON object without a secret in any text of it."""
    try:
        line = msgspec.json.encode(fields)
        if not redactor.finds(line):
            return line.decode()
    except UnicodeEncodeError:
        pass
    # In the line itself a secret may stand escaped, and so may half a character.
    return json.dumps(hidden(msgspec.to_builtins(fields), redactor.hide, free=True))
