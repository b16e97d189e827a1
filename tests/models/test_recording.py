"""What is written while a run goes on, and what happens when it cannot be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.core.errors import KonsehoError, ModelUnavailable
from konseho_cli.models.base import Identity, Message, Reply, Request
from konseho_cli.models.cassette import Attempt, Header, request_hash
from konseho_cli.models.cassette_file import read_cassette
from konseho_cli.models.journal import Kept
from konseho_cli.models.recording import Recording
from konseho_cli.models.redact import Redactor

HEADER = Header(konseho_cassette=1, version="0", council="c", run="r", seed=7, started=1.0)
WHO = Identity(step="s", agent="a")
ASKED = Request(model="m", messages=(Message("user", "hello"),))
REPLY = Reply(text="hi", model="openai:m")


def begun(path: Path, *secrets: str, stop: Any = None) -> Recording:
    recording = Recording(path, Redactor(*secrets))
    recording.begin(HEADER, 100, stop or (lambda error: None))
    return recording


def attempt() -> Attempt:
    return Attempt(
        identity=WHO.parts(), hash=request_hash(ASKED), model="openai:m", request=ASKED,  # type: ignore[arg-type]
        start=0, duration=5, reply=REPLY,
    )  # fmt: skip


def test_an_answer_that_attempts_explain_does_not_repeat_the_request(tmp_path: Path) -> None:
    recording = begun(tmp_path / "run.jsonl")
    recording.attempt(Identity(step="s", agent="a", attempt=1), attempt())
    recording.answer(WHO, ASKED, Kept(reply=REPLY), 150, 250)
    recording.answer(Identity(step="s", agent="b"), ASKED, Kept(reply=REPLY, source="cache"), 0, 9)
    explained, given = read_cassette(tmp_path / "run.jsonl").answers
    assert (explained.start, explained.duration, explained.request) == (50, 100, None)
    assert (given.source, given.request) == ("cache", ASKED)
    recording.close()


def test_a_failure_is_kept_only_where_no_attempt_explains_it(tmp_path: Path) -> None:
    recording = begun(tmp_path / "run.jsonl")
    failed = Kept(error=ModelUnavailable("the first of them failed"))
    recording.answer(WHO, ASKED, failed, 100, 200)
    recording.attempt(WHO, attempt())
    recording.answer(WHO, ASKED, failed, 100, 200)
    (answer,) = read_cassette(tmp_path / "run.jsonl").answers
    assert answer.failure is not None
    assert answer.failure.message == "the first of them failed"
    recording.close()


def test_a_call_that_was_cancelled_says_so_and_holds_its_request_where_nobody_was_asked(
    tmp_path: Path,
) -> None:
    recording = begun(tmp_path / "run.jsonl")
    recording.dropped(WHO, ASKED, 100, 200)
    recording.attempt(WHO, attempt())
    recording.dropped(WHO, ASKED, 100, 200)
    waiting, asked = read_cassette(tmp_path / "run.jsonl").answers
    assert (waiting.cancelled, waiting.duration, waiting.request) == (True, 100, ASKED)
    assert (asked.cancelled, asked.request) == (True, None)
    recording.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_disk_that_is_full_ends_the_run_once(tmp_path: Path) -> None:
    stopped: list[KonsehoError] = []
    recording = begun(tmp_path / "run.jsonl", stop=stopped.append)
    full = os.open("/dev/full", os.O_WRONLY)
    assert recording._writer is not None
    os.close(recording._writer._file)
    recording._writer._file = full
    for _ in range(2):
        recording.attempt(WHO, attempt())
    assert [str(error).partition(" could")[2] for error in stopped] == [
        " not be written: No space left on device"
    ]


def test_nothing_is_written_before_it_begins_or_after_its_end(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    recording = Recording(path, Redactor())
    recording.attempt(WHO, attempt())
    assert not path.exists()
    recording.begin(HEADER, 0, lambda error: None)
    recording.close()
    recording.close()
    recording.attempt(WHO, attempt())
    assert read_cassette(path).attempts == ()
