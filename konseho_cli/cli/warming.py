"""What `konseho cache warm` does: a run whose answers are kept, and not shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from konseho_cli.cli.asking import check_stdin, read_models, read_task
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.streams import tell
from konseho_cli.cli.watching import conduct, screen_for
from konseho_cli.core.errors import KonsehoError, StoreFailed
from konseho_cli.engine.options import RunOptions
from konseho_cli.models.cache import CacheWishes
from konseho_cli.report.cache import warmed_text
from konseho_cli.session import Session
from konseho_cli.spec.find import find_council
from konseho_cli.spec.inputs import read_inputs
from konseho_cli.spec.load import load_council


def warm_up(
    council: str,
    task: str | None,
    task_file: Path | None,
    inputs: Sequence[str],
    models: Sequence[str],
    *,
    quiet: bool,
) -> int:
    """Run, and say what is new; the exit status. Raises KonsehoError before the run."""
    check_stdin(task, task_file, inputs)
    loaded = load_council(find_council(council))
    options = RunOptions(
        task=read_task(task, task_file),
        inputs=read_inputs(loaded.spec, inputs),
        wishes=read_models(models, simulate=False),
        caching=CacheWishes(cache=True),
    )
    session = Session(loaded, options)
    screen = screen_for(session, quiet=quiet)
    outcome = conduct(session, screen, None)
    for warning in outcome.warnings:
        screen.say(f"warning: {warning}")
    deliver_to_stdout(warmed_text(outcome))
    if outcome.error is None and outcome.cache is not None and outcome.cache.broken:
        raise StoreFailed("no answer is kept on disk, so none will be there")
    if outcome.error is not None:
        tell(KonsehoError(outcome.error, hint=outcome.hint))
    return outcome.exit_code if screen.stopped_by is None else 128 + screen.stopped_by
