"""What is refused before any call, since its answers would be about nothing, or decide by chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import structs

from konseho_cli.core.errors import UsageError
from konseho_cli.models.config import allows_exec
from konseho_cli.spec.document import CouncilSpec, Targets
from konseho_cli.steps.base import Base, root

ALLOWS = "KONSEHO_ALLOW_EXEC"
"""`--allow-exec` as the processes that we start are told."""
_MOST_SHOWN = 12
_OWN = ("step_overhead", "creation", "event", "delegation", "context", "memory_per_agent")
"""Targets of what Konseho itself takes, whoever answers."""


def refuse_no_task(task: str, steps: Iterable[Base]) -> None:
    """Prompts must not speak of a task that nobody gave. Raises UsageError."""
    if not task.strip() and any(_asks_for_it(step) for step in steps):
        raise UsageError(
            "there is no task",
            hint="give it as an argument, by --task-file, on stdin with -, "
            'or in the file: task: "…"',
        )


def refuse_undecided(spec: CouncilSpec, targets: Targets, *, strict: bool) -> None:
    """Simulated answers that nobody asked for never decide anything. Raises UsageError.

    `targets`: those of a preset.
    """
    for what, there in (
        ("a gate", spec.gate is not None),
        ("targets", spec.targets != Targets() or _of_answers(targets)),
        ("--strict", strict),
    ):
        if there:
            raise UsageError(
                f"no model chosen: with {what}, simulated answers must be asked for",
                hint="set --model or KONSEHO_MODEL, or a key such as OPENAI_API_KEY; "
                "--model sim simulates",
            )


def _of_answers(targets: Targets) -> bool:
    """Whether any of them is about what the models do; Konseho's own time is not."""
    return structs.replace(targets, **dict.fromkeys(_OWN)) != Targets()


def refuse_programs(steps: Iterable[Base], env: Mapping[str, str], *, allowed: bool) -> None:
    """Programs are executed where the user says so, and never because a file does.

    Raises UsageError, naming them.
    """
    found = [line for step in steps for line in step.programs()]
    if not found or allowed or env.get(ALLOWS, "").strip() in ("1", "true") or allows_exec(env):
        return
    shown = "".join(f"\n  {' '.join(line.split()):.200}" for line in found[:_MOST_SHOWN])
    more = len(found) - _MOST_SHOWN
    shown += f"\n  and {more} more" if more > 0 else ""
    many = "programs" if len(found) > 1 else "a program"
    raise UsageError(
        f"this council would execute {many}, with all your rights:{shown}",
        hint="--allow-exec lets it; konseho show prints the plan, and executes nothing",
    )


def _asks_for_it(step: Base) -> bool:
    return (step.prompt is None and not step.programs()) or _reads_task(step)


def _reads_task(step: Base) -> bool:
    return any("task" in map(root, names) for names in step.references().values())
