"""The child as its parent sees it: started, signalled, waited for, and read when it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.process import end_group
from konseho_cli.core.signals import SAME_SIGNAL_S, heeded
from konseho_cli.models.registry import sparing
from konseho_cli.profiling.recorders.job import Ended, Job

_PACKAGE = Path(__file__).resolve().parents[2]
_MODULE = "konseho_cli.profiling.recorders.child"
_TOLD = 5
"""Last lines of what a child that died had said."""
_PASSING = (".job", ".ended", ".pid", ".stderr", ".lines", ".db", ".db-wal", ".db-shm")
"""Files that are of no use once it has ended."""
_LOOK_S = 0.1
_MOST_SAID = 2**18
_HEARD_S = 1.0
"""For the rest of what was said: a process that the child left behind may never say that it is all."""

Waiting = Callable[["subprocess.Popen[bytes]", Callable[[], None]], None]
"""Waits for a process to end; what is given is to be called now and then."""


class Interruption:
    """The signals that came while children ran: the first one is passed on, a second one kills."""

    def __init__(self) -> None:
        self.stopped_by: signal.Signals | None = None
        self._at = 0.0
        self._pass_on: Callable[[signal.Signals], None] = lambda number: None
        self._kill: Callable[[], None] = lambda: None

    @property
    def exit_status(self) -> int | None:
        """What the process is to end with; None: nobody interrupted it."""
        return None if self.stopped_by is None else 128 + self.stopped_by

    def heard(self, number: int, frame: FrameType | None = None) -> None:
        """A handler."""
        if self.stopped_by is None:
            self.stopped_by, self._at = signal.Signals(number), time.monotonic()
            self._pass_on(self.stopped_by)
        elif time.monotonic() - self._at > SAME_SIGNAL_S:
            self._kill()

    @contextmanager
    def to(
        self, pass_on: Callable[[signal.Signals], None], kill: Callable[[], None]
    ) -> Iterator[None]:
        """Where signals go for now; one that came before goes there at once."""
        self._pass_on, self._kill = pass_on, kill
        if self.stopped_by is not None:
            pass_on(self.stopped_by)
        try:
            yield
        finally:
            self._pass_on, self._kill = (lambda number: None), (lambda: None)

    @contextmanager
    def heeded(self) -> Iterator[Interruption]:
        """While this holds, signals come here; only the main thread of a process may ask for it."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before: dict[signal.Signals, Any] = {
            each: signal.signal(each, self.heard) for each in heeded()
        }
        try:
            yield self
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def run_child(
    job: Job,
    interruption: Interruption,
    *,
    tick: Callable[[], None] = lambda: None,
    command: Sequence[str] = (),
    wait: Waiting | None = None,
) -> Ended:
    """Run a job to its end, under another program's `command` if one is given.

    Raises what the child raised before it ran, StoreFailed, and KonsehoError for one that died.
    """
    process = _started(job, command)
    saying = _Saying(process)
    saying.start()
    with interruption.to(lambda number: _signal(process, job, number), lambda: end_group(process)):
        try:
            (wait or _wait)(process, tick)
        except BaseException:
            end_group(process)
            raise
        finally:
            process.wait()
            saying.keep(job)
    ended = Ended.load(job) or Ended.heard(saying.text)
    if ended is None:
        raise _died(saying.text, process.returncode, interruption)
    if ended.error:
        raise _told(ended)
    return ended


def _started(job: Job, command: Sequence[str]) -> subprocess.Popen[bytes]:
    job_file = job.save()
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
            [*command, sys.executable, "-P", "-m", _MODULE, str(job_file)],
            env=_environment(os.environ), bufsize=0,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C of a terminal comes to us, and goes on from here once
        )  # fmt: skip
    except OSError as error:
        raise KonsehoError(f"no process could be started: {error.strerror}") from error


class _Saying(threading.Thread):
    """Hears what a child says, so that it never waits for us; a full disk silences no pipe."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        assert process.stdout is not None, "it was started with a pipe"
        self._pipe, self._end = process.stdout, b""

    @property
    def text(self) -> str:
        """The end of it."""
        return self._end.decode("utf-8", "replace")

    def run(self) -> None:
        """Listen until everybody who could say something has ended."""
        with self._pipe as pipe:
            while piece := pipe.read(_MOST_SAID):
                self._end = (self._end + piece)[-_MOST_SAID:]

    def keep(self, job: Job) -> None:
        """Write it beside the job, for its owner's eyes, once the child has ended."""
        self.join(_HEARD_S)
        with suppress(OSError):
            job.file(".stderr").touch(mode=0o600)
            job.file(".stderr").write_bytes(self._end)


def clean_up(job: Job, *also: str) -> None:
    """Remove what is of no use once everything is read."""
    for suffix in (*_PASSING, *also):
        job.file(suffix).unlink(missing_ok=True)


def said(job: Job) -> str:
    """What the child, or the program around it, said on stderr."""
    try:
        return job.file(".stderr").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> None:
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_S)
            return
        tick()


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """Ours, in which nobody spends money by surprise."""
    found = sparing(env)
    home = str(_PACKAGE.parent)
    installed = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("purelib", "platlib")}
    if home not in installed:  # such as a checkout; what is installed is found anyway
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (home, env.get("PYTHONPATH", ""))))
    return found


def _signal(process: subprocess.Popen[bytes], job: Job, number: signal.Signals) -> None:
    """To the child itself: what stands between, such as py-spy, would kill it."""
    with suppress(OSError, ValueError):
        try:
            pid = int(job.file(".pid").read_text(encoding="ascii"))
        except (OSError, ValueError):  # it has asked nobody yet
            pid = process.pid
        if process.poll() is None:
            os.kill(pid, number)


def _died(said: str, status: int, interruption: Interruption) -> KonsehoError:
    stopped = interruption.exit_status
    if stopped is not None:
        error = KonsehoError("interrupted before there was a recording")
        error.exit_code = stopped
        return error
    lines = [line for line in said.splitlines() if line.strip()][-_TOLD:]
    told = "".join(f"\n  {line}" for line in lines)
    how = f"was killed by {_name(-status)}" if status < 0 else f"ended with status {status}"
    hint = "is there enough memory?" if status == -signal.SIGKILL else None
    return KonsehoError(f"the process that was profiled {how}{told}", hint=hint)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _told(ended: Ended) -> KonsehoError:
    error = KonsehoError(ended.error, hint=ended.hint)
    error.exit_code = ended.exit_status
    return error
