"""`konseho schema`: the JSON Schema of council files."""

from __future__ import annotations

from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.report.json import dump
from konseho_cli.spec.schema import council_schema


def command() -> None:
    """Print the JSON Schema of council files.

    Editors check and complete with it: `konseho schema > council.schema.json`, then
    `# yaml-language-server: $schema=council.schema.json` in the first line of a council.
    """
    deliver_to_stdout(dump(council_schema()))
