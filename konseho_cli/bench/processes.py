"""Child processes of our own Python, with this very package on their path."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import konseho_cli

_HOME = Path(next(iter(konseho_cli.__path__))).parent


@contextmanager
def child(arguments: Sequence[str], **env: str) -> Iterator[subprocess.Popen[str]]:
    """Start `python ARGUMENTS`; it is ended when the block is left."""
    environment = {**os.environ, "PYTHONPATH": str(_HOME), "KONSEHO_MODEL": "sim:instant", **env}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what pip installs has its bytecode
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
        [sys.executable, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """With it in the environment, for as long as the block lasts."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


@contextmanager
def served(module: str) -> Iterator[str]:
    """The base URL of a server of ours, which runs in a process of its own."""
    with child(["-m", f"konseho_cli.bench.{module}"]) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"


def seconds_until_line(arguments: Sequence[str], **env: str) -> float:
    """From the start of `python ARGUMENTS` to its first line of output. Raises RuntimeError."""
    start = perf_counter()
    with child(arguments, **env) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        took = perf_counter() - start
    if not line:
        raise RuntimeError(f"python {' '.join(arguments)[:80]} said nothing")
    return took


class Taken(NamedTuple):
    """What a process took from its start to its end."""

    seconds: float
    peak: float
    """The most bytes that it had in memory at once."""


# A process is said to have had what its parent had when it was started: this parent has little.
_WAITING = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(time.perf_counter() - start, used.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


def until_it_ends(arguments: Sequence[str], **env: str) -> Taken:
    """Run `python ARGUMENTS`. Raises RuntimeError where it does not end well."""
    with child(["-ISc", _WAITING, sys.executable, *arguments], **env) as process:
        assert process.stdout is not None
        seconds, peak, status = process.stdout.read().split() or ("0", "0", "no word")
    if status != "0":
        raise RuntimeError(f"python {' '.join(arguments)[:80]} ended with {status}")
    unit = 1 if sys.platform == "darwin" else 1024  # of the most that was resident
    return Taken(float(seconds), int(peak) * unit)
