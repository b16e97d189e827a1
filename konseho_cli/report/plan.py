"""A plan for people and programs: what runs after what, why, and how many calls it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from konseho_cli.core.units import (
    Count,
    Duration,
    Money,
    Share,
    Size,
    show_count,
    show_duration,
    show_money,
    show_share,
    show_size,
)
from konseho_cli.engine.casting import Casting
from konseho_cli.engine.plan import Plan, PlannedStep
from konseho_cli.engine.within import addresses
from konseho_cli.models.base import is_person
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, fit, listed, one_line
from konseho_cli.report.wrap import beside
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.sizes import Sizes, sizes_of
from konseho_cli.steps.base import Estimate, agent_id, speaker_ids
from konseho_cli.steps.blocks import place_in
from konseho_cli.steps.fields import Window
from konseho_cli.steps.loop import Loop

_COMMAND = 100
"""Columns of a command line."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What `konseho show` shows."""

    spec: CouncilSpec
    plan: Plan
    models: Mapping[str, str]
    """Agent id → `provider:model`; only agents that speak."""
    simulated_by_default: bool
    """Nobody chose a model, so `sim` would answer."""

    @classmethod
    def of(cls, spec: CouncilSpec, plan: Plan, casting: Casting) -> Shown:
        """From a council whose models are chosen."""
        return cls(
            spec=spec,
            plan=plan,
            models={agent: choice.name for agent, choice in casting.choices.items()},
            simulated_by_default=casting.unchosen,
        )


# ----------------------------------------------------------------------------- text


def plan_text(shown: Shown, symbols: Symbols, width: int | None = None) -> str:
    """The plan as a tree of steps, each with what it waits for and why.

    `width`: columns at which what stands around the tree is wrapped; None: nowhere.
    """
    spec = shown.spec
    about = one_line(spec.description)
    lines = [*beside(f"{one_line(spec.name)}  ", about, width)]
    lines += _tree(shown, shown.plan, sizes_of(spec.agents), symbols)
    lines += ["", *_facts(shown, symbols, width)]
    return "\n".join(lines)


def _tree(
    shown: Shown, plan: Plan, sizes: Sizes, symbols: Symbols, place: str = ""
) -> Iterator[str]:
    """A step a line with what it waits for below, then the steps that it holds, a subtree a block."""
    steps = plan.steps
    if not steps:
        yield f"{symbols.last} nothing is done"
        return
    names = max(len(step.id) for step in steps)
    kinds = max(len(step.step.kind) for step in steps)
    calls = max(len(calls_text(step.estimate, symbols)) for step in steps)
    for step in steps:
        is_last = step is steps[-1]
        stroke = symbols.last if is_last else symbols.branch
        count = calls_text(step.estimate, symbols)
        who = listed(cast_text(step, sizes, shown.models, place))
        head = f"{stroke} {step.id:<{names}}  {step.step.kind:<{kinds}}  {count:<{calls}}  {who}"
        yield head.rstrip()
        stem = " " * cells(symbols.stem) if is_last else symbols.stem
        for line in _why(step, symbols, place.rstrip(".").rpartition(".")[2]):
            yield f"{stem}   {line}"
        for line in _inside(shown, step, sizes, symbols, f"{place}{step.id}"):
            yield f"{stem} {line}"


def _inside(
    shown: Shown, step: PlannedStep, sizes: Sizes, symbols: Symbols, place: str
) -> Iterator[str]:
    sizes = sizes_inside(step, sizes)
    for path, plan in step.blocks.items():
        name = path.partition(".")[2]
        if name:
            yield f"{name}:"
        yield from _tree(shown, plan, sizes, symbols, place_in(place, path))


def sizes_inside(step: PlannedStep, sizes: Sizes) -> Sizes:
    """Of the populations that the steps inside of one may name: a council's are its own."""
    return sizes if step.council is None else sizes_of(step.council.agents)


def _marked(agent: str, place: str, models: Mapping[str, str]) -> str:
    """`models`: an agent of a council inside goes by the place of that council."""
    keys = [*(f"{around}.{agent}" for around in reversed(addresses(place.rstrip(".")))), agent]
    model = next((models[key] for key in keys if key in models), "")
    return f"{agent} (a person)" if is_person(model) else agent


def _why(step: PlannedStep, symbols: Symbols, holder: str) -> Iterator[str]:
    """What the step waits for; conditions that could keep it from running."""
    if not step.edges:
        yield f"{symbols.arrow} starts {f'with {holder}' if holder else 'at once'}"
    width = max((len(edge.step) for edge in step.edges), default=0)
    for edge in step.edges:
        yield f"{symbols.arrow} after {edge.step:<{width}}  {reason(step, edge.because)}"
    for line in step.step.programs():
        yield f"{symbols.arrow} executes {fit(one_line(line), _COMMAND, symbols)}"
    if isinstance(step.step.when, str):
        yield f"{symbols.arrow} only when {one_line(step.step.when)}"
    if isinstance(step.step, Loop):
        yield f"{symbols.arrow} {_times(step.step)}"
    if step.step.window is not None and step.seen and step.step.shows_earlier:
        yield f"{symbols.arrow} shows {window_text(step.step.window)}"


def _times(loop: Loop) -> str:
    """`until {{ judge.good }}, 3 times at most`."""
    times = "once" if loop.max == 1 else f"{loop.max:,} times"
    return times if loop.until is None else f"until {one_line(loop.until)}, {times} at most"


