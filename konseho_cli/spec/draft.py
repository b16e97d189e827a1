"""A council between its types and its rules: what the rules read, and what they settle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from konseho_cli.agents.definition import Agent
from konseho_cli.core import marks
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.problems import Problems
from konseho_cli.spec.sizes import Sizes, sizes_of
from konseho_cli.steps.nested import Nested
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
    read: Callable[[Nested, marks.Path], Loaded | None] = lambda step, place: None
    """Reads the council of a step; its mistakes are reported. Handed in by what reads councils."""
    document_of: Callable[[CouncilSpec], dict[str, Any]] = lambda spec: {}
    """A council as a document; handed in, likewise."""
    councils: dict[marks.Path, Loaded] = msgspec.field(default_factory=dict)
    """Councils that steps run, by the places of these."""
    broken: frozenset[marks.Path] = frozenset()
    """Places of steps whose types are wrong."""

    @property
    def sizes(self) -> Sizes:
        """Members of the populations, as far as they are known."""
        return sizes_of(self.agents)

    @property
    def ids(self) -> list[str]:
        """Of all steps, in the order of the file."""
        return [step.id for step in self.steps]

    def placed(self) -> Iterator[tuple[marks.Path, Step]]:
        """Every step with its place in the file, those that others hold included."""
        return placed(self.steps, ("steps",))

    def change(self, change: Callable[[Step, marks.Path], Step]) -> None:
        """Put another step in the place of each, those that others hold included."""

        def changed(steps: Sequence[Step], around: marks.Path) -> list[Step]:
            return [
                with_held(change(step, (*around, index)), (*around, index), changed)
                for index, step in enumerate(steps)
            ]

        self.steps = changed(self.steps, ("steps",))

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


def placed(steps: Sequence[Step], around: marks.Path) -> Iterator[tuple[marks.Path, Step]]:
    """The steps of a block, and those that they hold, each with its place."""
    for index, step in enumerate(steps):
        place = (*around, index)
        yield place, step
        for block, held in step.blocks().items():
            yield from placed(held, (*place, *block.split(".")))  # type: ignore[arg-type]


def with_held(
    step: Step, place: marks.Path, change: Callable[[Sequence[Step], marks.Path], Sequence[Step]]
) -> Step:
    """The step with `change` made to each block that it holds, which is told the block's place."""
    blocks = step.blocks()
    if not blocks:
        return step
    held = {
        block: change(steps, (*place, *block.split(".")))  # type: ignore[arg-type]
        for block, steps in blocks.items()
    }
    return step.with_blocks(held)
