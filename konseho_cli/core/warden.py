"""Ends the programs of a process that was killed itself: `kill -9` leaves it no time to do so."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading

_WATCHES = """
import os, sys
known = {"g": set(), "p": set()}
for line in sys.stdin:
    number = int(line[1:])
    (known[line[0]].add if number > 0 else lambda gone: known[line[0]].discard(-gone))(number)
pipes = {"pipe:[%d]" % pipe for pipe in known["p"]}
for pid in os.listdir("/proc") if pipes and os.path.isdir("/proc") else ():
    try:
        if pid.isdigit() and os.readlink("/proc/%s/fd/2" % pid) in pipes:
            known["g"].add(os.getpgid(int(pid)))
    except OSError:
        pass
for group in known["g"]:
    try:
        os.killpg(group, 9)
    except OSError:
        pass
"""
"""Reads the numbers of groups that began, and of those that ended with a minus; so of pipes of
programs that are about to begin, whose numbers nobody knows yet. At the end, its parent is gone."""


class Warden:
    """One small process that outlives us by a moment. It is started by the first program."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def start(self) -> None:
        """Be there: what begins before that is not known to it."""
        with self._lock, contextlib.suppress(OSError):  # to be without one is no reason to stop
            self._ready()

    def starts(self, pipe: int) -> None:
        """A program is about to begin, with this pipe as its stderr; -`pipe`: that is over."""
        self._say(b"p", pipe)

    def began(self, group: int) -> None:
        """A program leads a group of this number."""
        self._say(b"g", group)

    def ended(self, group: int) -> None:
        """It has ended, with all that it started."""
        self._say(b"g", -group)

    def close(self) -> None:
        """Nothing runs any more."""
        with self._lock:
            process, self._process, self._closed = self._process, None, True
        if process is not None:
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait()

    def _say(self, what: bytes, number: int) -> None:
        with self._lock, contextlib.suppress(OSError):
            process = self._ready()
            if process is not None and process.stdin is not None:
                os.write(process.stdin.fileno(), b"%b%d\n" % (what, number))

    def _ready(self) -> subprocess.Popen[bytes] | None:
        if self._process is None and not self._closed:
            self._process = _start()
        return self._process


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - a constant
        [sys.executable, "-I", "-S", "-c", _WATCHES],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        bufsize=0,
        env={},
    )
