"""One attempt on tape: recorded with its timings, and played back with them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.core.errors import KonsehoError, ModelRefused, ModelUnavailable, ReplayMiss
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Model, Reply, Request, Usage
from konseho_cli.models.cassette import Header
from konseho_cli.models.cassette_file import read_cassette
from konseho_cli.models.playback import Playback
from konseho_cli.models.recording import Recording
from konseho_cli.models.redact import Redactor
from konseho_cli.models.tape import PATIENCE_S, Tape
from konseho_cli.telemetry.spans import Recorder

HEADER = Header(konseho_cassette=1, version="0", council="c", run="r", seed=7, started=1.0)
NAME = "openai:m"
SECRET = "sk-very-secret-0123456789"


class Speaking:
    """A provider with phases, a head and text in pieces; it may fail, or fail in the midst."""

    def __init__(self, *pieces: str, error: Exception | None = None, headers: Any = None) -> None:
        self.pieces = pieces
        self.error = error
        self.headers = headers or {"retry-after": "2", "x-ratelimit-limit-requests": "9"}

    async def generate(self, request: Request, call: Call) -> Reply:
        with call.scope.span("connect"):
            await asyncio.sleep(0.25)
        with call.scope.span("ttft"):
            await asyncio.sleep(0.5)
            if call.on_headers:
                call.on_headers(200, {**self.headers, "set-cookie": SECRET})
            await asyncio.sleep(0.5)
            if self.error and not self.pieces:
                raise self.error
        with call.scope.span("stream"):
            for piece in self.pieces:
                await asyncio.sleep(0.1)
                assert call.on_text is not None, "whoever records listens"
                call.on_text(piece)
            if self.error:
                raise self.error
        return Reply(text="".join(self.pieces), model=NAME, usage=Usage(input_tokens=3))


class Heard:
    """What somebody saw of one call, with the times."""

    def __init__(self, tools: Any, tape: Tape, provider: Model | None, **call: Any) -> None:
        self.said: list[tuple[float, Any]] = []
        self.reply: Reply | None = None
        self.error: Exception | None = None
        self.spans: list[tuple[str, int, int, Any]] = []
        self._tools, self._tape, self._provider, self._call = tools, tape, provider, call

    async def main(self, loop: VirtualLoop) -> None:
        start, recorder = loop.time(), Recorder(loop)
        call = self._tools.call(recorder, **self._call)
        call.on_text = lambda text: self.said.append((loop.time() - start, text))
        call.on_headers = lambda *head: self.said.append((loop.time() - start, head))
        model = self._tape.around(NAME, lambda: self._provider)  # type: ignore[arg-type,return-value]
        try:
            self.reply = await model.generate(self._tools.ask(), call)
        except KonsehoError as error:
            self.error = error
        self.took_s = loop.time() - start
        self.spans = [
            (span.kind, span.start, span.end, span.attributes.get("error"))
            for span in recorder.spans
        ]


def record(tools: Any, file: Path, *providers: Model, secrets: tuple[str, ...] = ()) -> list[Heard]:
    """Record calls of agents a0, a1, …, each after the other."""
    heard: list[Heard] = []

    async def main(loop: VirtualLoop) -> None:
        recording = Recording(file, Redactor(*secrets))
        recording.begin(HEADER, loop.now(), lambda error: None)
        for number, provider in enumerate(providers):
            heard.append(Heard(tools, Tape(recording=recording), provider, agent=f"a{number}"))
            await heard[-1].main(loop)
        recording.close()

    run_virtual(main)
    return heard


def replay(tools: Any, file: Path, agent: str = "a0", **tape: Any) -> Heard:
    playback = Playback(read_cassette(file), Redactor())
    behind = tape.pop("behind", None)
    heard = Heard(tools, Tape(playback=playback, **tape), behind, agent=agent)
    run_virtual(heard.main)
    return heard


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def test_a_replay_says_the_same_at_the_same_time_in_the_same_phases(tools: Any, file: Path) -> None:
    (first,) = record(tools, file, Speaking("one ", "two"))
    again = replay(tools, file)
    assert again.reply == first.reply
    assert again.spans == first.spans
    assert [kind for kind, *_ in again.spans] == ["connect", "ttft", "stream"]
    assert again.took_s == first.took_s
    assert [text for _, text in again.said[1:]] == ["one ", "two"]
    assert [at for at, _ in again.said] == pytest.approx([at for at, _ in first.said])


def test_only_the_headers_that_limits_read_are_on_it(tools: Any, file: Path) -> None:
    record(tools, file, Speaking("hi"))
    at, (status, headers) = replay(tools, file).said[0]
    assert (at, status) == (0.75, 200)
    assert headers == {"retry-after": "2", "x-ratelimit-limit-requests": "9"}
    assert SECRET.encode() not in file.read_bytes()


@pytest.mark.parametrize("pieces", [(), ("half an ",)], ids=["at once", "in the midst"])
def test_a_failure_is_raised_again_with_all_that_it_said(
    tools: Any, file: Path, pieces: tuple[str, ...]
) -> None:
    error = ModelUnavailable(
        "m: 503: busy", hint="wait", status=503, retry_after_s=2.5, partial="".join(pieces)
    )
    (first,) = record(tools, file, Speaking(*pieces, error=error))
    again = replay(tools, file)
    assert type(again.error) is ModelUnavailable
    assert vars(again.error) == vars(error)
    assert (again.spans, again.took_s) == (first.spans, first.took_s)
    assert again.spans[-1][3] == "ModelUnavailable"


def test_a_key_split_over_pieces_is_hidden_and_the_pieces_keep_their_times(
    tools: Any, file: Path
) -> None:
    pieces = ("the key: ", SECRET[:9], SECRET[9:], " is it")
    record(tools, file, Speaking(*pieces), secrets=(SECRET,))
    data = file.read_bytes()
    assert SECRET.encode() not in data
    assert SECRET[9:].encode() not in data
    again = replay(tools, file)
    assert "".join(text for _, text in again.said[1:]) == "the key: *** is it"
    assert again.reply is not None
    assert again.reply.text == "the key: *** is it"


def test_a_key_in_an_error_is_hidden(tools: Any, file: Path) -> None:
    error = ModelRefused(f"no: {SECRET}", hint=f"{SECRET}?", status=401, partial=SECRET)
    record(tools, file, Speaking(error=error), secrets=(SECRET,))
    assert SECRET.encode() not in file.read_bytes()
    assert str(replay(tools, file).error) == "no: ***"


def test_what_was_cut_off_waits_to_be_cut_off_again(tools: Any, file: Path) -> None:
    async def main(loop: VirtualLoop) -> None:
        recording = Recording(file, Redactor())
        recording.begin(HEADER, loop.now(), lambda error: None)
        heard = Heard(tools, Tape(recording=recording), Speaking("one", "two"), agent="a0")
        task = asyncio.ensure_future(heard.main(loop))
        await asyncio.sleep(1.375)
        task.cancel()
        await asyncio.wait([task])
        recording.close()

    run_virtual(main)
    stopped: list[Any] = []
    playback = Playback(read_cassette(file), Redactor())
    tape = Tape(playback=playback)
    tape.stop = stopped.append
    heard = Heard(tools, tape, None, agent="a0")

    async def again(loop: VirtualLoop) -> bool:
        task = asyncio.ensure_future(heard.main(loop))
        await asyncio.sleep(1.375 + PATIENCE_S / 2)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run_virtual(again)
    assert [text for _, text in heard.said[1:]] == ["one"]
    assert not stopped
    uncut = replay(tools, file)
    assert isinstance(uncut.error, ReplayMiss)
    assert "it was cut off after 1.4 s when it was recorded" in str(uncut.error)
    assert uncut.took_s == pytest.approx(1.375 + PATIENCE_S)


def test_at_another_pace_all_of_it_scales(tools: Any, file: Path) -> None:
    (first,) = record(tools, file, Speaking("one", "two"))
    twice = replay(tools, file, pace=2.0)
    assert twice.took_s == pytest.approx(first.took_s / 2)
    at_once = replay(tools, file, pace=None)
    assert (at_once.took_s, at_once.reply) == (0, first.reply)
    assert [text for _, text in at_once.said] == [text for _, text in twice.said]


def test_a_missed_call_ends_the_run_and_is_no_failure_of_a_model(tools: Any, file: Path) -> None:
    record(tools, file, Speaking("hi"))
    stopped: list[Any] = []
    tape = Tape(playback=Playback(read_cassette(file), Redactor()))
    tape.stop = stopped.append
    heard = Heard(tools, tape, None, agent="a0")
    heard._tools = type("Changed", (), {"call": tools.call, "ask": lambda: tools.ask("changed")})
    run_virtual(heard.main)
    assert isinstance(heard.error, ReplayMiss)
    assert "-hello\n+changed" in str(stopped[0])
    assert "\n" not in str(heard.error)


def test_a_missed_call_may_go_to_a_model(tools: Any, file: Path) -> None:
    record(tools, file, Speaking("hi"))
    behind = tools.Scripted(["from the network"])
    heard = replay(tools, file, miss="call", behind=behind)
    assert heard.reply is not None
    assert heard.reply.text == "hi"
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    heard = replay(tools, file, miss="call", behind=behind)
    assert heard.reply is not None
    assert heard.reply.text == "from the network"


def test_no_model_is_made_where_none_may_be_asked(tools: Any, file: Path) -> None:
    record(tools, file, Speaking("hi"))
    playback = Playback(read_cassette(file), Redactor())

    def make() -> Model:
        raise AssertionError("a replay needs no provider")

    Tape(playback=playback).around(NAME, make)
    with pytest.raises(AssertionError):
        Tape(playback=playback, miss="call").around(NAME, make)


def test_a_hedge_that_was_not_recorded_only_fails(tools: Any, file: Path) -> None:
    record(tools, file, Speaking("hi"))

    async def main(loop: VirtualLoop) -> None:
        tape = Tape(playback=Playback(read_cassette(file), Redactor()))
        tape.stop = pytest.fail  # type: ignore[assignment]
        call = tools.call(Recorder(loop), agent="a0")
        call.identity = type(call.identity)(step="s", agent="a0", hedge=1)
        model = tape.around(NAME, lambda: tools.Scripted([]))
        with pytest.raises(ModelUnavailable, match="this hedge was not recorded"):
            await model.generate(tools.ask(), call)

    run_virtual(main)


def test_a_replay_can_be_recorded(tools: Any, file: Path, tmp_path: Path) -> None:
    record(tools, file, Speaking("one", "two"))
    copy = tmp_path / "copy.jsonl"

    async def main(loop: VirtualLoop) -> None:
        recording = Recording(copy, Redactor())
        recording.begin(HEADER, loop.now(), lambda error: None)
        playback = Playback(read_cassette(file), Redactor())
        tape = Tape(playback=playback, recording=recording)
        await Heard(tools, tape, None, agent="a0").main(loop)
        tape.close()

    run_virtual(main)
    assert copy.read_bytes() == file.read_bytes()
