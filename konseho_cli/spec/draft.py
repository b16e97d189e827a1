"""A council between its types and its rules: what the rules read, and what they settle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from konseho_cli.agents.definition import Agent
from konseho_cli.core import marks
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.problems import Problems
from konseho_cli.spec.sizes import Sizes, sizes_of
from konseho_cli.steps.union import Step


class Draft(msgspec.Struct, kw_only=True):
    """The document with its types right; the rules fill in ids and agents."""

    spec: CouncilSpec
    raw: Any
    """As it was written: tells a key with its default value from a key left out."""
    problems: Problems
    folder: Path
    """Whose tree may hold the agents' files."""
    steps: list[Step] = msgspec.field(default_factory=list)
    agents: dict[str, Agent] = msgspec.field(default_factory=dict)
    places: dict[str, marks.Path] = msgspec.field(default_factory=dict)
    """Where each agent stands."""
    broken: frozenset[int] = frozenset()
    """Indexes of steps whose types are wrong."""

    @property
    def sizes(self) -> Sizes:
        """Members of the populations, as far as they are known."""
        return sizes_of(self.agents)

    @property
    def ids(self) -> list[str]:
        """Of all steps, in the order of the file."""
        return [step.id for step in self.steps]

    def written(self, path: marks.Path) -> Any:
        """What stands at a place in the file; None where nothing does."""
        value = self.raw
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def finished(self) -> CouncilSpec:
        """The spec with everything settled."""
        return msgspec.structs.replace(self.spec, steps=tuple(self.steps), agents=self.agents)
