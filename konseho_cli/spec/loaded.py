"""A council without mistakes: what everything below the file is made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from konseho_cli.agents.definition import Agent
from konseho_cli.core.errors import Problem
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.steps.blocks import every_step
from konseho_cli.steps.union import Step


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A council without mistakes."""

    spec: CouncilSpec
    """With every id filled in, agents read from their files, and only ids in the steps."""
    steps: Mapping[str, Step]
    """By id, in the order of the file."""
    warnings: tuple[Problem, ...]
    file: Path | None
    """None: the document was made in Python."""
    councils: Mapping[str, Loaded] = {}
    """Councils that steps run, by the place of the step: `review`, `polish.review`."""
    took_s: float = 0.0
    """Seconds that it took to read and check it."""

    def every_step(self) -> Iterator[tuple[str, Step]]:
        """All steps with their places, those inside of others and of their councils included."""
        for place, step in every_step(self.steps.values()):
            yield place, step  # type: ignore[misc]
            if place in self.councils:
                inside = self.councils[place].every_step()
                yield from ((f"{place}.{inner}", each) for inner, each in inside)

    @property
    def agents(self) -> Mapping[str, Agent]:
        """All agents; those of a step's council by its place, too: `review.ann`."""
        found = dict(self.spec.agents)
        for place, council in self.councils.items():
            found |= {f"{place}.{name}": agent for name, agent in council.agents.items()}
        return found
