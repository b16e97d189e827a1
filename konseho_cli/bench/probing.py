"""The other end of a probe: starts it with a build of Konseho, and asks it for samples."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

import msgspec

import konseho_cli
from konseho_cli.core.errors import BudgetReached, KonsehoError, UsageError

HOME = Path(next(iter(konseho_cli.__path__))).resolve().parent
_PROBE = Path(__file__).with_name("probe.py")
_GRACE_S = 5


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """A Konseho to measure with."""

    home: Path = HOME
    """The folder that holds the package."""
    python: Path = Path(sys.executable)
    label: str = ""
    """As it is told to people; empty: this one."""


class CouncilJob(msgspec.Struct, frozen=True, kw_only=True):
    """A council and all that a run of it is given; nothing is cached."""

    file: str
    task: str | None = None
    inputs: Mapping[str, Any] = msgspec.field(default_factory=dict)
    model: str | None = None
    models: Mapping[str, str] = msgspec.field(default_factory=dict)
    simulate: bool = False
    preset: str | None = None
    replay: str | None = None
    """A cassette."""
    record: str | None = None
    """Where the one run is recorded that the others replay; None: no model may be asked."""
    store: str | None = None
    """Where that run is kept, if it cost something; None: in the usual place."""
    seed: int | None = None
    max_concurrency: int | None = None


class RowJob(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table."""

    row: str
    scale: float = 1.0


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """One run in virtual time: no waiting, so that all of `wall` is Konseho's own."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds."""
    makespan: int
    """Virtual nanoseconds."""
    tokens: int
    calls: int
    cost: str | None
    """Dollars; None: unknown."""
    ended: str
    gate: bool | None
    error: str | None
    hint: str | None
    status: int


class Probe:
    """A child process that measures; to be entered. Raises KonsehoError where it cannot."""

    def __init__(self, job: CouncilJob | RowJob, build: Build) -> None:
        self._job = job
        self._build = build
        self.about: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._said = TemporaryFile()
        environment = {**os.environ, "PYTHONPATH": str(self._build.home)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process = subprocess.Popen(  # noqa: S603 - an interpreter of ours and our own words
            [str(self._build.python), "-P", str(_PROBE)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
        )  # fmt: skip
        try:
            self.about = self._ask(msgspec.json.encode(self._job))
            found = Path(self.about["home"])
            if found != self._build.home.resolve():
                raise KonsehoError(f"{self._build.home} was to be measured, and {found} came")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def took(self) -> float:
        """One sample of a row: seconds or bytes."""
        return float(self._ask(b"")["took"])

    def run(self) -> Ran:
        """One run of a council. Raises KonsehoError where it did not end well."""
        ran = msgspec.convert(self._ask(b""), Ran)
        if ran.error is not None:
            raise _error(ran.status, f"{self._name}the council failed: {ran.error}", ran.hint)
        return ran

    @property
    def _name(self) -> str:
        return f"{self._build.label}: " if self._build.label else ""

    def _ask(self, line: bytes) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
            said = self._process.stdout.readline()
        except OSError:
            said = b""
        if not said:
            raise KonsehoError(f"{self._name}it could not be measured: {self._last_words()}")
        answer: dict[str, Any] = msgspec.json.decode(said)
        if "error" in answer and "wall" not in answer:
            raise _error(answer["status"], f"{self._name}{answer['error']}", answer["hint"])
        return answer

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "its process ended"


def _error(status: int, message: str, hint: str | None) -> KonsehoError:
    kind = {UsageError.exit_code: UsageError, BudgetReached.exit_code: BudgetReached}
    return kind.get(status, KonsehoError)(message, hint=hint)
