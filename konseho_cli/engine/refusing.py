"""What is refused before any call, since its answers would be about nothing, or decide by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import structs

from konseho_cli.core.errors import UsageError
from konseho_cli.engine.casting import Casting
from konseho_cli.models.base import PERSON
from konseho_cli.models.config import allows_exec
from konseho_cli.models.registry import ModelChoice
from konseho_cli.spec.document import CouncilSpec, Targets
from konseho_cli.steps.base import Base, root, speaker_ids

if TYPE_CHECKING:
    from konseho_cli.models.person import Desk  # only a run with a person loads it

ALLOWS = "KONSEHO_ALLOW_EXEC"
"""`--allow-exec` as the processes that we start are told."""
_MOST_SHOWN = 12
_LONGEST = 500
"""Characters of a command line that are shown."""
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


def refuse_unheard(
    steps: Mapping[str, Base],
    casting: Casting,
    desk: Desk | None,
    known: Callable[[str, str], bool],
) -> None:
    """A person who cannot be asked is missed before anything is paid for. Raises UsageError.

    `steps`: by their places. `known`: whether the answer of an agent in a step is there already.
    """
    for name, step in steps.items():
        for agent in speaker_ids(step):
            choice = _choice(casting, name, agent)
            if choice.provider != PERSON or choice.fallback or known(name, agent):
                continue
            if step.overdue() is not None or (desk is not None and desk.attends(name, agent)):
                continue
            if _answered(steps, desk) and _may_be_skipped(name, steps):
                continue  # whoever gave answers knows which way it goes
            raise _unheard(name, agent, desk)


def _answered(steps: Mapping[str, Base], desk: Desk | None) -> bool:
    """Whether anybody is attended to."""
    return desk is not None and any(
        desk.attends(name, agent) for name, step in steps.items() for agent in speaker_ids(step)
    )


def _may_be_skipped(place: str, steps: Mapping[str, Base]) -> bool:
    """Whether the step, or one around it, may be left out in the run."""
    around = place
    while around:
        step = steps.get(around)
        inner = place != around and step is not None and len(step.blocks()) > 1
        if inner or (step is not None and step.when is not None):
            return True
        around = around.rpartition(".")[0]
    return False


def _choice(casting: Casting, place: str, agent: str) -> ModelChoice:
    """Of an agent of the council that the step at this place belongs to."""
    around = place.rpartition(".")[0]
    while around and f"{around}.{agent}" not in casting.choices:
        around = around.rpartition(".")[0]
    return casting.choices[f"{around}.{agent}" if around else agent]


def _unheard(step: str, agent: str, desk: Desk | None) -> UsageError:
    if desk is None:
        return UsageError(
            f"step '{step}' asks a person ({agent}), and nobody is asked here",
            hint="--simulate lets `sim` answer, --replay a run in which they did; "
            "in Python, give answer=…",
        )
    return UsageError(
        f"step '{step}' asks a person ({agent}), and there is no terminal",
        hint="use --answers FILE, or give a `human` step a default",
    )


def _of_answers(targets: Targets) -> bool:
    """Whether any of them is about what the models do; Konseho's own time is not."""
    return structs.replace(targets, **dict.fromkeys(_OWN)) != Targets()


def refuse_programs(steps: Iterable[Base], env: Mapping[str, str], *, allowed: bool) -> None:
    """Programs are executed where the user says so, and never because a file does.

    Raises UsageError, naming them.
    """
    found = [line for step in steps for line in step.programs()]
    if not found or allowed or may_execute(env):
        return
    shown = "".join(f"\n  {_one_line(line)}" for line in found[:_MOST_SHOWN])
    more = len(found) - _MOST_SHOWN
    shown += f"\n  and {more} more" if more > 0 else ""
    many = "programs" if len(found) > 1 else "a program"
    raise UsageError(
        f"this council would execute {many}, with all your rights:{shown}",
        hint=f"--allow-exec or {ALLOWS}=1 lets it; konseho show prints the plan, and executes nothing",
    )


def may_execute(env: Mapping[str, str]) -> bool:
    """Whether the environment or the user's own settings let programs be executed."""
    return env.get(ALLOWS, "").strip() in ("1", "true") or allows_exec(env)


def _one_line(command: str) -> str:
    """What is left out of a long one is said: it may be what matters."""
    line = " ".join(command.split())
    more = len(line) - _LONGEST
    return line if more <= 0 else f"{line[:_LONGEST]}… and {more:,} more characters"


def _asks_for_it(step: Base) -> bool:
    return (step.prompt is None and not step.programs()) or _reads_task(step)


def _reads_task(step: Base) -> bool:
    return any("task" in map(root, names) for names in step.references().values())
