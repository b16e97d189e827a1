"""From the start of a process to its first useful moment, against a bare Typer app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.processes import seconds_until_line

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
    yield Pair(
        ours=partial(seconds_until_line, ["-c", _FIRST_CALL, *_QUESTION]),
        peer=partial(seconds_until_line, ["-c", _TYPER]),
    )


ROWS = (
    Row(
        name="version",
        title="konseho --version, from the start of the process",
        peer="a bare Typer app",
        prepare=_version,
    ),
    Row(
        name="first_call",
        title="process start to the first sim call of `konseho run quickstart`",
        peer="a bare Typer app",
        prepare=_first_call,
    ),
)
