from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

PATIENCE_S = 20
"""So long may the machine take; no test waits for it to pass."""


LEADER = """
import signal, subprocess, sys
child = subprocess.Popen(sys.argv[1:])
signal.signal(signal.SIGINT, lambda *_: None)
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: child.send_signal(number))
print(f"status={child.wait()}.", flush=True)
sys.stdin.read()
"""
"""Leads the terminal's session: when a leader ends, what nobody has read yet is thrown away."""


class Terminal:
    """A process on a terminal of its own: what it shows, what is typed."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.screen = screen
        self.seen = ""

    def until(self, is_there: Callable[[str], object]) -> str:
        """Read until something is shown; all that was seen."""
        while not is_there(self.seen):
            assert select.select([self.screen], [], [], PATIENCE_S)[0], self.seen
            assert self._read(), f"ended before that: {self.seen}"
        return self.seen

    def to_the_end(self) -> int:
        """Read until the process ends; its status."""
        self.until(lambda seen: re.search(r"status=-?\d+\.", seen))
        self.seen, _, status = self.seen.rpartition("status=")
        return int(status.partition(".")[0])

    def press(self, keys: bytes) -> None:
        os.write(self.screen, keys)

    def _read(self) -> bool:
        try:
            data = os.read(self.screen, 65536)
        except OSError:  # Linux: the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def terminal(
    *arguments: object,
    width: int = 100,
    command: Sequence[str] = ("-m", "konseho_cli"),
    **env: str,
) -> Iterator[Terminal]:
    """`konseho …` on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-Ic", LEADER, sys.executable, *command, *map(str, arguments)],
        stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env={**os.environ, "TERM": "xterm-256color", **env},
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_terminal_sees_the_tree_live_then_the_summary_and_the_answer_last(council):
    with terminal("run", council()) as screen:
        assert screen.to_the_end() == 0
        seen = screen.seen
    assert "\x1b[?25l" in seen, "the cursor is hidden while it draws"
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l"), "and comes back"
    assert "of 2 steps" in seen
    assert seen.index("✔") < seen.rindex("[simulated] ")
    assert seen.rstrip().endswith(".")


def test_ctrl_c_ends_the_run_and_keeps_what_is_finished(half_done):
    with terminal("run", half_done) as screen:
        screen.until(lambda seen: "1 of 2 steps" in seen)
        screen.press(b"\x03")
        assert screen.to_the_end() == 130
        assert "interrupted" in screen.seen
        assert "--- done/bob ---" in screen.seen
        assert "Traceback" not in screen.seen


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_do_the_same_under_their_own_status(half_done, number, status):
    with terminal("run", half_done) as screen:
        screen.until(lambda seen: "1 of 2 steps" in seen)
        screen.process.send_signal(number)
        assert screen.to_the_end() == status
        assert "--- done/bob ---" in screen.seen


STUBBORN = """
import asyncio
from konseho_cli.cli.watching import Screen, conduct
from konseho_cli.core import signals

signals.SAME_SIGNAL_S = APART

class Stubborn:
    async def run(self, subscriptions):
        print("running", flush=True)
        await asyncio.sleep(300)

    def interrupt(self, signal):
        print("asked to stop by", signal, flush=True)

conduct(Stubborn(), Screen(quiet=True), None)
"""


def test_a_second_ctrl_c_ends_even_a_run_that_does_not_stop():
    with terminal(command=("-c", STUBBORN.replace("APART", "0"))) as screen:
        screen.until(lambda seen: "running" in seen)
        screen.press(b"\x03")
        screen.until(lambda seen: "asked to stop by SIGINT" in seen)
        screen.press(b"\x03")
        assert screen.to_the_end() == 130
        assert screen.seen.rstrip().endswith("\x1b[?25h"), "the cursor is there again"


def test_the_same_signal_twice_at_once_is_one():
    """`timeout` sends it to the process and to its group."""
    script = STUBBORN.replace("APART", "1e9").replace("sleep(300)", "sleep(1)")
    with terminal(command=("-c", script)) as screen:
        screen.until(lambda seen: "running" in seen)
        screen.press(b"\x03")
        screen.until(lambda seen: "asked to stop by SIGINT" in seen)
        screen.press(b"\x03")
        assert screen.to_the_end() == 0


IGNORING = """
import asyncio, signal
from konseho_cli.cli.watching import Screen, conduct
from konseho_cli.core.signals import SIGNALS

class Hit:
    async def run(self, subscriptions):
        for number in SIGNALS:
            signal.raise_signal(number)
            await asyncio.sleep(0)
        print("went on")

    def interrupt(self, signal):
        print("asked to stop by", signal)

for number in SIGNALS:
    signal.signal(number, signal.SIG_IGN)
conduct(Hit(), Screen(quiet=True), None)
"""


def test_signals_that_the_caller_ignores_stay_ignored():
    with terminal(command=("-c", IGNORING)) as screen:
        assert screen.to_the_end() == 0
        assert screen.seen.strip() == "went on", "so nohup keeps its word"


def test_an_interrupted_run_still_gives_its_json(half_done, tmp_path):
    file = tmp_path / "out.json"
    with terminal("run", half_done, "--json", "-o", file) as screen:
        screen.until(lambda seen: "1 of 2 steps" in seen)
        screen.press(b"\x03")
        assert screen.to_the_end() == 130
    assert '"status": "interrupted"' in file.read_text(encoding="utf-8")


def test_no_color_is_respected(council):
    with terminal("run", council(), NO_COLOR="1") as screen:
        screen.to_the_end()
        assert "\x1b[33m" not in screen.seen
        assert "of 2 steps" in screen.seen


def test_there_is_a_colour_otherwise(council):
    with terminal("run", council(), NO_COLOR="") as screen:
        screen.to_the_end()
        assert "\x1b[33m" in screen.seen


def test_a_dumb_terminal_gets_plain_lines(council):
    with terminal("run", council(), TERM="dumb") as screen:
        assert screen.to_the_end() == 0
        assert "\x1b" not in screen.seen
        assert "both: ok in" in screen.seen


def test_an_answer_cannot_drive_the_terminal(council):
    evil = council(r'answer: "\x1b]0;title\x07\x1b[31mred\x9b2J {{ last }}"')
    with terminal("run", evil, "-q") as screen:
        screen.to_the_end()
        assert screen.seen.startswith("red [simulated] ")
        assert "\x1b" not in screen.seen


def test_a_pipe_gets_every_character(konseho, council):
    assert konseho("run", council(r'answer: "\x1b[31mred"'), "-q").out == "\x1b[31mred\n"


def test_a_stream_makes_the_tree_give_way_to_the_answer(council):
    with terminal("run", council(), "--stream") as screen:
        assert screen.to_the_end() == 0
        tree, _, rest = screen.seen.partition("[simulated] ")
    assert "last" in tree
    assert "\x1b[?25l" not in rest, "nothing is drawn over the answer"
    assert "✔ ok" in rest


@pytest.mark.parametrize("width", [20, 40, 79, 200])
def test_no_line_is_wider_than_the_terminal(half_done, width):
    with terminal("run", half_done, width=width, NO_COLOR="1") as screen:
        screen.until(lambda seen: "open" in seen)
        screen.press(b"\x03")
        screen.until(lambda seen: "\x1b[?25h" in seen)
        frames = screen.seen.partition("\x1b[?25h")[0]
    for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\^C", "\n", frames).splitlines():
        assert len(line) <= width
