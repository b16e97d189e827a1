"""A program in a process group of its own: fed, read within bounds, and ended with all it started."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GRACE_S = 2.0
"""From SIGTERM to SIGKILL."""
DRAIN_S = 0.5
"""For what stands in the pipes when a program has ended: a daemon of it may hold them for ever."""
_CHUNK = 1 << 16
_LOOK_S = 0.02
"""Between two looks whether it has ended, where the system cannot wake us for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended, and what it wrote."""

    status: int
    """Its exit status; `-9` where signal 9 ended it."""
    output: str
    errors: str
    cut: int = 0
    """Bytes of both that were left out of their middles."""
    late: bool = False
    """Whether its time ran out."""


class Bounded:
    """The beginning and the end of a stream of bytes; never more than `limit` of it in memory."""

    __slots__ = ("_head", "_most_head", "_most_tail", "_tail", "cut")

    def __init__(self, limit: int) -> None:
        self._most_head = limit - limit // 2
        self._most_tail = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.cut = 0
        """Bytes that are left out."""

    def feed(self, data: bytes) -> None:
        """What comes next."""
        room = self._most_head - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        over = len(self._tail) - self._most_tail
        if over > 0:
            del self._tail[:over]
            self.cut += over

    def text(self) -> str:
        """As UTF-8, what is none replaced; where something is missing, that is said."""
        head, tail = (bytes(part).decode("utf-8", "replace") for part in (self._head, self._tail))
        return (
            f"{head}\n… {self.cut:,} bytes are left out here …\n{tail}" if self.cut else head + tail
        )


class Program:
    """One execution: `run` in a thread, `end` from any other. Both once."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: bytes | None = None,
        limit: int = 2**20,
        timeout_s: float | None = None,
        starts: Callable[[int], object] = lambda pipe: None,
        watch: Callable[[int], object] = lambda group: None,
    ) -> None:
        """`limit`: bytes of each stream that are kept. `watch`: told the number of its group;
        `starts` before that the one of its pipe, and with a minus when the group is known.
        """
        self._argv = list(argv)
        self._cwd = cwd
        self._env = dict(env)
        self._stdin = stdin
        self._streams = (Bounded(limit), Bounded(limit))
        self._timeout_s = timeout_s
        self._starts = starts
        self._watch = watch
        self._wake_read, self._wake_write = os.pipe()
        self._lock = threading.Lock()
        self._over = False
        self._stopped = False

    def end(self) -> None:
        """Have it ended: `run` returns soon after."""
        with self._lock:
            self._stopped = True
            if not self._over:
                os.write(self._wake_write, b".")

    def run(self) -> Ended:
        """Start it and wait for its end. Raises OSError, ValueError where it cannot be started."""
        try:
            process = self._start()
            try:
                late = self._attend(process)
            finally:
                _end_whole(process)
        finally:
            with self._lock:
                self._over = True
                os.close(self._wake_read)
                os.close(self._wake_write)
        out, err = self._streams
        return Ended(
            status=process.returncode, output=out.text(), errors=err.text(),
            cut=out.cut + err.cut, late=late,
        )  # fmt: skip

    def _start(self) -> subprocess.Popen[bytes]:
        read, write = os.pipe()
        errors = os.fdopen(read, "rb", buffering=0)
        pipe = os.fstat(read).st_ino
        self._starts(pipe)
        try:
            process = subprocess.Popen(  # noqa: S603 - that is what it is for, and never by a shell
                self._argv,
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL if self._stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=write,
                start_new_session=True,
                bufsize=0,
            )
            process.stderr = errors
            self._watch(process.pid)
        except BaseException:
            errors.close()
            raise
        finally:
            os.close(write)
            self._starts(-pipe)
        return process

    def _attend(self, process: subprocess.Popen[bytes]) -> bool:
        """Feed it and read it until it has ended; whether its time ran out."""
        end = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        with _Attendance(process, self._streams, self._stdin, self._wake_read) as attended:
            while not attended.has_ended():
                now = time.monotonic()
                late = end is not None and now >= end
                if late or self._stopped:
                    _ask_to_end(process)
                    attended.until(now + GRACE_S)
                    if attended.has_ended():
                        attended.until(time.monotonic() + DRAIN_S, drain=True)
                    return late
                attended.look(None if end is None else end - now)
            attended.until(time.monotonic() + DRAIN_S, drain=True)
        return False


class _Attendance:
    """The pipes of a running program."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        streams: Sequence[Bounded],
        stdin: bytes | None,
        wake: int,
    ) -> None:
        self._process = process
        self._selector = selectors.DefaultSelector()
        self._left = memoryview(stdin or b"")
        self._reading = 0
        self._pidfd = _pidfd(process.pid)
        for pipe, stream in zip((process.stdout, process.stderr), streams, strict=True):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, stream)
            self._reading += 1
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin, selectors.EVENT_WRITE)
        self._selector.register(wake, selectors.EVENT_READ)
        if self._pidfd is not None:
            self._selector.register(self._pidfd, selectors.EVENT_READ)

    def __enter__(self) -> _Attendance:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._pidfd is not None:
            os.close(self._pidfd)

    def has_ended(self) -> bool:
        """Whether the program itself has; it is not buried yet, so that its group keeps its number."""
        return _is_dead(self._process)

    def until(self, moment: float, *, drain: bool = False) -> None:
        """Go on until it has ended, or with `drain` until the pipes are, but not past a moment."""
        while not (self._reading == 0 if drain else self.has_ended()):
            left = moment - time.monotonic()
            if left <= 0:
                return
            if not self.look(left, only_pipes=drain) and drain:
                return

    def look(self, timeout_s: float | None, *, only_pipes: bool = False) -> bool:
        """Wait for something to do, and do it; whether there was anything."""
        if self._pidfd is None:
            timeout_s = _LOOK_S if timeout_s is None else min(timeout_s, _LOOK_S)
        if only_pipes and self._pidfd is not None:
            self._selector.unregister(self._pidfd)  # it is ready for ever now
            os.close(self._pidfd)
            self._pidfd = None
        ready = self._selector.select(timeout_s)
        for key, _ in ready:
            if isinstance(key.data, Bounded):
                self._read(key, key.data)
            elif key.fileobj is self._process.stdin:
                self._feed(key)
            elif key.fd != self._pidfd:
                self._selector.unregister(key.fileobj)  # somebody wants its end
        return bool(ready)

    def _read(self, key: selectors.SelectorKey, stream: Bounded) -> None:
        try:
            data = os.read(key.fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            stream.feed(data)
        else:
            self._selector.unregister(key.fileobj)
            self._reading -= 1

    def _feed(self, key: selectors.SelectorKey) -> None:
        try:
            self._left = self._left[os.write(key.fd, self._left[:_CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:
            self._left = memoryview(b"")  # it reads no more, and that is its own affair
        if not self._left:
            assert self._process.stdin is not None
            self._selector.unregister(key.fileobj)
            self._process.stdin.close()


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid) if sys.platform == "linux" else None
    except OSError:
        return None


def _is_dead(process: subprocess.Popen[bytes]) -> bool:
    """Without burying it, where the system lets us look."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, how) is not None
    except ChildProcessError:
        return True


def _ask_to_end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGTERM)


def _end_whole(process: subprocess.Popen[bytes]) -> None:
    """End all of its group that is left, then bury it."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
