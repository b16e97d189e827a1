"""`konseho learnings`: what tunings learnt, and to forget it."""

from __future__ import annotations

import sys
from typing import Annotated, Any, TypeAlias

import typer
from typer.core import TyperGroup

from konseho_cli.bench.learning import KIND, Learning, learning_of
from konseho_cli.cli import options
from konseho_cli.cli.main import SETTINGS
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.stored import with_store
from konseho_cli.cli.streams import mutter
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import UsageError
from konseho_cli.report import learnings as report
from konseho_cli.report.symbols import symbols_for
from konseho_cli.store.base import Notes, Store

COMMANDS = ("list", "forget")

Council: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[COUNCIL]", help="Only of the council of that name.")
]
Name: TypeAlias = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of one, or of a council: all of it.")
]


class _Group(TyperGroup):
    """`konseho learnings [COUNCIL]` is `konseho learnings list [COUNCIL]`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the command that is meant where none is named."""
        if not args or args[0] not in (*COMMANDS, "-h", "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Group, rich_markup_mode=None, add_completion=False, context_settings=SETTINGS
)


@app.callback()
def command() -> None:
    """See what `konseho tune` learnt, and forget it.

    Without a command, `list`. What was rolled back is not tried again on the same council.
    """


@app.command("list")
def list_learnings(
    council: Council = None, store: options.Store = None, json: options.AsJson = False
) -> None:
    """What was tried, and what became of it, the newest first."""
    found = with_store(store, _read)
    found = [each for each in found if council in (None, each.council)]
    if json:
        deliver_to_stdout(report.learnings_json(found))
    elif found:
        symbols = symbols_for(getattr(sys.stdout, "encoding", None))
        deliver_to_stdout(report.learnings_text(found, symbols, RealClock.wall()))
    else:
        about = "" if council is None else f" of {council:.80}"
        mutter(f"nothing was learnt{about}: `konseho tune COUNCIL` does\n")


@app.command()
def forget(name: Name, store: options.Store = None) -> None:
    """Forget one by its name, or all of a council by the council's: they may be tried again."""

    async def work(store: Store) -> list[str]:
        known = [note.name for note in await store.notes(KIND)]
        meant = [each for each in known if each == name or each.startswith(f"{name}/")]
        return [each for each in meant if await store.forget(KIND, each)]

    gone = with_store(store, work)
    if not gone:
        raise UsageError(f"nothing of the name '{name:.80}' was learnt", hint="see the list")
    deliver_to_stdout(report.forgotten_text(gone))


async def _read(store: Notes) -> list[Learning]:
    """By date, the newest first; what cannot be read any more is left out."""
    found = [learning_of(note) for note in await store.notes(KIND)]
    return sorted((each for each in found if each is not None), key=lambda each: -each.made)
