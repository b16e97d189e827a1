"""`konseho list`: the councils that ship with Konseho, or its presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from konseho_cli.cli import options
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.core.files import shipped
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.spec.load import load_council
from konseho_cli.spec.preset import load_preset, presets_beside


def command(
    presets: Annotated[
        bool, typer.Option("--presets", help="The presets instead, for `run --preset`.")
    ] = False,
    json: options.AsJson = False,
) -> None:
    """List the councils that ship with Konseho."""
    found = _presets() if presets else _councils()
    if json:
        listed = [{"name": name, "description": about} for name, about in found.items()]
        what = "presets" if presets else "councils"
        deliver_to_stdout(dump({"konseho": FORMAT, what: listed}))
        return
    width = max(map(len, found), default=0)
    deliver_to_stdout("\n".join(f"{name:<{width}}  {about}" for name, about in found.items()))


def _councils() -> Mapping[str, str]:
    files = sorted(shipped("councils").glob("*.yaml"))
    return {file.stem: load_council(file).spec.description for file in files}


def _presets() -> Mapping[str, str]:
    return {name: load_preset(file).description for name, file in presets_beside().items()}
