"""`konseho show`: the plan of a council."""

from __future__ import annotations

import os

from konseho_cli.cli import options
from konseho_cli.cli.asking import read_models
from konseho_cli.cli.printing import symbols
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.core.errors import UsageError
from konseho_cli.engine.casting import Wishes, cast_models
from konseho_cli.engine.plan import plan_of
from konseho_cli.report.mermaid import plan_mermaid
from konseho_cli.report.plan import Shown, plan_json, plan_text
from konseho_cli.report.prompts import Prompt, prompts_document, prompts_text, rehearse
from konseho_cli.spec.find import find_council
from konseho_cli.spec.load import load_council
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.populations import specimen
from konseho_cli.spec.sizes import sizes_of


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
    spec, plan = loaded.spec, plan_of(loaded)
    wishes = read_models(model, simulate=False)
    casting = cast_models(spec, loaded.steps, wishes, os.environ, loaded.councils)
    asked = _prompts(loaded, wishes, task) if prompts else None
    shown = Shown.of(spec, plan, casting)
    if mermaid:
        text = plan_mermaid(plan, sizes_of(spec.agents))
    elif json:
        text = plan_json(shown, None if asked is None else prompts_document(asked))
    elif asked is not None:
        text = prompts_text(asked)
    else:
        text = plan_text(shown, symbols())
    deliver_to_stdout(text)


def _prompts(loaded: Loaded, wishes: Wishes, task: str | None) -> tuple[Prompt, ...]:
    """What everybody is asked; of a population, two."""
    few = specimen(loaded)
    casting = cast_models(few.spec, few.steps, wishes, os.environ, few.councils)
    return rehearse(few.spec, plan_of(few), casting, task, few.agents)
