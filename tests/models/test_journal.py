"""One logical call: looked up before it is made, written down before it is used."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Identity, Reply, Request, Usage
from konseho_cli.models.journal import Journaled, Kept
from konseho_cli.telemetry.spans import Recorder

REPLY = Reply(text="kept", model="openai:m", usage=Usage(input_tokens=3))


class Book:
    """A journal in memory."""

    def __init__(self, *kept: Kept) -> None:
        self.known = list(kept)
        self.written: list[tuple[str, Kept, int, int]] = []
        self.gone: list[tuple[str, int, int]] = []
        self.said: list[tuple[str, Kept]] = []

    def answered(self, identity: Identity, request: Request) -> Kept | None:
        return self.known[0] if self.known else None

    async def record(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        await asyncio.sleep(0.5)
        self.written.append((call.identity.agent, kept, start, end))

    async def given(self, call: Call, request: Request, kept: Kept, start: int, end: int) -> None:
        self.said.append((call.identity.agent, kept))

    def dropped(self, call: Call, request: Request, start: int, end: int) -> None:
        self.gone.append((call.identity.agent, start, end))


def ask(tools: Any, book: Book, *script: str | Exception, **call: Any) -> tuple[Any, Call, Any]:
    model = tools.Scripted(script)

    async def main(loop: VirtualLoop) -> tuple[Any, Call, Any]:
        recorder = Recorder(loop)
        this = tools.call(recorder, **call)
        try:
            result: Any = await Journaled(model, book).generate(tools.ask(), this)
        except ModelUnavailable as error:
            result = error
        return result, this, (loop.time(), [span.kind for span in recorder.spans], model.calls)

    return run_virtual(main)


def test_an_answer_is_written_down_before_it_is_used(tools: Any) -> None:
    book = Book()
    reply, _, (took_s, kinds, _) = ask(tools, book, "fresh")
    assert [(agent, kept.reply) for agent, kept, *_ in book.written] == [("a", reply)]
    assert (took_s, kinds) == (0.5, [])


def test_what_is_known_is_given_without_a_model_and_says_where_it_is_from(tools: Any) -> None:
    kept = Kept(reply=REPLY, source="cache", saved=Usage(input_tokens=3), wait_s=2.0)
    shown: list[str] = []
    reply, call, (took_s, kinds, calls) = ask(tools, Book(kept), on_text=shown.append)
    assert reply is REPLY
    assert (call.account.source, call.account.saved) == ("cache", Usage(input_tokens=3))
    assert (took_s, kinds, calls, shown) == (2.0, ["journal"], [], ["kept"])


def test_a_failure_is_written_down_and_raised_again(tools: Any) -> None:
    book, busy = Book(), ModelUnavailable("busy")
    assert ask(tools, book, busy)[0] is busy
    assert book.written[0][1].error is busy
    assert ask(tools, Book(Kept(error=busy)))[0] is busy


def test_of_a_cancelled_call_nothing_is_kept_but_that(tools: Any) -> None:
    book = Book()

    class Slow:
        async def generate(self, request: Request, call: Call) -> Reply:
            await asyncio.sleep(9)
            return REPLY

    async def main(loop: VirtualLoop) -> None:
        call = tools.call(Recorder(loop))
        task = asyncio.ensure_future(Journaled(Slow(), book).generate(tools.ask(), call))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(main)
    assert (book.written, book.gone) == ([], [("a", 0, 10**9)])
