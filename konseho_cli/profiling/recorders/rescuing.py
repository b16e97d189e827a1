"""What a first run that died leaves: answers that are paid for, with which another run can go on."""

from __future__ import annotations

import shlex
from pathlib import Path

from konseho_cli.core.errors import UsageError
from konseho_cli.core.source import shown_path
from konseho_cli.models.cassette_file import read_cassette
from konseho_cli.profiling.recorders.folder import settle
from konseho_cli.profiling.recorders.job import Job

CASSETTE = "run.cassette"


def rescued(folder: Path) -> Path | None:
    """The folder under the name of its run, if its cassette holds more than a header; else None."""
    try:
        with (folder / CASSETTE).open("rb") as file:
            holds_more = bool(file.readline() and file.readline(1))
    except OSError:
        return None
    if not holds_more:
        return None
    try:
        return settle(folder, read_cassette(folder / CASSETTE).header.run)
    except (UsageError, OSError):  # where it is matters more than what it is called
        return folder


def way_on(folder: Path, job: Job) -> str:
    """How to use the answers in that folder; `job`: the run that died."""
    words = ["konseho", "run", "COUNCIL" if job.council is None else shown_path(job.council)]
    words += [] if job.task is None else [job.task if job.task.isprintable() else "TASK"]
    cassette = shown_path(folder / CASSETTE)
    command = shlex.join([*words, "--replay", cassette, "--replay-miss", "call"])
    same = " --input …" if job.inputs else ""
    return f"its answers are kept in {cassette}: `{command}{same}` goes on with it"
