"""Processes: which one this is, so that another can tell later whether it lives; how one is ended."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subprocess import Popen

_PROC = Path("/proc")
_STATE, _START = 0, 19
"""Fields of `/proc/PID/stat` behind the name: man 5 proc counts them from 3."""


def here(proc: Path = _PROC) -> str:
    """What this process is called: `host:pid:start`.

    `start` is when it began, in the kernel's ticks, so that a later process of the same number is
    not taken for it; empty where the system does not say.
    """
    pid = os.getpid()
    return f"{_host()}:{pid}:{_stat(proc, pid)[1]}"


def is_alive(process: str, proc: Path = _PROC) -> bool | None:
    """Whether a process that `here()` named still runs; None: it cannot be told from here.

    That is so for one of another host, or what was not written by `here()`.
    """
    host, _, rest = process.rpartition(":")[0].rpartition(":")
    start = process.rpartition(":")[2]
    if host != _host() or not (rest.isascii() and rest.isdigit()) or int(rest) < 1:
        return None
    pid = int(rest)
    if start:
        state, began = _stat(proc, pid)
        return began == start and state not in ("Z", "X")  # a dead one that nobody has buried
    return _answers(pid)


def _host() -> str:
    if sys.platform == "win32":
        return os.environ.get("COMPUTERNAME", "")
    return os.uname().nodename


def _stat(proc: Path, pid: int) -> tuple[str, str]:
    """State and start; both empty where there is no such process, or no such file system."""
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    fields = text.rpartition(")")[2].split()  # the name in front may hold anything, `)` too
    return (fields[_STATE], fields[_START]) if len(fields) > _START else ("", "")


def _answers(pid: int) -> bool | None:
    """Whether some process has this number, where nothing says when it began."""
    if sys.platform == "win32":
        return None  # signal 0 would be Ctrl-C there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OverflowError:
        return False
    return True


def end_group(process: Popen[Any]) -> None:
    """End a process that leads a session of its own, with all that it has started, and wait for it."""
    with contextlib.suppress(OSError):
        if process.poll() is None:
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, 9)
    process.wait()
