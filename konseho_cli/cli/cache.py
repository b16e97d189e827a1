"""`konseho cache`: see, clear and fill the cache of answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from konseho_cli.cli import options
from konseho_cli.cli.durations import read_duration
from konseho_cli.cli.main import SETTINGS
from konseho_cli.cli.printing import symbols
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.core.clock import RealClock
from konseho_cli.report import cache as report
from konseho_cli.store.cache_table import CacheTable, Filter, Totals
from konseho_cli.store.location import locate

Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="GLOB",
        help="Of these models: 'openai:*'; 'command:*' are programs.",
    ),
]
Pattern: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        metavar="GLOB",
        help="Whose question, or command, has this near its beginning: 'tabs*spaces'.",
    ),
]
OlderThan: TypeAlias = Annotated[
    str | None,
    typer.Option("--older-than", metavar="DURATION", help="Made before that: 12h, 7d."),
]

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=SETTINGS)


@app.callback(no_args_is_help=True)
def command() -> None:
    """See, clear and fill the cache of answers.

    Answers at temperature 0 are kept in .konseho/, and used again where the same is asked of the
    same model. `konseho run --cache` keeps all of them, --no-cache none. What a `command` step came
    to is used again for an hour, as long as its `inputs` stay as they are.
    """


@app.command()
def stats(store: options.Store = None, json: options.AsJson = False) -> None:
    """Show how much is kept, and what it saved over all runs."""
    place = locate(os.environ, store)
    with _opened(store) as tables:
        totals, results = [each.totals() for each in tables] or (Totals(), Totals())
    if json:
        deliver_to_stdout(report.totals_json(totals, place, results))
    else:
        deliver_to_stdout(report.totals_text(totals, place, RealClock.wall(), results))


@app.command("list")
def list_entries(
    model: Model = None,
    pattern: Pattern = None,
    older_than: OlderThan = None,
    store: options.Store = None,
    json: options.AsJson = False,
) -> None:
    """List what is kept, the newest first."""
    wanted = _filter(model, pattern, older_than)
    with _opened(store) as tables:
        entries = [entry for each in tables for entry in each.list(wanted)]
    if json:
        deliver_to_stdout(report.entries_json(entries))
    elif entries:
        deliver_to_stdout(report.entries_text(entries, symbols(), RealClock.wall()))


@app.command()
def clear(
    model: Model = None,
    pattern: Pattern = None,
    older_than: OlderThan = None,
    store: options.Store = None,
    json: options.AsJson = False,
) -> None:
    """Remove what is kept, or what the options describe.

    Of several options, all must hold. Without any, everything goes.
    """
    wanted = _filter(model, pattern, older_than)
    with _opened(store) as tables:
        gone = sum(each.clear(wanted) for each in tables)
    deliver_to_stdout(report.cleared_json(gone) if json else report.cleared_text(gone))


@app.command()
def warm(
    council: options.Council,
    task: options.Task = None,
    task_file: options.TaskFile = None,
    inputs: options.Inputs = [],  # noqa: B006 - Typer reads it, nobody writes it
    model: options.Models = [],  # noqa: B006
    quiet: options.Quiet = False,
) -> None:
    """Run a council for its answers to be kept.

    A later run that asks the same, with --cache above temperature 0, then pays nothing.
    """
    from konseho_cli.cli.warming import warm_up  # it brings the engine

    raise typer.Exit(warm_up(council, task, task_file, inputs, model, quiet=quiet))


@contextmanager
def _opened(store: Path | None) -> Iterator[list[CacheTable]]:
    """Answers and results; empty where there is no file, and none is made to look into it."""
    file = locate(os.environ, store)
    if not file.exists():
        yield []
        return
    with ExitStack() as opened:
        tables = [make(file, RealClock.wall) for make in (CacheTable, CacheTable.of_results)]
        for table in tables:
            opened.callback(table.close)
        yield tables


def _filter(model: str | None, pattern: str | None, older_than: str | None) -> Filter:
    """Raises UsageError."""
    older = read_duration("--older-than", older_than)
    return Filter(model=model, pattern=pattern, older_than_s=older)
