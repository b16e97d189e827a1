"""`konseho store`: check, shrink and export the store of runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from konseho_cli.cli import options
from konseho_cli.cli.main import SETTINGS
from konseho_cli.cli.result import deliver_to_stdout, is_stdout
from konseho_cli.cli.stored import with_store
from konseho_cli.cli.streams import mutter, put_line
from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.files import atomically
from konseho_cli.report import store as report
from konseho_cli.report.export import export_lines
from konseho_cli.report.text import plural
from konseho_cli.store import upkeep
from konseho_cli.store.base import Store, Wanted
from konseho_cli.store.find import find_run
from konseho_cli.store.location import locate

BROKEN = 3

Name: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="[RUN]", help="Only this run: its id, the beginning of one, or `last`."),
]
Output: TypeAlias = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")
]

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=SETTINGS)


@app.callback(no_args_is_help=True)
def command() -> None:
    """Check, shrink and export the store of runs.

    It is one SQLite file: .konseho/konseho.db, or what --store or KONSEHO_STORE names. The cache of
    answers is in it too.
    """


@app.command()
def check(store: options.Store = None, json: options.AsJson = False) -> None:
    """Look at all of it: the file, what refers to what, and whether each body can be read."""
    place = locate(os.environ, store)
    health = upkeep.check(place)
    form = report.health_json if json else report.health_text
    deliver_to_stdout(form(health, place))
    if health.problems:
        raise typer.Exit(BROKEN)


@app.command()
def vacuum(store: options.Store = None, json: options.AsJson = False) -> None:
    """Give back the room that removed runs and answers have left.

    It takes as much room again while it works, and nobody else may be writing.
    """
    done = upkeep.vacuum(locate(os.environ, store))
    deliver_to_stdout(report.vacuumed_json(done) if json else report.vacuumed_text(done))


@app.command()
def export(run: Name = None, output: Output = None, store: options.Store = None) -> None:
    """Write one run, or all, as JSON Lines: a record a line, bodies unpacked.

    The oldest run comes first. What is written holds prompts and answers.
    """
    if output is None or str(output) == "-" or is_stdout(output):
        _export(run, store, lambda line: put_line(sys.stdout, line))
        return
    try:
        with atomically(output, private=True) as file:
            runs = _export(run, store, lambda line: file.write(f"{line}\n"))
    except OSError as error:
        raise KonsehoError(f"{output} cannot be written: {error.strerror or error}") from error
    mutter(f"{plural(runs, 'run')} in {output}")


def _export(name: str | None, file: Path | None, write: Callable[[str], object]) -> int:
    """How many runs there were. Raises UsageError, StoreFailed."""

    async def work(store: Store) -> int:
        if name is None:
            chosen = [row.began.run for row in await store.runs(Wanted())]
        else:
            chosen = [(await find_run(store, name)).began.run]
        for run in reversed(chosen):
            stored = await store.load(run)
            if stored is not None:  # removed in the meantime
                for line in export_lines(stored, *await store.trace(run)):
                    write(line)
        return len(chosen)

    return with_store(file, work)
