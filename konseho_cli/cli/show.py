"""`konseho show`: the plan of a council."""

from __future__ import annotations

import sys

from konseho_cli.cli import options
from konseho_cli.cli.asking import read_models
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.running import shown_of
from konseho_cli.core.errors import UsageError
from konseho_cli.report.mermaid import plan_mermaid
from konseho_cli.report.plan import plan_json, plan_text, prompts_text
from konseho_cli.report.symbols import symbols_for
from konseho_cli.session import RunOptions, Session, find_council
from konseho_cli.spec.load import load_council


def command(
    council: options.Council,
    task: options.Task = None,
    model: options.Models = [],  # noqa: B006 - Typer reads it, nobody writes it
    prompts: options.WithPrompts = False,
    mermaid: options.AsMermaid = False,
    json: options.AsJson = False,
) -> None:
    """Show the plan of a council: order, reasons, calls."""
    if mermaid and (json or prompts):
        raise UsageError("--mermaid draws the plan alone: not with --json or --prompts")
    loaded = load_council(find_council(council))
    session = Session(loaded, RunOptions(task=task, wishes=read_models(model, simulate=False)))
    asked = session.prompts() if prompts else None
    if mermaid:
        text = plan_mermaid(session.plan)
    elif json:
        text = plan_json(shown_of(session), asked)
    elif asked is not None:
        text = prompts_text(asked)
    else:
        text = plan_text(shown_of(session), symbols_for(sys.stdout.encoding))
    deliver_to_stdout(text)
