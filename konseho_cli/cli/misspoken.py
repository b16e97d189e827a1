"""What was probably meant by a command line that cannot be read. Loaded for such a line only."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import typer

from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.spec.find import find_council

NEWEST = "`last` is the newest; `konseho runs` lists all"


def meant_command(word: str, known: Collection[str]) -> str:
    """For a command that does not exist: a near one, or `run` where it is a council."""
    try:
        is_council = find_council(word).is_file()
    except (UsageError, OSError, ValueError):
        is_council = False
    if is_council:
        return f"did you mean `konseho run {shlex.quote(word)}`?"
    return did_you_mean(word, known) or f"known: {', '.join(known)}"


def add_way_out(error: Exception, command: Any, path: Sequence[str], words: Sequence[str]) -> None:
    """Add what to write instead to an error of the parser, where that is known."""
    told: Any = error
    if isinstance(error, typer.BadParameter):
        if getattr(error.param, "name", "") == "run" and not error.message:
            told.message = NEWEST
        return
    takes_task = any(each.name == "task" for each in command.params)
    if takes_task and "extra argument" in getattr(error, "message", ""):
        told.message += f": quote the task, as in {_quoted(path, words)}"


def _quoted(path: Sequence[str], words: Sequence[str]) -> str:
    """The same line with its task in quotes; an example where options stand between."""
    if any(word.startswith("-") for word in words):
        return f'konseho {" ".join(path)} COUNCIL "…"'
    council, *task = words
    said = " ".join(task).replace("\\", "\\\\").replace('"', '\\"')
    return f'konseho {" ".join(path)} {shlex.quote(Path(council).as_posix())} "{said}"'
