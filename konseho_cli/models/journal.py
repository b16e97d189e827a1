"""The outermost wrapper: one logical call, which may have been answered before and is written down."""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec

from konseho_cli.core.errors import LimitReached, ModelError
from konseho_cli.models.base import Call, Identity, Model, Reply, Request, Source, Usage


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a logical call came to: a reply, or an error that no attempt accounts for."""

    reply: Reply | None = None
    error: ModelError | LimitReached | None = None
    source: Source = "model"
    saved: Usage = Usage()
    """Tokens that the answer took when it was paid for, where it was not paid for now."""
    wait_s: float = 0.0
    """How long whoever asks again waits for it."""


class Journal(Protocol):
    """Where finished calls are kept: a cassette, or a store that a run resumes from."""

    def answered(self, identity: Identity, request: Request) -> Kept | None:
        """What is known already; None: a model must be asked. Raises ReplayMiss."""
        ...

    async def record(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        """Keep what a call came to, before anybody uses it; times on the run's clock."""
        ...

    async def given(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        """What it knew was given."""
        ...

    def dropped(self, call: Call, request: Request, start: int, end: int) -> None:
        """The call was cancelled: there is nothing to keep but that."""
        ...


class Journals:
    """Several of them: the first that knows an answer gives it, all of them keep what is new."""

    __slots__ = ("_givers", "_journals")

    def __init__(self, *journals: Journal) -> None:
        self._journals = journals
        self._givers: dict[Identity, Journal] = {}
        """Who knew what is about to be given."""

    def answered(self, identity: Identity, request: Request) -> Kept | None:
        """What one of them knows."""
        for journal in self._journals:
            kept = journal.answered(identity, request)
            if kept is not None:
                self._givers[identity] = journal
                return kept
        return None

    async def record(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        """Keep it in each, one after the other."""
        for journal in self._journals:
            await journal.record(call, request, kept, start, end)

    async def given(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        """Keep it in those that did not know it."""
        giver = self._givers.pop(call.identity)
        for journal in self._journals:
            keep = journal.given if journal is giver else journal.record
            await keep(call, request, kept, start, end)

    def dropped(self, call: Call, request: Request, start: int, end: int) -> None:
        """Tell each."""
        self._givers.pop(call.identity, None)
        for journal in self._journals:
            journal.dropped(call, request, start, end)


class Journaled:
    """A model whose finished calls are looked up and kept."""

    __slots__ = ("_journal", "_model")

    def __init__(self, model: Model, journal: Journal) -> None:
        self._model = model
        self._journal = journal

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises what the model raises, or raised."""
        now = call.scope.recorder.now
        start, kept = now(), self._journal.answered(call.identity, request)
        if kept is not None:
            return await self._give(kept, request, call, start)
        try:
            reply = await self._model.generate(request, call)
        except (ModelError, LimitReached) as error:
            kept = Kept(error=error, source=call.account.source)
            await self._journal.record(call, request, kept, start, now())
            raise
        except asyncio.CancelledError:
            self._journal.dropped(call, request, start, now())
            raise
        account = call.account
        kept = Kept(reply=reply, source=account.source, saved=account.saved)
        await self._journal.record(call, request, kept, start, now())
        return reply

    async def _give(self, kept: Kept, request: Request, call: Call, start: int) -> Reply:
        now = call.scope.recorder.now
        with call.scope.span("journal", source=kept.source) as span:
            if kept.error is not None:
                span.note(error=type(kept.error).__name__)
            if kept.wait_s:
                try:
                    await asyncio.sleep(kept.wait_s)
                except asyncio.CancelledError:
                    self._journal.dropped(call, request, start, now())
                    raise
        call.account.source, call.account.saved = kept.source, kept.saved
        # Behind the span, not in it: a store has a span of its own, and the wait is to keep its name.
        await self._journal.given(call, request, kept, start, now())
        if kept.error is not None:
            raise kept.error
        assert kept.reply is not None
        if call.on_text:
            call.on_text(kept.reply.text)
        return kept.reply
