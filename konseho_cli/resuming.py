"""Going on with a run: the session that calls models only for what is not there."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml
from msgspec import structs

from konseho_cli.core.errors import Problem, UsageError
from konseho_cli.core.process import is_alive
from konseho_cli.core.source import shown_path
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.remembered import Remembered, decode
from konseho_cli.engine.storing import storing_for
from konseho_cli.engine.taping import Taping, redactor_of
from konseho_cli.models.cassette import hidden
from konseho_cli.session import Session
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import council_document, load_council
from konseho_cli.spec.loaded import Loaded
from konseho_cli.store.base import RunRow, StoredRun

if TYPE_CHECKING:
    from konseho_cli.models.person import Desk

_MOST_LINES = 60
"""Of a difference between two councils."""


class Resumption(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says about going on."""

    force: bool = False
    """Whether a changed council is run, and a run that may still be running."""
    timeout_s: float | None = None
    """Seconds for what is left; None: as it was."""
    max_concurrency: int | None = None
    allow_exec: bool = False
    """Whether what is left may execute programs."""
    store: Path | None = None
    """The database; None: the one in `.konseho/`."""


def resume(
    stored: StoredRun,
    wanted: Resumption,
    env: Mapping[str, str] | None = None,
    loaded: Loaded | None = None,
    desk: Callable[[], Desk] | None = None,
) -> Session:
    """The session that goes on with a run; nothing has been called.

    `loaded`: the council of now; None: it is read from the file that it came from. `desk`: finds
    where people are asked; None: nowhere.

    Raises UsageError for one that still runs, or whose council has changed; InvalidCouncil.
    """
    env = os.environ if env is None else env
    began = stored.row.began
    _refuse_running(stored.row, force=wanted.force)
    remembered = decode(began.document, began.run)
    loaded, changed = _council(stored, remembered, env, loaded, force=wanted.force)
    said = structs.replace(
        remembered.options,
        max_concurrency=wanted.max_concurrency or remembered.options.max_concurrency,
        timeout_s=wanted.timeout_s or remembered.options.timeout_s,
    )
    options = RunOptions(
        **structs.asdict(said),
        task=remembered.task,
        inputs=fill_inputs(loaded.spec, _known(remembered.inputs, loaded)),
        seed=remembered.seed,
        taping=Taping(recalled=remembered.wished),
        # What came to its end is given again, and nothing of it is written anew.
        storing=storing_for(
            said.settings, wanted=changed or not _is_whole(stored, loaded), file=wanted.store
        ),
        resumed=stored,
        allow_exec=wanted.allow_exec,
        changed=changed,
    )
    return Session(loaded, options, env, desk=desk)


def _is_whole(stored: StoredRun, loaded: Loaded) -> bool:
    """Whether it came to its end, and all of it is there."""
    ended = stored.row.ended
    there = loaded.steps.keys() <= {step.step for step in stored.steps}
    return ended is not None and ended.status in ("ok", "degraded") and there


def _refuse_running(row: RunRow, *, force: bool) -> None:
    run = row.began.run
    if row.ended is not None or force:
        return
    alive = is_alive(row.began.process)
    if alive:
        raise UsageError(f"run {run} is still running, as process {_pid(row)}")
    if alive is None:
        raise UsageError(
            f"run {run} began on {row.began.process.partition(':')[0] or 'another machine'}: "
            "nobody here can tell whether it still runs",
            hint="--force goes on with it all the same",
        )


def _pid(row: RunRow) -> str:
    return row.began.process.rpartition(":")[0].rpartition(":")[2]


def _council(
    stored: StoredRun,
    remembered: Remembered,
    env: Mapping[str, str],
    loaded: Loaded | None,
    *,
    force: bool,
) -> tuple[Loaded, bool]:
    """The council of now, and whether it is another than the one that ran. Raises UsageError."""
    file = Path(stored.row.began.file)
    if loaded is None:
        if not stored.row.began.file:
            return remembered.loaded(), False
        if not file.is_file():
            loaded = remembered.loaded()
            gone = Problem("", f"{shown_path(file)} is gone: the council goes on as it was")
            return structs.replace(loaded, file=file, warnings=(*loaded.warnings, gone)), False
        loaded = load_council(file)
    urls = [model.base_url for model in loaded.spec.models.values()]
    then, now = remembered.council, hidden(
        council_document(loaded.spec), redactor_of(env, (), urls).hide, free=True
    )  # fmt: skip
    if then == now:
        return loaded, False
    if not force:
        raise UsageError(
            f"{_name(loaded)} has changed since run {stored.row.began.run} began:\n"
            f"{_difference(then, now)}",
            hint="--force goes on with the changed council, and asks again where it asks otherwise",
        )
    return loaded, True


def _name(loaded: Loaded) -> str:
    return "the council" if loaded.file is None else shown_path(loaded.file)


def _difference(then: dict[str, Any], now: dict[str, Any]) -> str:
    before, after = (
        yaml.safe_dump(each, sort_keys=False, allow_unicode=True).splitlines()
        for each in (then, now)
    )
    lines = list(difflib.unified_diff(before, after, "as it ran", "as it is", lineterm="", n=2))
    more = len(lines) - _MOST_LINES
    return "\n".join([*lines[:_MOST_LINES], *([f"… {more} lines more"] if more > 0 else [])])


def _known(inputs: Mapping[str, Any], loaded: Loaded) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name in loaded.spec.inputs}
