"""What a run holds in memory, and what it lets go of: the entries' threads and its turns to wait.

Where no setting asks for anything, outcomes stay what they are and this is a list of what was said.
In virtual time everything stays in memory, so that a replay never depends on a disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from konseho_cli.context.said import Said, Words
from konseho_cli.context.settings import ContextSettings
from konseho_cli.context.templates import references
from konseho_cli.core.errors import StoreFailed
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.held import HeldOutcome, as_parts
from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.engine.plan import Plan, PlannedStep
from konseho_cli.steps.base import root
from konseho_cli.steps.results import Part
from konseho_cli.store.home import find_home
from konseho_cli.telemetry.spans import Scope

if TYPE_CHECKING:
    from konseho_cli.context.entries import Entries  # only a run that has much to hold loads it

LOST = ("failed", "cancelled")
"""How a step ended whose answers are all that is left of it."""
_THE_END = ""
"""Who reads what `answer` and `gate` name: no step."""


def spill_folder(env: Mapping[str, str]) -> Path | None:
    """`.konseho/` where there is one; None: the system's folder for temporary files."""
    try:
        home = find_home(env)
        return home if home.is_dir() else None
    except (StoreFailed, OSError):
        return None  # a run that keeps nothing does not end for that


class Holding:
    """The outputs and answers of one run. Make it inside the running loop."""

    def __init__(self, settings: ContextSettings, folder: Path | None, readers: Readers) -> None:
        """`readers`: asked only where outputs are let go of early."""
        self._virtual = isinstance(asyncio.get_running_loop(), VirtualLoop)
        self._settings = ContextSettings() if self._virtual else settings
        self._folder = folder
        self._entries: Entries | None = None
        self._said = Said()
        self._readers = readers
        self._settling: asyncio.Future[None] | None = None

    # ------------------------------------------------------------------- what is said

    def say(self, step: str, agent: str, label: str, text: str) -> None:
        """Note an answer of a step that still runs."""
        much = self._said.keep(step, agent, label, text)
        if much and not self._virtual:
            self._said.move(self._opened())

    def keep(self, outcome: StepOutcome) -> StepOutcome:
        """The outcome as the run is to hold it; what was said in a step that failed is its parts."""
        words = self._said.take(outcome.id)
        lost = outcome.status in LOST
        if not lost:
            self._said.forget(words)
            words = []
        if self._settings.inert and all(isinstance(text, str) for _, text in words):
            parts = _parts(words)
            # It was paid for: it is not thrown away.
            return structs.replace(outcome, parts=parts) if lost else outcome
        if not lost:
            words = [(part.label, part.text) for part in outcome.parts]
        return self._held(outcome, words)

    def kept(self, outcome: StepOutcome) -> StepOutcome:
        """An outcome of an earlier session, as the run is to hold it."""
        if self._settings.inert:
            return outcome
        return self._held(outcome, [(part.label, part.text) for part in outcome.parts])

    def _held(self, outcome: StepOutcome, words: Words) -> HeldOutcome:
        from konseho_cli.context.output import Output

        return HeldOutcome(
            id=outcome.id, kind=outcome.kind, status=outcome.status, reasons=outcome.reasons,
            start=outcome.start, end=outcome.end,
            output=Output(self._opened(), outcome.id, outcome.value, words, outcome.details),
        )  # fmt: skip

    def _opened(self) -> Entries:
        if self._entries is None:
            from konseho_cli.context.entries import Entries

            self._entries = Entries(self._settings, self._folder)
        return self._entries

    # ------------------------------------------------------------------- let go

    def ended(self, step: str, outcomes: Mapping[str, StepOutcome]) -> None:
        """Let go of what nobody will read now that a step is over, where that is wanted."""
        if self._settings.collect != "eager":
            return
        for name in self._readers.over(step, outcomes.keys()):
            outcome = outcomes[name]
            if isinstance(outcome, HeldOutcome):
                self._opened().release(outcome.output.keys)

    @property
    def pressed(self) -> bool:
        """Whether whoever added something has to wait until there is room."""
        return self._entries is not None and self._entries.pressed

    async def settle(self, scope: Scope, step: str) -> int:
        """Wait for room; the id of the span in which that was."""
        entries, loop = self._opened(), asyncio.get_running_loop()
        with scope.span("context", step=step) as span:
            while entries.pressed:
                if self._settling is None or self._settling.done():
                    self._settling = loop.run_in_executor(None, entries.settle)
                # Who waits may be cancelled; the others wait on.
                await asyncio.shield(self._settling)
        return span.id

    @property
    def warnings(self) -> tuple[str, ...]:
        """What did not go as the settings wish."""
        return (self._entries.warning,) if self._entries and self._entries.warning else ()

    # ------------------------------------------------------------------- read

    @property
    def active(self) -> bool:
        """Whether outcomes may be elsewhere than in memory."""
        return self._entries is not None

    async def value(self, outcome: StepOutcome) -> Any:
        """What templates read of a step; from a thread where it is not in memory."""
        if not isinstance(outcome, HeldOutcome):
            return outcome.value
        from konseho_cli.context.version import ABSENT

        value = outcome.output.peek("value")
        if value is not ABSENT:
            return value
        return await asyncio.get_running_loop().run_in_executor(None, outcome.output.get, "value")

    async def parts(self, outcome: StepOutcome) -> tuple[Part, ...]:
        """A step's parts; from a thread where they are not in memory."""
        if not isinstance(outcome, HeldOutcome):
            return outcome.parts
        parts = outcome.output.peek_parts()
        if parts is None:
            loop = asyncio.get_running_loop()
            parts = await loop.run_in_executor(None, outcome.output.get_parts)
        return as_parts(parts)


def _parts(words: Words) -> tuple[Part, ...]:
    return tuple(Part(label=label, text=text) for label, text in words if isinstance(text, str))


class Readers:
    """Which steps still read which: the plan's edges, taken away as steps end."""

    def __init__(self, plan: Plan, answer: str | None, gate: str | None) -> None:
        self._plan = plan
        self._final = (answer, gate)
        self._reads: dict[str, frozenset[str]] = {}
        self._readers: dict[str, set[str]] = {}

    def over(self, step: str, ended: Iterable[str]) -> Iterator[str]:
        """Steps that ended and that nobody will read, now that `step` is over."""
        if not self._readers:
            self._draw()
        over = set(ended)
        for other in sorted(self._reads[step]):
            self._readers[other].discard(step)
            if not self._readers[other] and other in over:
                yield other
        if not self._readers[step]:
            yield step

    def _draw(self) -> None:
        plan, (answer, gate) = self._plan, self._final
        self._readers = {planned.id: set() for planned in plan.steps}
        self._reads = {planned.id: reads_of(planned) for planned in plan.steps}
        final = {root(path) for text in (answer, gate) if text for path in references(text)}
        if answer is None:
            final.add(plan.steps[-1].id)
        self._reads[_THE_END] = frozenset(final & self._readers.keys())
        for name, others in self._reads.items():
            for other in others:
                self._readers[other].add(name)


def reads_of(planned: PlannedStep) -> frozenset[str]:
    """The steps whose outputs a step reads; without a `prompt` of its own, all that it sees."""
    return planned.reads if planned.step.prompt is not None else frozenset(planned.sees)
