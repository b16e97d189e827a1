from __future__ import annotations

import os
import select
import signal
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.program import Bounded, Ended, Program

PLAIN = {"PATH": os.defpath}


def run(folder: Path, code: str, **options: object) -> Ended:
    program = Program([sys.executable, "-I", "-S", "-c", code], cwd=folder, env=PLAIN, **options)  # type: ignore[arg-type]
    return program.run()


def dies(pid: int) -> bool:
    """Whether it ends soon, or has: who was killed needs a moment for it."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], 30)[0])
    finally:
        os.close(fd)


@given(st.lists(st.binary(max_size=40)), st.integers(2, 64))
def test_what_is_kept_is_the_beginning_and_the_end(pieces: list[bytes], limit: int) -> None:
    stream, whole = Bounded(limit), b"".join(pieces)
    for piece in pieces:
        stream.feed(piece)
    kept = min(len(whole), limit)
    assert stream.cut == len(whole) - kept
    head, tail = bytes(stream._head), bytes(stream._tail)
    assert len(head) + len(tail) == kept
    assert whole.startswith(head)
    assert whole.endswith(tail)


def test_it_gives_what_was_written_and_how_it_ended(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    ended = run(tmp_path, code)
    assert (ended.status, ended.output, ended.errors, ended.cut) == (3, "out\n", "err\n", 0)


def test_without_anything_to_read_it_reads_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "import sys; print(repr(sys.stdin.read()))").output == "''\n"


def test_it_is_fed_more_than_a_pipe_holds(tmp_path: Path) -> None:
    much = b"x" * 300_000
    code = "import sys; print(len(sys.stdin.read()))"
    assert run(tmp_path, code, stdin=much).output == "300000\n"


def test_one_that_does_not_read_is_not_waited_for(tmp_path: Path) -> None:
    assert run(tmp_path, "print('done')", stdin=b"x" * 300_000).output == "done\n"


def test_much_output_is_cut_in_the_middle_and_said_so(tmp_path: Path) -> None:
    code = "import sys\nfor _ in range(300): sys.stdout.write('ab' * 5000)\nprint('END')"
    ended = run(tmp_path, code, limit=1000)
    assert ended.cut == 3_000_004 - 1000
    assert ended.output.startswith("abab")
    assert ended.output.endswith("END\n")
    assert len(ended.output) < 1100


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    ended = run(tmp_path, "import os; os.write(1, b'a\\xff\\x00b')")
    assert ended.output == "a�\0b"


def test_one_that_is_late_is_ended(tmp_path: Path) -> None:
    ended = run(tmp_path, "import time; print('on', flush=True); time.sleep(60)", timeout_s=0.3)
    assert ended.late
    assert ended.status == -signal.SIGTERM


def test_one_that_ignores_the_request_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("konseho_cli.core.program.GRACE_S", 0.1)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('on', flush=True); time.sleep(60)"
    )
    assert run(tmp_path, code, timeout_s=0.5).status == -signal.SIGKILL


def test_one_that_closes_its_output_is_still_waited_for(tmp_path: Path) -> None:
    code = "import os, sys, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(7)"
    assert run(tmp_path, code).status == 7


def test_what_it_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    """A child that holds the pipe would hold us, too."""
    code = (
        "import os, time\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    time.sleep(60)\n"
        "print(pid, flush=True)\n"
        "os._exit(0)"
    )
    ended = run(tmp_path, code)
    assert ended.status == 0
    assert dies(int(ended.output))


def test_a_daemon_that_holds_the_pipe_does_not_hold_us(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os.setsid()\n"
        "    time.sleep(60)\n"
        "print(pid, flush=True)\n"
        "time.sleep(0.1)\n"
        "os._exit(0)"
    )
    ended = run(tmp_path, code)
    assert ended.status == 0
    os.kill(
        int(ended.output), signal.SIGKILL
    )  # there it is still; it left the group, which is more than we can see


def test_it_is_ended_from_another_thread(tmp_path: Path) -> None:
    program = Program([sys.executable, "-c", "import time; time.sleep(60)"], cwd=tmp_path, env={})
    found: list[Ended] = []
    thread = threading.Thread(target=lambda: found.append(program.run()))
    thread.start()
    program.end()
    thread.join(20)
    assert found[0].status < 0
    program.end()  # nothing is left of it


def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Program([str(tmp_path / "nothing")], cwd=tmp_path, env={}).run()
    with pytest.raises(ValueError, match="null"):
        Program([sys.executable, "\0"], cwd=tmp_path, env={}).run()


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    def count() -> int:
        return len(os.listdir("/dev/fd"))

    run(tmp_path, "pass")
    before = count()
    for _ in range(5):
        run(tmp_path, "print(1)", stdin=b"x", timeout_s=30)
    assert count() == before
