"""`konseho schema`: the JSON Schema of council files, or of presets."""

from __future__ import annotations

from typing import Annotated

import typer

from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.report.json import dump
from konseho_cli.spec.schema import council_schema, preset_schema


def command(
    preset: Annotated[bool, typer.Option("--preset", help="That of presets instead.")] = False,
) -> None:
    """Print the JSON Schema of council files.

    Editors check and complete with it: `konseho schema > council.schema.json`, then
    `# yaml-language-server: $schema=council.schema.json` in the first line of a council.
    """
    deliver_to_stdout(dump(preset_schema() if preset else council_schema()))
