"""py-spy: what it writes, what it refuses, and a process that it looks at."""

from __future__ import annotations

import ctypes
import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from konseho_cli.core.errors import KonsehoError, NotMeasured, UsageError
from konseho_cli.profiling.recorders import py_spy
from konseho_cli.profiling.recorders.py_spy import (
    Sampling,
    of_run,
    read_samples,
    record_command,
    refused,
)
from konseho_cli.profiling.sampled import Frame, Samples, Stack

SPEEDSCOPE = {
    "$schema": "https://www.speedscope.app/file-format-schema.json",
    "profiles": [
        {
            "type": "sampled", "name": 'Thread 7 "MainThread"', "unit": "seconds", "startValue": 0,
            "endValue": 0.04, "samples": [[0, 1], [0, 1], [0], []], "weights": [0.01] * 4,
        },
        {
            "type": "sampled", "name": 'Thread 8 ""', "unit": "seconds", "startValue": 0,
            "endValue": 0.01, "samples": [[2]], "weights": [0.01],
        },
    ],
    "shared": {
        "frames": [
            {"name": "main", "file": "a.py", "line": 3, "col": None},
            {"name": "spin", "file": "a.py", "line": 1},
            {"name": "idle", "file": "b.py"},
        ]
    },
}  # fmt: skip


def test_equal_stacks_are_counted_and_empty_ones_are_none(tmp_path: Path) -> None:
    file = tmp_path / "a.speedscope.json"
    file.write_text(json.dumps(SPEEDSCOPE))
    samples = read_samples(file, Sampling(rate=50, idle=True))
    assert samples.total == 4
    assert (samples.rate, samples.idle, samples.gil, samples.file) == (50, True, False, file.name)
    assert [(stack.frames, stack.samples, stack.thread) for stack in samples.stacks] == [
        ((0,), 1, "MainThread"), ((0, 1), 2, "MainThread"), ((2,), 1, "Thread 8"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(KonsehoError, match="is not what py-spy writes"):
        read_samples(file, Sampling())


def test_start_up_and_the_frames_around_a_run_are_left_out() -> None:
    names = ("main", "import", "Child._run", "work", "worker")
    files = ("a.py", "b.py", "konseho_cli/profiling/recorders/child.py", "c.py", "d.py")
    samples = Samples(
        rate=100, idle=False, gil=False,
        frames=tuple(Frame(name=n, file=f, line=1) for n, f in zip(names, files, strict=True)),
        stacks=(
            Stack(frames=(0, 1), samples=50, thread="main"),
            Stack(frames=(0, 2, 3), samples=7, thread="main"),
            Stack(frames=(0, 2), samples=1, thread="main"),
            Stack(frames=(4,), samples=2, thread="store_0"),
        ),
    )  # fmt: skip
    found = of_run(samples)
    assert {stack.frames: stack.samples for stack in found.stacks} == {(3,): 7, (4,): 2}


def test_the_command_says_what_was_asked_for(tmp_path: Path) -> None:
    how = Sampling(rate=250, gil=True, idle=True, subprocesses=True)
    command = record_command(how, tmp_path / "x.json", "--pid", "7")
    assert command[command.index("--rate") + 1] == "250"
    assert {"--gil", "--idle", "--subprocesses"} <= {*command}
    assert command[-2:] == ["--pid", "7"]
    assert not {"--gil", "--idle", "--subprocesses"} & {*record_command(Sampling(), tmp_path)}


def test_a_refusal_is_told_in_a_line_with_the_way_out() -> None:
    said = (
        "Error: Failed to suspend process\n\nCaused by:\n    0: EPERM: Operation not permitted\n"
        "    1: EPERM: Operation not permitted\n\nStack backtrace:\n   0: anyhow::context\n"
    )
    error = refused(said)
    assert error.exit_code == 4
    assert str(error).endswith("Failed to suspend process: EPERM: Operation not permitted")
    assert error.hint is not None
    assert "--cpu needs no permission" in error.hint
    assert refused("Error: something else\n").hint is None


FORBIDDING = """
import ctypes, struct, subprocess, sys
ptrace, readv = NUMBERS
program = b"".join(struct.pack("HBBI", *line) for line in (
    (0x20, 0, 0, 0), (0x15, 1, 0, ptrace), (0x15, 0, 1, readv), (0x06, 0, 0, 0x00050001),
    (0x06, 0, 0, 0x7FFF0000),
))
held = ctypes.create_string_buffer(program)
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]
wanted = Filter(5, ctypes.addressof(held))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(wanted), 0, 0) == 0
from pathlib import Path
from konseho_cli.core.errors import NotMeasured
from konseho_cli.profiling.recorders.py_spy import check_allowed
try:
    check_allowed(Path(sys.argv[1]))
except NotMeasured as error:
    print(error, error.hint, sep="\\n")
"""
"""A filter of system calls as containers have one: ptrace and process_vm_readv are refused."""
NUMBERS = {"x86_64": (101, 310), "aarch64": (117, 270)}


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in NUMBERS or not ctypes.sizeof(ctypes.c_int),
    reason="the filter is of Linux, and its numbers are of a processor",
)
def test_a_container_that_forbids_ptrace_is_told_apart(tmp_path: Path) -> None:
    script = FORBIDDING.replace("NUMBERS", str(NUMBERS[platform.machine()]))
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    reason, hint = done.stdout.splitlines()
    assert reason.startswith("py-spy may not look at other processes here: ")
    assert "SYS_PTRACE" in hint
    assert not [*tmp_path.iterdir()]


def _allowed(folder: Path) -> None:
    try:
        py_spy.check_allowed(folder)
    except NotMeasured as error:
        pytest.skip(str(error))


SPINNING = "import sys\ndef spin():\n    while True: sum(range(1000))\nprint(1, flush=True)\nspin()"


def test_a_process_that_runs_is_looked_at(tmp_path: Path) -> None:
    _allowed(tmp_path)
    with subprocess.Popen([sys.executable, "-c", SPINNING], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            samples = py_spy.sample_process(process.pid, 1, Sampling(), tmp_path / "a.json")
        finally:
            process.kill()
    assert samples.total > 10
    assert "spin" in {samples.frames[stack.frames[-1]].name for stack in samples.stacks}
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o600


def test_a_process_that_is_not_there_is_said_not_to_be(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    with pytest.raises(UsageError, match="there is no process"):
        py_spy.sample_process(gone.pid, 1, Sampling(), tmp_path / "a.json")


def test_without_py_spy_the_way_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *a, **k: None)
    with pytest.raises(NotMeasured) as raised:
        py_spy.program()
    assert raised.value.hint == "pip install py-spy"
