"""`konseho run --record` and `--replay`, as a person or a script uses them."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import structs

from konseho_cli.models.cassette import Attempt, decode_record, encode, request_hash
from konseho_cli.models.redact import Redactor

MODULES_OF_A_REPLAY = """
import sys
from konseho_cli.cli.main import invoke
status = invoke(sys.argv[1:])
print(sorted({name.partition(".")[0] for name in sys.modules} & {"aiohttp", "httpx", "yarl"}))
raise SystemExit(status)
"""


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def outcome(text: str) -> dict:
    told = json.loads(text)
    return {name: told[name] for name in ("answer", "status", "duration_s", "calls", "steps")}


def test_a_replay_at_once_is_the_same_every_time(konseho, council, tape):
    file = council(model='model: "sim:flaky"')
    file.write_text(file.read_text().replace("sim:flaky", "sim:fast,errors=0.3"))
    first = konseho("run", file, "--record", tape, "--json", "--seed", 5)
    assert first.status == 0
    assert stat.S_IMODE(tape.stat().st_mode) == 0o600
    again = [konseho("run", file, "--replay", tape, "--replay-speed", 0, "--json") for _ in "ab"]
    assert [each.status for each in again] == [0, 0]
    one, other = (outcome(each.out) for each in again)
    assert one == other
    assert one["answer"] == outcome(first.out)["answer"]
    assert f"replayed from {tape}" in again[0].err


def test_a_replay_imports_no_http_client_and_needs_no_key(konseho, council, tape):
    file = council()
    konseho("run", file, "--record", tape)
    tape.write_bytes(b"".join(as_if_by_openai(tape.read_bytes().splitlines(keepends=True))))
    file.write_text(file.read_text().replace("sim:instant", "openai:gpt-5-mini"))
    done = subprocess.run(
        [sys.executable, "-c", MODULES_OF_A_REPLAY, "run", str(file), "--replay", str(tape)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), done.stderr
    assert "simulated" not in done.stderr.partition("\n")[0]


def as_if_by_openai(lines: list[bytes]) -> Iterator[bytes]:
    """The same cassette, but `openai:gpt-5-mini` was asked."""
    header, *rest = lines
    yield header
    for line in rest:
        record = decode_record(line)
        if isinstance(record, Attempt):
            request = structs.replace(record.request, model="gpt-5-mini")
            record = structs.replace(
                record, model="openai:gpt-5-mini", request=request, hash=request_hash(request)
            )
        yield encode(record, Redactor())


def test_a_changed_prompt_says_what_changed_with_status_2(konseho, council, tape):
    file = council()
    konseho("run", file, "--record", tape)
    ran = konseho("run", file, "Say nothing.", "--replay", tape)
    assert (ran.status, ran.out) == (2, "")
    assert "-Say something.\n+Say nothing." in ran.err
    assert "--replay-miss call" in ran.err
    assert ran.err.count("+Say nothing.") == 1
    assert (
        konseho("run", file, "Say nothing.", "--replay", tape, "--replay-miss", "call").status == 0
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", "the file is empty"),
        ("hello", "1: this is no cassette"),
        ('{"konseho_cassette": 9}\n', "a cassette of version 9"),
    ],
)
def test_garbage_is_refused_with_status_2(konseho, council, tape, data, says):
    tape.write_text(data)
    ran = konseho("run", council(), "--replay", tape)
    assert ran.status == 2
    assert says in ran.err


def test_a_run_that_is_kept_is_replayed_by_its_id(konseho, council):
    first = konseho("run", council())
    again = konseho("run", council(), "--replay", "last", "--replay-speed", "0")
    assert (again.status, again.out) == (0, first.out)
    assert "replayed from run " in again.err
    ran = konseho("run", council(), "--replay", "zzz")
    assert ran.status == 2
    assert "no run 'zzz' is kept" in ran.err


def test_a_file_that_is_replayed_is_not_recorded_to(konseho, council, tape):
    konseho("run", council(), "--record", tape)
    before = tape.read_bytes()
    ran = konseho("run", council(), "--replay", tape, "--record", tape)
    assert ran.status == 2
    assert tape.read_bytes() == before


def test_a_gate_decides_in_a_replay(konseho, council, tape):
    file = council('gate: "{{ false }}"')
    assert konseho("run", file, "--record", tape).status == 1
    assert konseho("run", file, "--replay", tape, "--replay-speed", 0).status == 1


def test_text_streams_from_a_cassette(konseho, council, tape):
    file = council()
    first = konseho("run", file, "--record", tape, "--stream")
    again = konseho("run", file, "--replay", tape, "--stream", "--replay-speed", 2)
    assert again.out == first.out


PATIENCE_S = 20


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_run_that_is_killed_leaves_a_cassette_that_can_be_used(konseho, tape, half_done):
    process = subprocess.Popen(
        [sys.executable, "-m", "konseho_cli", "run", str(half_done), "--record", str(tape)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _until(lambda: tape.exists() and b'"answer"' in tape.read_bytes())
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    ran = konseho("run", half_done, "--replay", tape, "--json")
    assert ran.status == 2
    assert "step 'open', agent 'ann', turn 1" in ran.err
    told = json.loads(ran.out)
    assert told["steps"][0]["status"] == "ok"