def window_text(window: Window) -> str:
    """`the newest 6 outputs, 8.0k tokens together; ann sums up the rest`."""
    many = window.messages
    outputs = "" if many is None else f"the newest {f'{many} outputs' if many > 1 else 'output'}"
    tokens = "" if window.tokens is None else f"{show_count(window.tokens)} tokens"
    bounds = (
        f"{outputs}, {tokens} together"
        if outputs and tokens
        else outputs or (f"{tokens} of earlier outputs")
    )
    return bounds + (f"; {agent_id(window.summary)} sums up the rest" if window.summary else "")


def reason(step: PlannedStep, because: str) -> str:
    """An edge's cause in words: a field's name alone would not say what it does."""
    if because == "needs":
        return "needs names it"
    if because in step.blocks:
        return "a step in it reads it"
    if because in step.step.inner_templates():
        return f"its {because} reads it"
    return because if because.startswith("the ") else f"its {because} names it"


def _facts(shown: Shown, symbols: Symbols, width: int | None) -> Iterator[str]:
    spec = shown.spec
    dot = f" {symbols.dot} "
    facts = {
        "in all": calls_text(shown.plan.estimate, symbols),
        "models": dot.join(_models(shown, symbols)),
        "answer": one_line(spec.answer or f"{{{{ {shown.plan.steps[-1].id} }}}}"),
        "gate": one_line(spec.gate or ""),
        "limits": dot.join(_quantities(spec.limits)),
        "targets": dot.join(_quantities(spec.targets)),
        "inputs": dot.join(_inputs(spec)),
    }
    names = max(len(name) for name, fact in facts.items() if fact)
    for name, fact in facts.items():
        if fact:
            yield from beside(f"{name:<{names}}  ", fact, width)


def _models(shown: Shown, symbols: Symbols) -> Iterator[str]:
    by_model: dict[str, list[str]] = {}
    for agent, model in shown.models.items():
        by_model.setdefault(model, []).append(agent)
    for model, agents in by_model.items():
        yield f"{model} ({listed(tuple(agents))})" if len(by_model) > 1 else model
    if shown.simulated_by_default:
        yield "no model chosen, so answers would be simulated"


def _quantities(table: Any) -> Iterator[str]:
    for name in table.__struct_fields__:
        value = getattr(table, name)
        if value is None:
            continue
        show = _SHOWN.get(type(value), str)
        yield f"{name} {show(value)}"


_SHOWN: Mapping[type, Callable[[Any], str]] = {
    Money: show_money,
    Count: show_count,
    Duration: show_duration,
    Size: show_size,
    Share: show_share,
}


def _inputs(spec: CouncilSpec) -> Iterator[str]:
    for name, declared in spec.inputs.items():
        yield f"{name} (required)" if declared.required else name


def calls_text(estimate: Estimate, symbols: Symbols) -> str:
    """`1 call`, `2–8 calls`, `3 calls or more`."""
    fewest, most = estimate.fewest, estimate.most
    if most is None:
        return f"{fewest:,} call{'' if fewest == 1 else 's'} or more"
    if fewest == most:
        return f"{fewest:,} call{'' if fewest == 1 else 's'}"
    return f"{fewest:,}{symbols.dash}{most:,} calls"


def cast_text(
    step: PlannedStep,
    sizes: Sizes,
    models: Mapping[str, str] = MappingProxyType({}),
    place: str = "",
) -> tuple[str, ...]:
    """Its agents for people: a population by how many it has, `villager × 1,000`.

    `place`: what the places of the steps around it begin with.
    """
    return tuple(
        f"{name} × {'?' if (size := sizes[name]) is None else f'{size:,}'}"
        if name in sizes else _marked(name, place, models)
        for name in speaker_ids(step.step)
    )  # fmt: skip


# ----------------------------------------------------------------------------- JSON


def plan_json(shown: Shown, prompts: Sequence[Mapping[str, str]] | None = None) -> str:
    """The plan for programs; with the prompts where they were asked for."""
    spec = shown.spec
    document: dict[str, Any] = {
        "konseho": FORMAT,
        "council": spec.name,
        "description": spec.description,
        "calls": _estimate(shown.plan.estimate),
        "models": dict(shown.models),
        "populations": dict(sizes_of(spec.agents)),
        "simulated_by_default": shown.simulated_by_default,
        "answer": spec.answer,
        "gate": spec.gate,
        "steps": [_step(step, step.id) for step in shown.plan.steps],
    }
    if prompts is not None:
        document["prompts"] = list(prompts)
    return dump(document)


def _step(step: PlannedStep, place: str, block: str = "") -> dict[str, Any]:
    return {
        "id": step.id,
        "place": place,
        "block": block or None,
        "kind": step.step.kind,
        "agents": list(speaker_ids(step.step)),
        "waits_for": [{"step": edge.step, "because": edge.because} for edge in step.edges],
        "calls": _estimate(step.estimate),
        "executes": list(step.step.programs()),
        "priority": step.step.priority,
        "window": None if step.step.window is None else _window(step.step.window),
        "steps": [
            _step(inner, f"{place_in(place, path)}{inner.id}", path)
            for path, plan in step.blocks.items()
            for inner in plan.steps
        ],
    }


def _window(window: Window) -> dict[str, Any]:
    return {
        "tokens": window.tokens,
        "messages": window.messages,
        "summary": agent_id(window.summary) if window.summary else None,
    }


def _estimate(estimate: Estimate) -> dict[str, int | None]:
    return {"fewest": estimate.fewest, "most": estimate.most}
