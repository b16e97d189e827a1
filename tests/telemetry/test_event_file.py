"""Events in a file: every one, in order, for its owner alone, and never at the cost of the run."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.models.redact import HIDDEN, Redactor
from konseho_cli.telemetry.event_file import EventFile
from konseho_cli.telemetry.events import (
    AskFinished,
    AskRetried,
    Event,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgressed,
    TextArrived,
    Warned,
)
from konseho_cli.version import __version__

KEY = "sk-0123456789abcdef"
START = RunStarted(at=1_000, run="r1", council="small", steps=("a",), models=("sim",))
END = RunFinished(at=9_000, run="r1", status="ok")


def made(path: Path, **more: Any) -> EventFile:
    return EventFile(path, Redactor(KEY), lambda: 12.5, **more)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def written(path: Path, *events: Event) -> list[dict[str, Any]]:
    file = made(path)
    for event in events:
        file([event])
    file.close()
    assert file.warnings == ()
    return lines(path)[1:]


def finished(call: int, **more: Any) -> AskFinished:
    told: dict[str, Any] = {
        "at": 5_000, "step": "a", "agent": "ann", "call": call, "status": "ok", "input_tokens": 3,
        "output_tokens": 2, "model": "sim", "cost": Decimal("0.0015"), "error": "",
    }  # fmt: skip
    return AskFinished(**{**told, **more})


def piece(text: str, at: int = 2_000) -> TextArrived:
    return TextArrived(at=at, step="a", agent="ann", call=1, text=text)


def test_a_header_then_a_line_for_each_event_with_times_since_the_run_began(tmp_path: Path) -> None:
    file = made(tmp_path / "e.jsonl")
    file([START, finished(1), END])
    file.close()
    assert lines(tmp_path / "e.jsonl") == [
        {"konseho_events": 1, "version": __version__, "run": "r1", "council": "small",
         "started": 12.5},
        {"event": "run_started", "at": 0, "run": "r1", "council": "small", "steps": ["a"],
         "models": ["sim"]},
        {"event": "ask_finished", "at": 4_000, "step": "a", "agent": "ann", "call": 1,
         "status": "ok", "input_tokens": 3, "output_tokens": 2, "model": "sim", "cost": 0.0015,
         "error": "", "source": "model"},
        {"event": "run_finished", "at": 8_000, "run": "r1", "status": "ok"},
    ]  # fmt: skip


def test_only_the_owner_may_read_it_even_if_it_was_there(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    written(path, START)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    assert len(written(path, START, END)) == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_of_events_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "council.yaml"
    path.write_text("konseho: 1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already, and is no file of events"):
        made(path)
    assert path.read_text(encoding="utf-8") == "konseho: 1\n"


@pytest.mark.parametrize("place", ["missing/e.jsonl", ".", "a\0b"])
def test_a_file_that_cannot_be_written_is_found_before_the_run(tmp_path: Path, place: str) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        made(Path(f"{tmp_path}/{place}"))


def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError) as caught:
        made(tmp_path / "pipe")
    assert caught.value.hint == "nobody reads that pipe yet"


# ------------------------------------------------------------------------------ secrets


def test_no_key_reaches_it_in_whichever_field(tmp_path: Path) -> None:
    said = written(
        tmp_path / "e.jsonl",
        START,
        finished(1, error=f"refused {KEY}"),
        Warned(at=3_000, message=KEY),
        StepFinished(at=3_000, step="a", status="failed", reasons=(f"it said {KEY}",)),
        AskRetried(at=3_000, step="a", agent="ann", call=2, reason=KEY, wait_s=1.0),
    )
    assert KEY not in json.dumps(said)
    assert json.dumps(said).count(HIDDEN) == 4


@pytest.mark.parametrize("cut", range(1, len(KEY)))
def test_no_key_reaches_it_split_between_pieces(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "e.jsonl"
    said = written(
        path, START, piece(f"It is {KEY[:cut]}"), piece(f"{KEY[cut:]}. Also sk-0"), finished(1)
    )
    texts = [line["text"] for line in said if line["event"] == "text_arrived"]
    assert "".join(texts) == f"It is {HIDDEN}. Also sk-0"
    assert said[-1]["event"] == "ask_finished"  # what was held back comes before it


# ------------------------------------------------------------------------------ slow and broken


def read_all(pipe: Path, into: list[bytes]) -> Thread:
    reader = Thread(target=lambda: into.append(pipe.read_bytes()))
    reader.start()
    return reader


def test_a_hundred_thousand_events_arrive_in_order_through_a_pipe(tmp_path: Path) -> None:
    pipe, found = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    keeper = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # reads nothing: the pipe fills up
    file = made(pipe)
    file([START])
    for first in range(0, 100_000, 100):
        file([StepProgressed(at=at, step="a", note="") for at in range(first, first + 100)])
    reader = read_all(pipe, found)  # only now does anybody read
    file.close()
    os.close(keeper)
    reader.join()
    read = [json.loads(line) for line in found[0].splitlines()]
    assert [line["at"] + 1_000 for line in read[2:]] == list(range(100_000))
    assert file.warnings == ()


def test_what_nobody_reads_is_given_up_beyond_its_bound(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    keeper = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    file = made(pipe, buffer=1 << 20, stall_s=0)
    note = StepProgressed(at=0, step="a", note="x" * 100_000)
    with pytest.raises(KonsehoError, match=r"is cut short: it fell behind by more than 1\.0 MiB"):
        list(map(file, [[note]] * 100))
    file.close()  # and does not hang
    os.close(keeper)


def test_a_reader_that_stopped_is_not_waited_for_at_the_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    keeper = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    file = made(pipe, stall_s=0)
    file([StepProgressed(at=0, step="a", note="x" * 1_000_000)])
    file.close()
    assert len(file.warnings) == 1
    assert "is cut short: it took nothing for" in file.warnings[0]
    os.close(keeper)


def test_a_full_disk_is_named_once(tmp_path: Path) -> None:
    file = made(Path("/dev/full"))
    file([START])
    file.close()
    assert file.warnings == ("/dev/full could not be written: No space left on device",)
    with pytest.raises(KonsehoError, match="No space left"):
        file([END])
    assert file.warnings == ()  # whoever detached it has said it


def test_half_a_pair_is_no_error(tmp_path: Path) -> None:
    events: Sequence[Event] = (START, Warned(at=2_000, message="\ud83d"), piece("\ud83d ok"), END)
    said = written(tmp_path / "e.jsonl", *events)
    assert [line["event"] for line in said][-1] == "run_finished"
    assert said[1]["message"] == "?"
