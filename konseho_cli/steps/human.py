"""`human`: a person is asked: for a choice, for text, or for what a form holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from konseho_cli.agents.definition import Agent, AgentRef
from konseho_cli.core.errors import InvalidReply, NoAnswer, StepFailed
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import PERSON
from konseho_cli.steps.base import JSON, Base, Estimate, StepContext, Template, agent_id, as_text
from konseho_cli.steps.evaluating import evaluate_field, is_fixed
from konseho_cli.steps.results import Part, StepResult
from konseho_cli.steps.wording import word

QUESTION = "What is your answer?"
CHOOSE = "Choose one."
STANDS = "the default stands"


class Human(Base, frozen=True, kw_only=True, tag="human"):
    """A person is asked, and shown what was said before: for a choice, for text, or by a form."""

    question: Template | None = None
    """What is asked, below the task, the inputs and all earlier outputs."""
    choices: tuple[str, ...] | Template | None = None
    """What there is to choose from: a list, or a template that gives one."""
    default: JSON = None
    """The answer where nobody gives one in time, or nobody is there to be asked; the step is then
    degraded."""
    agent: AgentRef | None = None
    """Who is asked; by default a person named after the step."""

    templates: ClassVar[tuple[str, ...]] = ("prompt", "question", "choices")

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """The person who is named, else one named after the step."""
        return {"agent": (self.agent or Agent(name=self.id, model=PERSON),)}

    def check(self) -> Mapping[str, str]:
        """One shape for the answer, and a default that has it."""
        found: dict[str, str] = {}
        if self.choices is not None and self.output is not None:
            found["choices"] = "give `choices` or an `output` with a schema, not both"
        elif is_fixed(self.choices):
            found["choices"] = "a fixed text is no list: write [yes, no], or a template"
        elif isinstance(self.choices, tuple) and (wrong := _wrong_choices(self.choices)):
            found["choices"] = wrong
        elif self.default is not None and (wrong := self._wrong_default()):
            found["default"] = wrong
        return found

    def _wrong_default(self) -> str:
        """What is wrong with the default, as far as that is known before the run."""
        if self.schema is not None:
            return _misfit(self.schema, self.default)
        if not isinstance(self.default, str):
            return "it must be text"
        if not isinstance(self.choices, tuple) or any("{{" in each for each in self.choices):
            return ""
        named = ", ".join(self.choices)
        return "" if self.default in self.choices else f"it must be one of the choices: {named}"

    def estimate(self) -> Estimate:
        """No call: a person is no model."""
        return Estimate(fewest=0, most=0)

    def overdue(self) -> StepResult | None:
        """The default, where the time is over."""
        return None if self.default is None else _result(self.default, "default")

    async def run(self, ctx: StepContext) -> StepResult:
        """Ask once. The value is the choice, the text or the document."""
        choices = None if self.choices is None else self._choices(ctx)
        schema = self.schema if choices is None else {"type": "string", "enum": list(choices)}
        agent = self.agent if self.agent is not None else ctx.step
        try:
            answer = await ctx.ask(agent, self._prompt(ctx, choices), schema=schema)
        except NoAnswer as error:
            stands = self.overdue()
            if stands is None:
                raise
            ctx.degrade(f"{error}: {STANDS}")
            return stands
        return _result(answer.value, agent_id(agent))

    def _prompt(self, ctx: StepContext, choices: Sequence[str] | None) -> str:
        """The whole prompt in the user's own words, else what was said and the question below it."""
        question = None if self.question is None else as_text(ctx.evaluate(self.question))
        if self.prompt is not None and question is None:
            return ctx.brief()
        patience = self.timeout if self.default is not None else None
        return word(
            "human",
            brief=ctx.brief(),
            question=question or (QUESTION if choices is None else CHOOSE),
            patience="" if patience is None else show_duration(patience),
            default="" if self.default is None else as_text(self.default),
        )

    def _choices(self, ctx: StepContext) -> Sequence[str]:
        """What there is to choose from now. Raises StepFailed."""
        assert self.choices is not None
        found = evaluate_field(ctx, self.choices)
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise StepFailed(ctx.step, f"`choices` must be a list of texts, not {found!r:.60}")
        if wrong := _wrong_choices(found):
            raise StepFailed(ctx.step, f"`choices`: {wrong}")
        if self.default is not None and self.default not in found:
            raise StepFailed(ctx.step, f"the default '{self.default!s:.60}' is none of the choices")
        return found


def _result(value: JSON, label: str) -> StepResult:
    return StepResult(value=value, parts=(Part(label=label, text=as_text(value)),))


def _wrong_choices(choices: Sequence[str]) -> str:
    if not choices:
        return "at least one choice is needed"
    if not all(each.strip() for each in choices):
        return "a choice is empty"
    twice = next((each for each in choices if list(choices).count(each) > 1), None)
    return "" if twice is None else f"'{twice}' is listed twice"


def _misfit(schema: Mapping[str, Any], value: JSON) -> str:
    """Why the value does not meet the schema; empty where it does, or the schema is none."""
    from konseho_cli.models.structured import decode  # only where there is something to check

    try:
        decode(json.dumps(value), schema)
    except InvalidReply as error:
        return f"it does not fit `output.schema`: {error}"
    except Exception:  # noqa: BLE001 - what is wrong with a schema is said where it stands
        return ""
    return ""
