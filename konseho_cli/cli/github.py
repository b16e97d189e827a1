"""What a workflow of GitHub is told of a run: annotations on stderr, and the job's summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from konseho_cli.cli.streams import mutter
from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.marks import Marks
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.github import Place, bounded, workflow_commands
from konseho_cli.report.markdown import summary_markdown
from konseho_cli.spec.load import read_yaml


def tell_github(
    outcome: RunOutcome,
    verdicts: Sequence[Verdict],
    env: Mapping[str, str],
    *,
    council: Path | None,
    markdown: str | None = None,
) -> None:
    """Annotate the lines of the council that do not hold, and add `markdown` to the job's summary.

    By default that is how the run went, without its answer: summaries are as public as logs are.
    """
    root = Path(env.get("GITHUB_WORKSPACE") or Path.cwd())
    mutter(workflow_commands(outcome, verdicts, _places(council, verdicts, root)))
    file = env.get("GITHUB_STEP_SUMMARY")
    if file:
        text = summary_markdown(outcome, verdicts) if markdown is None else markdown
        _append(Path(file), text)


def _append(file: Path, markdown: str) -> None:
    """A summary that cannot be written takes nothing from the run, but it is said."""
    try:
        taken = file.stat().st_size if file.exists() else 0
        with file.open("ab") as summary:
            summary.write(bounded(markdown, taken))
    except OSError as error:
        mutter(f"the job summary could not be written: {error.strerror}\n")


def _places(council: Path | None, verdicts: Sequence[Verdict], root: Path) -> dict[str, Place]:
    """Where the council states its gate and its targets; what a preset states has its file's name."""
    if council is None:
        return {}
    path, root = council.resolve(), root.resolve()
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    file, marks = shown.as_posix(), _marks(council)
    found = {"": Place(file)}
    for name, where in (
        ("gate", ("gate",)),
        *((verdict.name, ("targets", verdict.name)) for verdict in verdicts),
    ):
        if where in marks.keys:
            line, _ = marks.of(where, key=True) or (None, None)
            found[name] = Place(file, line)
    return found


def _marks(council: Path) -> Marks:
    try:
        return read_yaml(council, begin="konseho: 1").marks
    except KonsehoError:  # it was changed while it ran
        return Marks()
