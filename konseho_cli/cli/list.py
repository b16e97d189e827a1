"""`konseho list`: the councils that ship with Konseho, or its presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from konseho_cli.cli import options
from konseho_cli.cli.printing import wrapped_at
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.core.files import shipped
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.wrap import beside
from konseho_cli.spec.load import load_council
from konseho_cli.spec.preset import load_preset, presets_beside


def command(
    presets: Annotated[
        bool, typer.Option("--presets", help="The presets instead, for `run --preset`.")
    ] = False,
    json: options.AsJson = False,
) -> None:
    """List the councils that ship with Konseho."""
    if presets:
        _deliver("presets", _presets(), json=json)
    else:
        list_councils(json=json)


def list_councils(*, json: bool) -> None:
    """The councils that ship: to run, or for `konseho init` to begin with."""
    _deliver("councils", _councils(), json=json)


def _deliver(what: str, found: Mapping[str, str], *, json: bool) -> None:
    if json:
        listed = [{"name": name, "description": about} for name, about in found.items()]
        deliver_to_stdout(dump({"konseho": FORMAT, what: listed}))
        return
    names, columns = max(map(len, found), default=0), wrapped_at()
    lines = [beside(f"{name:<{names}}  ", about, columns) for name, about in found.items()]
    deliver_to_stdout("\n".join(line for entry in lines for line in entry))


def _councils() -> Mapping[str, str]:
    files = sorted(shipped("councils").glob("*.yaml"))
    return {file.stem: load_council(file).spec.description for file in files}


def _presets() -> Mapping[str, str]:
    return {name: load_preset(file).description for name, file in presets_beside().items()}
