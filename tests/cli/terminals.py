"""A terminal of its own for a process: what it shows, what is typed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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

    def give_up_the_line(self) -> None:
        """Ctrl-C at a prompt, and the prompt that follows."""
        begin = len(self.seen)
        self.press(b"\x03")
        self.until(lambda seen: seen[begin:].endswith("> "))

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
