"""Every kind of step, as one type: the line that a new kind is added to."""

from __future__ import annotations

from typing import TypeAlias, get_type_hints

from konseho_cli.steps import loop, nested, route
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Base
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.command import Command
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.human import Human
from konseho_cli.steps.loop import Loop
from konseho_cli.steps.nested import Nested
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.refine import Refine
from konseho_cli.steps.route import Route
from konseho_cli.steps.split import Split
from konseho_cli.steps.vote import Vote

Step: TypeAlias = (
    Ask
    | Parallel
    | Split
    | Debate
    | Vote
    | Chair
    | Human
    | Command
    | Loop
    | Nested
    | Refine
    | Route
)

# A step that holds steps cannot import this module, which imports it.
loop.Step = Step  # type: ignore[assignment]
nested.Step = Step  # type: ignore[assignment]
route.Step = Step  # type: ignore[assignment]

# msgspec evaluates annotations anew for each struct that inherits them, which most of the time to
# load a process's first council went into: once is enough.
Base.__annotations__ = get_type_hints(Base, include_extras=True)
