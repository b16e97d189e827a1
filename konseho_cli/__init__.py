"""Konseho runs councils of LLM agents written in YAML, and holds every run to account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from konseho_cli.agents.definition import Agent as Agent
    from konseho_cli.agents.limits import Limits as Limits
    from konseho_cli.core.errors import InvalidCouncil as InvalidCouncil
    from konseho_cli.core.errors import KonsehoError as KonsehoError
    from konseho_cli.council import Council as Council
    from konseho_cli.engine.outcome import RunOutcome as RunOutcome
    from konseho_cli.spec.document import Input as Input
    from konseho_cli.spec.document import ModelSpec as ModelSpec
    from konseho_cli.spec.document import Targets as Targets
    from konseho_cli.steps.ask import Ask as Ask
    from konseho_cli.steps.chair import Chair as Chair
    from konseho_cli.steps.debate import Debate as Debate
    from konseho_cli.steps.fields import Fallback as Fallback
    from konseho_cli.steps.fields import Output as Output
    from konseho_cli.steps.fields import Window as Window
    from konseho_cli.steps.human import Human as Human
    from konseho_cli.steps.loop import Loop as Loop
    from konseho_cli.steps.nested import Nested as Nested
    from konseho_cli.steps.parallel import Parallel as Parallel
    from konseho_cli.steps.refine import Refine as Refine
    from konseho_cli.steps.route import Route as Route
    from konseho_cli.steps.split import Split as Split
    from konseho_cli.steps.vote import Vote as Vote
    from konseho_cli.telemetry.timings import Timing as Timing
    from konseho_cli.telemetry.tracker import Tracker as Tracker
    from konseho_cli.version import __version__ as __version__

_HOMES = {
    "Agent": "agents.definition",
    "Ask": "steps.ask",
    "Chair": "steps.chair",
    "Council": "council",
    "Debate": "steps.debate",
    "Fallback": "steps.fields",
    "Human": "steps.human",
    "Input": "spec.document",
    "InvalidCouncil": "core.errors",
    "KonsehoError": "core.errors",
    "Limits": "agents.limits",
    "Loop": "steps.loop",
    "ModelSpec": "spec.document",
    "Nested": "steps.nested",
    "Output": "steps.fields",
    "Parallel": "steps.parallel",
    "Refine": "steps.refine",
    "Route": "steps.route",
    "RunOutcome": "engine.outcome",
    "Split": "steps.split",
    "Targets": "spec.document",
    "Timing": "telemetry.timings",
    "Tracker": "telemetry.tracker",
    "Vote": "steps.vote",
    "Window": "steps.fields",
    "__version__": "version",
}
"""Public name → the module that defines it; imported on first use (PEP 562)."""

__all__ = sorted(_HOMES)  # noqa: PLE0605 - a table, so that names and homes cannot part


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
