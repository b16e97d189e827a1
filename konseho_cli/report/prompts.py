"""The prompts that agents would get: a rehearsal in virtual time, with stand-ins for answers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from konseho_cli.agents.definition import Agent
from konseho_cli.context.showing import SUMMARY
from konseho_cli.engine.cast import Cast, Speaker
from konseho_cli.engine.casting import Casting
from konseho_cli.engine.plan import Plan, every_planned
from konseho_cli.models.base import Call, Message, Reply, Request
from konseho_cli.spec.document import CouncilSpec

MOST_ROUNDS = 12
"""Of one rehearsal, in which other branches are taken and other conditions hold; a step whose turn
never comes stays unheard."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent is asked first in one step."""

    step: str
    """The place where it is written: `polish.draft`."""
    agent: str
    system: str
    text: str
    about: str = ""
    """`summary`: what it is asked for the step's window; empty: as one of the step's own."""


class _Rehearsing(msgspec.Struct):
    """A model that notes what it is asked and answers by name."""

    heard: dict[tuple[str, str, str], Prompt] = msgspec.field(default_factory=dict)
    round: int = 0
    """Its answers differ from round to round, and with them what is taken and what is skipped."""

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer at once, with a stand-in."""
        step, agent = call.identity.place, call.identity.agent
        system = "\n".join(each.text for each in request.messages if each.role == "system")
        about = SUMMARY if call.identity.item == SUMMARY else ""
        asked = request.messages[-1].text
        said = Prompt(step=step, agent=agent, system=system, text=asked, about=about)
        self.heard.setdefault((step, agent, about), said)
        return Reply(text=_stand_in(request, step, agent, self.round), model="rehearsal")


def _stand_in(request: Request, step: str, agent: str, number: int) -> str:
    if request.schema is None:
        return f"- (what {agent} says in {step})"  # a list of one, for steps that cut it up
    import json

    from konseho_cli.core.hashing import rng
    from konseho_cli.models.sim_document import example

    return json.dumps(
        example(request.schema, rng(step, agent, *([number] if number else [])), f"({agent}'s)")
    )


def rehearse(
    spec: CouncilSpec,
    plan: Plan,
    casting: Casting,
    task: str | None,
    agents: Mapping[str, Agent] | None = None,
) -> tuple[Prompt, ...]:
    """Each agent's first prompt in each step, in the order of the file; calls no model.

    `agents`: those of the councils inside, too, as `Loaded.agents` has them.
    """
    from konseho_cli.core.virtual import VirtualLoop, run_virtual
    from konseho_cli.engine.executor import Execution
    from konseho_cli.engine.state import Premises
    from konseho_cli.telemetry.bus import Bus

    model = _Rehearsing()
    given = Premises(
        run="rehearsal",
        council=spec.name,
        task=task or spec.task or "(the task)",
        inputs=_inputs(spec),
        cast=_cast(casting, spec.agents if agents is None else agents, model),
        price=lambda name, usage: Decimal(0),
        on_error="continue",
    )

    async def main(loop: VirtualLoop) -> None:
        await Execution(plan, given, loop, Bus(loop, loop.call_soon)).run()

    placed = list(every_planned(plan))
    speaking = {place for place, step in placed if step.step.speakers()}
    may_vary = any(step.blocks or isinstance(step.step.when, str) for _, step in placed)
    while model.round < (MOST_ROUNDS if may_vary else 1):
        run_virtual(main)
        model.round += 1
        if speaking <= {place for place, _, _ in model.heard}:
            break
    order = {place: number for number, (place, _) in enumerate(placed)}
    return tuple(sorted(model.heard.values(), key=lambda prompt: order[prompt.step]))


def _cast(casting: Casting, agents: Mapping[str, Agent], model: _Rehearsing) -> Cast:
    casts: dict[str, dict[str, Speaker]] = {"": {}}
    for key in casting.choices:
        place, _, name = key.rpartition(".")
        casts.setdefault(place, {})[name] = _speaker(agents[key], name, model)
    return Cast(casts.pop(""), casts)


def _speaker(agent: Agent, name: str, model: _Rehearsing) -> Speaker:
    role = agent.system
    messages = (Message("system", role),) if role else ()
    request = Request(model="rehearsal", messages=messages)
    return Speaker(id=name, agent=agent, model=model, model_name="rehearsal", request=request)


def _inputs(spec: CouncilSpec) -> Mapping[str, Any]:
    return {
        name: f"(the input {name})" if declared.default is None else declared.default
        for name, declared in spec.inputs.items()
    }


def prompts_text(prompts: tuple[Prompt, ...]) -> str:
    """Every prompt under the step and the agent that gets it."""
    return "\n\n".join(
        f"=== {prompt.step}/{f'{prompt.agent} {prompt.about}'.strip()} ===\n"
        + (f"\n[role] {prompt.system}\n" if prompt.system else "")
        + f"\n{prompt.text.strip()}"
        for prompt in prompts
    )


def prompts_document(prompts: tuple[Prompt, ...]) -> list[dict[str, str]]:
    """The same for JSON."""
    return [
        {
            "step": each.step,
            "agent": each.agent,
            "about": each.about,
            "system": each.system,
            "prompt": each.text,
        }
        for each in prompts
    ]
