"""Results of programs that are there already: the tests of this very repository, a file at a time."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from konseho_cli.bench.measure import Pair, Row, seconds_of
from konseho_cli.bench.processes import variable
from konseho_cli.council import Council
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.steps.command import Command, Program

_PACKAGE = Path(__file__).resolve().parents[2]
_TESTS = _PACKAGE.parent / "tests"
_MODULES = (
    "core/prefix", "core/hashing", "core/marks", "core/nesting", "core/graph", "core/files",
    "core/units", "core/fair_queue", "core/slots", "core/deadline", "core/group", "core/source",
    "core/packing", "core/memory", "core/yaml_scalars", "context/sizes", "context/said",
    "context/difference", "context/clusters", "context/showing", "context/spill",
    "context/template_words", "context/template_size", "models/latency", "models/failures",
)  # fmt: skip
"""Whose tests are quick, and need no conftest."""


class _Suite:
    """A copy of what the tests need, and a council that runs each test file as a command."""

    def __init__(self, folder: Path, scale: float) -> None:
        self._folder = folder
        self._modules = _MODULES[: max(2, round(len(_MODULES) * scale))]
        self._edits = count()
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_PACKAGE, folder / "konseho_cli", ignore=ignored)
        for module in self._modules:
            file = folder / _test_of(module)
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(_PACKAGE.parent / _test_of(module), file)
        step = Command(commands=dict(map(_command, self._modules)))
        self._council = Council(steps=(step,))

    def run(self, *, cache: bool) -> RunOutcome:
        """All of it. Only what is wrong with the suite fails it."""
        with chdir(self._folder):
            if cache:
                outcome = self._council.run("", allow_exec=True)
            else:
                outcome = self._council.run("", allow_exec=True, cache=False)
        assert outcome.status == "ok", outcome.error
        return outcome

    def change(self) -> None:
        """One test file in ten, rounded down, at least one; each time others than the time before."""
        for _ in range(max(1, len(self._modules) // 10)):
            number = next(self._edits)
            file = self._folder / _test_of(self._modules[number % len(self._modules)])
            with file.open("a", encoding="utf-8") as test:
                test.write(f"# {number}\n")


def _test_of(module: str) -> str:
    folder, _, name = module.partition("/")
    return f"tests/{folder}/test_{name}.py"


def _command(module: str) -> tuple[str, Program]:
    """Its name, and what it reads: the test and the module that it is about."""
    argv = (
        sys.executable, "-B", "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", ".",
        "--noconftest", "-p", "no:cacheprovider", "--import-mode=importlib", _test_of(module),
    )  # fmt: skip
    env: dict[str, str | None] = {
        "PYTHONPATH": ".",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "CI": "true",  # Hypothesis then sets no deadline, and takes the same examples each time
    }
    inputs = (_test_of(module), f"konseho_cli/{module}.py")
    return module.replace("/", "_"), Program(argv=argv, env=env, inputs=inputs, safe=True)


@contextmanager
def _suite(scale: float) -> Iterator[_Suite]:
    """With all results there."""
    with TemporaryDirectory() as folder, variable("KONSEHO_HOME", f"{folder}/home"):
        suite = _Suite(Path(folder).resolve(), scale)
        suite.run(cache=True)
        yield suite


@contextmanager
def _misses(scale: float) -> Iterator[Pair]:
    with _suite(scale) as suite:

        def ours() -> float:
            suite.change()
            results = suite.run(cache=True).results
            assert results is not None
            return results.misses / (results.hits + results.misses)

        yield Pair(ours=ours, peer=lambda: 1.0)  # without a cache, there is nothing to measure


@contextmanager
def _gain(scale: float) -> Iterator[Pair]:
    with _suite(scale) as suite:

        def with_cache() -> float:
            suite.change()
            return seconds_of(lambda: suite.run(cache=True))

        yield Pair(ours=with_cache, peer=lambda: seconds_of(lambda: suite.run(cache=False)))


ROWS: tuple[Row, ...] = (
    Row(
        name="result_cache_misses",
        title="of 25 pytest files, 2 of them changed (one in ten), the share that is executed",
        peer="without a cache, all of them",
        prepare=_misses,
        costly=True,
        most_rounds=1,
    ),
    Row(
        name="result_cache_gain",
        title="a council that runs 25 pytest files, 2 of them changed since",
        peer="the same without a cache",
        prepare=_gain,
        costly=True,
        quick=False,
        most_rounds=1,
    ),
)
if not _TESTS.is_dir():  # an installation has no tests of ours to run
    ROWS = ()
