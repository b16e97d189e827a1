"""`konseho doctor`: what is there, what is not, and how to mend it."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from konseho_cli.cli import options
from konseho_cli.cli.examining import (
    examine_machine,
    examine_packages,
    examine_profilers,
    examine_python,
    examine_terminal,
)
from konseho_cli.cli.examining_models import examine_models, examine_network
from konseho_cli.cli.examining_store import examine_store
from konseho_cli.cli.printing import print_lines, symbols, width
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.report.doctor import findings_json, findings_lines, is_broken


def command(
    network: Annotated[
        bool,
        typer.Option(
            "--network",
            help="Also ask the servers of models whether they are there; costs nothing.",
        ),
    ] = False,
    json: options.AsJson = False,
) -> None:
    """See what this machine lacks, and how to mend it.

    Python, packages, extras, keys (there or not, never what they are), the store, the profilers'
    permissions, the terminal. Nothing is changed, and nothing leaves the machine without --network.
    """
    findings = [
        *examine_python(), *examine_packages(), *examine_models(os.environ),
        *(examine_network(os.environ) if network else ()), *examine_store(os.environ),
        *examine_profilers(), *examine_terminal(os.environ), *examine_machine(),
    ]  # fmt: skip
    if json:
        deliver_to_stdout(findings_json(findings))
    else:
        print_lines(findings_lines(findings, symbols(), min(width(), 100)))
    raise typer.Exit(1 if is_broken(findings) else 0)
