"""What the command line asks of a run: the task, the models, the time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from konseho_cli.cli.durations import read_duration
from konseho_cli.cli.result import is_stdout
from konseho_cli.core.errors import UsageError
from konseho_cli.core.source import read_source, read_stdin
from konseho_cli.engine.casting import Wishes
from konseho_cli.models.cache import ENTRIES, CacheWishes
from konseho_cli.spec.preset import Preset, preset_under
from konseho_cli.spec.settings import Settings
from konseho_cli.telemetry.events import EventLevel

MAX_TASK = 8 * 2**20
"""Bytes of a task file."""
_ALIASED = re.compile(r"([a-z][a-z0-9_]*)=(.+)", re.DOTALL)


def read_task(task: str | None, file: Path | None) -> str | None:
    """The task from the argument, a file or stdin (`-`); None: the council's own. Raises UsageError."""
    if task is not None and file is not None:
        raise UsageError("the task was given twice: as an argument and by --task-file")
    if task == "-" or (file is not None and str(file) == "-"):
        text = read_stdin(MAX_TASK)
    elif file is not None:
        text = read_source(file, limit=MAX_TASK)
    else:
        return task
    if not text.strip():
        raise UsageError("the task is empty")
    return text


def check_stdin(task: str | None, file: Path | None, inputs: Sequence[str]) -> None:
    """Refuse two readers of stdin: the second one would find it empty. Raises UsageError."""
    readers = ["the task"] if "-" in (task, str(file)) else []
    pairs = (pair.partition("=") for pair in inputs)
    readers += [f"input '{name.strip()}'" for name, _, text in pairs if text == "@-"]
    if len(readers) > 1:
        raise UsageError(f"stdin can be read once: not for {readers[0]} and for {readers[1]}")


def read_models(names: Sequence[str], *, simulate: bool) -> Wishes:
    """`--model` as it was repeated: one plain, any number of `name=provider:model`."""
    plain: str | None = None
    aliased: dict[str, str] = {}
    for name in names:
        match = _ALIASED.fullmatch(name)
        if match:
            aliased[match[1]] = match[2]
        elif plain is not None:
            raise UsageError(f"--model was given twice: {plain} and {name}")
        else:
            plain = name
    return Wishes(model=plain, models=aliased, simulate=simulate)


def read_preset(
    name: str | None,
    council: Path | None,
    *,
    events: EventLevel | None,
    stream: bool,
    events_out: Path | None,
) -> Preset:
    """`--preset`, under what other options say. Raises UsageError, InvalidCouncil."""
    if stream and events in ("none", "steps"):
        raise UsageError(f"--stream prints pieces of text, and --events {events} builds none")
    if events_out is not None and events == "none":
        raise UsageError("--events-out writes events, and --events none builds none")
    how = preset_under(Settings(events=events), name, council)
    if events is None and (stream or (events_out is not None and how.settings.level == "none")):
        # To ask for events is to have them built, whatever a preset says about them.
        how = structs.replace(how, settings=Settings(emit_events=True).over(how.settings))
    return how


def read_events_out(path: Path | None, *others: Path | None) -> Path | None:
    """`--events-out`; `-` and what is stdout already become `-`. Raises UsageError.

    `others`: what else the run writes; the first of them is the answer's.
    """
    if path is None:
        return None
    if str(path) == "-" or is_stdout(path):
        if others[0] is None:
            raise UsageError(
                "stdout is for the answer, so events cannot be written to it",
                hint="-o FILE puts the answer elsewhere",
            )
        return Path("-")
    if path.absolute() in [other.absolute() for other in others if other is not None]:
        raise UsageError(f"--events-out {path}: the run writes something else there")
    return path


def read_caching(cache: bool | None, *, refresh: bool, size: int | None = None) -> CacheWishes:
    """`--cache`, `--no-cache` and `--refresh`. Raises UsageError."""
    if refresh and cache is False:
        raise UsageError("--refresh keeps new answers, and --no-cache keeps none")
    return CacheWishes(cache=cache, refresh=refresh, size=ENTRIES if size is None else size)


def read_timeout(text: str | None) -> float | None:
    """Seconds. Raises UsageError."""
    seconds = read_duration("--timeout", text)
    if seconds is not None and seconds <= 0:
        raise UsageError(f"--timeout {text}: a run needs some time")
    return seconds
