"""A run in GitHub Actions: annotations on the lines of the council, and a job summary.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.summary import reasons
from konseho_cli.report.text import encodable, harmless

MOST_SUMMARY = 1 << 20
"""Bytes that a step may put into its summary; more of them, and GitHub shows nothing."""
MOST_ANNOTATIONS = 10
"""Errors of one step that GitHub shows, and as many warnings."""
_CUT = "\n\n*The rest is left out: GitHub shows 1 MiB.*\n"


class Place(NamedTuple):
    """Where something is written; a file as the repository knows it."""

    file: str
    line: int | None = None


def workflow_commands(
    outcome: RunOutcome, verdicts: Sequence[Verdict], places: Mapping[str, Place]
) -> str:
    """Lines for stdout or stderr, empty where all is well.

    `places`: of `gate`, of a target by its name, and of the council itself as the empty name.
    """
    errors = list(_errors(outcome, verdicts))[:MOST_ANNOTATIONS]
    warnings = [] if outcome.error is not None else list(reasons(outcome))[:MOST_ANNOTATIONS]
    lines = [
        *(_command("error", what, places.get(name) or places.get(""), text)
          for name, what, text in errors),
        *(_command("warning", "degraded", places.get(""), text) for text in warnings),
    ]  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def _errors(outcome: RunOutcome, verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str, str]]:
    if outcome.error is not None:
        yield "", f"{outcome.council}: {outcome.status}", outcome.error
    if outcome.gate is False:
        yield "gate", f"{outcome.council}: gate", "the gate is false"
    for verdict in verdicts:
        if verdict.refuses:
            said = f"{verdict.name}: {verdict.measured}, {verdict.bound} {verdict.target}"
            yield verdict.name, f"{outcome.council}: target missed", said


def _command(kind: str, title: str, place: Place | None, text: str) -> str:
    said = {"title": title}
    if place is not None:
        said = {
            "file": place.file,
            **({} if place.line is None else {"line": str(place.line)}),
            **said,
        }
    properties = ",".join(f"{name}={_property(value)}" for name, value in said.items())
    return f"::{kind} {properties}::{_data(text)}"


def _data(text: str) -> str:
    """One line: what would begin another is escaped, for the text comes from models too."""
    plain = harmless(encodable(text))
    return plain.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def bounded(markdown: str, taken: int = 0) -> bytes:
    """A summary that GitHub shows beside the `taken` bytes that are there: cut between lines."""
    text = encodable(markdown).encode()
    room = MOST_SUMMARY - taken
    if len(text) <= room:
        return text
    cut = _CUT.encode()
    if room <= len(cut):
        return b""
    kept = text[: room - len(cut)]
    return kept[: kept.rfind(b"\n") + 1] + cut
