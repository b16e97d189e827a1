"""All rules that types cannot state, held against a draft at once."""

from __future__ import annotations

from typing import Any

from konseho_cli.agents.limits import Limits
from konseho_cli.core import marks
from konseho_cli.spec.agents import settle_agents
from konseho_cli.spec.councils import settle_councils
from konseho_cli.spec.draft import Draft
from konseho_cli.spec.ids import check_ids, name_steps
from konseho_cli.spec.inputs import check_declarations
from konseho_cli.spec.model_names import check_models
from konseho_cli.spec.reading import check_reading
from konseho_cli.spec.sizes import Sizes, mistakes
from konseho_cli.steps.fields import Window
from konseho_cli.steps.union import Step


def apply_rules(draft: Draft) -> None:
    """Settle ids and agents, and report every broken rule."""
    check_ids(draft)
    name_steps(draft)
    settle_agents(draft)
    settle_councils(draft)
    check_models(draft)
    _check_amounts(draft)
    check_declarations(draft.spec.inputs, draft.problems)
    check_reading(draft)
    sizes = draft.sizes
    for place, step in draft.placed():
        if place not in draft.broken:
            _check_kind(draft, place, step, sizes)
        _check_fallback(draft, place, step)
        if step.timeout is not None and step.timeout <= 0:
            draft.problems.error((*place, "timeout"), "a step needs some time")
        _check_limits(draft, (*place, "limits"), step.limits)
        _check_window(draft, (*place, "window"), step)
        if step.output is not None:
            _check_schema(draft, (*place, "output", "schema"), step.output.schema)


def _check_amounts(draft: Draft) -> None:
    """What must be more than nothing."""
    for name, model in draft.spec.models.items():
        for key in ("timeout", "rpm", "tpm", "window"):
            if getattr(model, key) == 0:
                draft.problems.error(("models", name, key), "it must be more than 0")
    _check_limits(draft, ("limits",), draft.spec.limits)
    _check_bounds(draft, ("window",), draft.spec.window)
    for name, agent in draft.agents.items():
        _check_limits(draft, (*draft.places[name], "limits"), agent.limits)


def _check_limits(draft: Draft, path: marks.Path, limits: Limits | None) -> None:
    if limits is not None and limits.time is not None and limits.time <= 0:
        draft.problems.error((*path, "time"), "it must be more than 0")


def _check_window(draft: Draft, place: marks.Path, step: Step) -> None:
    if draft.written(place) is not None:
        _check_bounds(draft, place, step.window)
        if not step.shows_earlier:
            draft.problems.warn(
                place, "it bounds nothing: the step shows no earlier outputs of its own accord",
                key=True,
            )  # fmt: skip


def _check_bounds(draft: Draft, path: marks.Path, window: Window | None) -> None:
    if window is None:
        return
    if window.tokens is None and window.messages is None:
        draft.problems.error(path, "give `tokens`, `messages`, or both")
    if window.tokens == 0:
        draft.problems.error((*path, "tokens"), "it must be more than 0")


def _check_kind(draft: Draft, place: marks.Path, step: Step, sizes: Sizes) -> None:
    for field, what in mistakes(step, sizes).items():
        draft.problems.error((*place, field), what)


def _check_fallback(draft: Draft, place: marks.Path, step: Step) -> None:
    falls_back = (step.on_error or draft.spec.on_error) == "fallback"
    if falls_back and step.fallback is None and draft.written((*place, "fallback")) is None:
        where = "on_error" if step.on_error else ""
        said = "`on_error: fallback`" + ("" if where else " of the council")
        path = (*place, where) if where else place
        hint = "add fallback: {agent: …} or fallback: {value: …}"
        draft.problems.error(path, f"{said} needs a `fallback` here", hint=hint)
    if step.fallback is None:
        return
    path = (*place, "fallback")
    if not falls_back:
        what = "it is only used with `on_error: fallback`"
        draft.problems.error(path, what, key=True, hint="add on_error: fallback")
    keys: Any = draft.written(path)
    written = keys if isinstance(keys, dict) else {}
    if ("agent" in written) == ("value" in written):
        both = "not both" if "agent" in written else "not neither"
        draft.problems.error(path, f"give an `agent` or a `value`, {both}")


def _check_schema(draft: Draft, place: marks.Path, schema: dict[str, Any]) -> None:
    import jsonschema_rs  # only where a council asks for it

    try:
        jsonschema_rs.validator_for(schema, offline=True)
    except jsonschema_rs.ValidationError as error:
        draft.problems.error((*place, *error.instance_path), f"not a JSON Schema: {_why(error)}")
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        draft.problems.error(place, f"not a JSON Schema: {str(error)[:200]}")


def _why(error: Any) -> str:
    message = str(error.message)
    if "Retrieval is disabled" in message:
        return f"{message.rpartition('fetch ')[2][:200]} is elsewhere: only local $refs are read"
    return message if len(message) <= 200 else message[:199] + "…"
