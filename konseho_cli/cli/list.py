"""`konseho list`: the councils that ship with Konseho."""

from __future__ import annotations

from konseho_cli.cli import options
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.core.files import shipped
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.spec.load import load_council


def command(json: options.AsJson = False) -> None:
    """List the councils that ship with Konseho."""
    files = sorted(shipped("councils").glob("*.yaml"))
    found = {file.stem: load_council(file).spec.description for file in files}
    if json:
        councils = [{"name": name, "description": about} for name, about in found.items()]
        deliver_to_stdout(dump({"konseho": FORMAT, "councils": councils}))
        return
    width = max(map(len, found), default=0)
    deliver_to_stdout("\n".join(f"{name:<{width}}  {about}" for name, about in found.items()))
