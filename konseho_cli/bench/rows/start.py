"""From the start of a process to its first useful moment, against a bare Typer app."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import yaml

from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.processes import seconds_until_line
from konseho_cli.core.files import shipped
from konseho_cli.council import Council

_KONSEHO = "from konseho_cli.cli.main import main; main()"

# The moment counts at which the first call is made, so that call ends the process.
_FIRST_CALL = f"""
import os
from konseho_cli.models.sim import SimModel
async def generate(self, request, call):
    print("ready", flush=True)
    os._exit(0)
SimModel.generate = generate
{_KONSEHO}
"""

_TYPER = """
import typer
app = typer.Typer()
@app.command()
def hello(version: bool = False) -> None:
    print("bare 1.0", flush=True)
app()
"""

_QUESTION = ("run", "quickstart", "Monolith or services?", "--quiet")


@contextmanager
def _version(scale: float) -> Iterator[Pair]:
    yield Pair(
        ours=partial(seconds_until_line, ["-c", _KONSEHO, "--version"]),
        peer=partial(seconds_until_line, ["-c", _TYPER, "--version"]),
    )


@contextmanager
def _first_call(scale: float) -> Iterator[Pair]:
    with TemporaryDirectory() as folder:  # what a run keeps is not to stand among the user's runs
        store = str(Path(folder) / "konseho.db")
        yield Pair(
            ours=partial(seconds_until_line, ["-c", _FIRST_CALL, *_QUESTION], KONSEHO_STORE=store),
            peer=partial(seconds_until_line, ["-c", _TYPER]),
        )


@contextmanager
def _warm(scale: float) -> Iterator[Pair]:
    """The second time, in a process that has everything imported."""
    file, agents = shipped("councils") / "quickstart.yaml", 7

    def ours() -> float:
        start = perf_counter()
        outcome = Council.load(file).run("Monolith or services?", model="sim:instant", cache=False)
        assert outcome.status == "ok", outcome.error
        return perf_counter() - start

    async def calls() -> None:
        for _ in range(agents):
            await asyncio.sleep(0)

    def peer() -> float:
        start = perf_counter()
        yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
        asyncio.run(calls())
        return perf_counter() - start

    yield Pair(ours=ours, peer=peer)


ROWS = (
    Row(
        name="version",
        title="konseho --version, from the start of the process",
        peer="a bare Typer app",
        prepare=_version,
        costly=True,
    ),
    Row(
        name="first_call",
        title="process start to the first sim call of `konseho run quickstart`",
        peer="a bare Typer app",
        prepare=_first_call,
        costly=True,
    ),
    Row(
        name="warm_start",
        title="quickstart, read, checked and run on an instant model, in a process that did it before",
        peer="PyYAML's C loader on the file, and 7 turns of the loop",
        prepare=_warm,
        costly=True,
    ),
)
