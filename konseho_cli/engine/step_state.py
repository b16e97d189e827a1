"""What all branches of one try of one step share: names, prompts, reasons, deadline."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from konseho_cli.context.templates import references, render
from konseho_cli.core.hashing import rng
from konseho_cli.engine.asking import Question
from konseho_cli.engine.cast import Speaker
from konseho_cli.engine.fitting import Brief, fit_prompt
from konseho_cli.engine.plan import PlannedStep
from konseho_cli.engine.state import RunState
from konseho_cli.steps.base import JSON, root
from konseho_cli.steps.fields import OnError
from konseho_cli.steps.wording import word

if TYPE_CHECKING:
    from konseho_cli.engine.windowing import Source, Windowed  # only who bounds prompts loads it


class StepState(msgspec.Struct, kw_only=True, dict=True):
    """What all branches of one try of one step share."""

    run: RunState
    planned: PlannedStep
    on_error: OnError
    names: dict[str, JSON]
    """What templates may read."""
    path: str
    """The step with its try: `review`, `review~1`."""
    deadline: float | None = None
    """When the step or the run ends at the latest, on the loop's clock in seconds."""
    reasons: list[str] = msgspec.field(default_factory=list)
    windowed: Windowed | None = None
    """The earlier outputs, where a window bounds them."""
    _random: random.Random | None = None
    _briefs: dict[bool, str] = msgspec.field(default_factory=dict)

    @cached_property
    def _read(self) -> frozenset[str]:
        """Names that the prompt reads."""
        prompt = self.planned.step.prompt
        return frozenset(map(root, references(prompt))) if prompt is not None else frozenset()

    @property
    def random(self) -> random.Random:
        """Made on first use: seeding costs more than many a step."""
        if self._random is None:
            self._random = rng(self.run.premises.seed, self.path)
        return self._random

    def degrade(self, reason: str) -> None:
        """Record a reason once."""
        if reason not in self.reasons:
            self.reasons.append(reason)

    def brief(self, earlier: bool, names: Mapping[str, JSON]) -> str:
        """The prompt or its default; rendered once where it does not depend on `names`."""
        prompt = self.planned.step.prompt
        if prompt is not None and names and not self._read.isdisjoint(names):
            return render(prompt, {**self.names, **names})
        brief = self._briefs.get(earlier)
        if brief is None:
            brief = self._default(earlier) if prompt is None else render(prompt, self.names)
            self._briefs[earlier] = brief
        return brief

    def _default(self, earlier: bool) -> str:
        return self._write(self._sources() if earlier else [])

    def _sources(self) -> Sequence[Source]:
        return self.run.sources(self.planned) if self.windowed is None else self.windowed.sources

    def _write(self, sources: Sequence[Mapping[str, str]]) -> str:
        premises = self.run.premises
        return word(
            "brief", task=premises.task, inputs=dict(premises.inputs), sources=list(sources)
        )

    def default_brief(self) -> Brief | None:
        """The default brief with the earlier outputs in it, where it was asked for."""
        text = self._briefs.get(True)
        if text is None or self.planned.step.prompt is not None:
            return None
        return Brief(text=text, sources=self._sources(), write=self._write)

    def fitted(self, speaker: Speaker, question: Question) -> Question:
        """The question, shortened where the speaker's window is too small for it."""
        if speaker.window is None:
            return question
        tokens = self.run.premises.tokens
        prompt = fit_prompt(
            question.prompt, question.schema, speaker, tokens, self.default_brief, self.degrade
        )
        return structs.replace(question, prompt=prompt)
