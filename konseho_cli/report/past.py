"""A finished run as the view that was drawn while it ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from konseho_cli.engine.outcome import CallRecord, RunOutcome, StepOutcome
from konseho_cli.engine.within import by_step, every_outcome, within
from konseho_cli.models.base import is_person, is_program
from konseho_cli.report.view import RunView, StepView, Tally


def past_view(outcome: RunOutcome, *, is_running: bool = False) -> RunView:
    """Steps, agents and figures as they were at the end, or as they are while it still runs."""
    view = RunView(
        council=outcome.council, models=outcome.models, start=outcome.start, end=outcome.end,
        status=outcome.status, tally=_tally(outcome.calls),
    )  # fmt: skip
    calls_of = by_step(outcome.calls)
    for step in every_outcome(outcome):
        calls = sorted(calls_of.get(step.id, ()), key=lambda call: (call.start, call.agent))
        shown = view.step(step.id)
        _fill(shown, step, calls)
        if is_running and step.start is None:
            shown.state = "running" if calls else "waiting"
    for step in outcome.steps:
        if is_running and step.start is None:
            _set_running(view.step(step.id), list(within(step)))
    return view


def _set_running(view: StepView, inside: Sequence[StepOutcome]) -> None:
    """Of the steps inside of one that still runs, the one that began last is at work."""
    latest = max((step.start or 0 for step in inside), default=0)
    for step in inside:
        view.inner[step.id].state = "running" if step.start == latest else "ok"


def _fill(view: StepView, step: StepOutcome, calls: list[CallRecord]) -> None:
    view.kind, view.state, view.reasons = step.kind, step.status, step.reasons
    view.start, view.end, view.tally = step.start, step.end, _tally(calls)
    calls = [call for call in calls if call.step == step.id]
    for call in calls:
        agent = view.agent(call.agent)
        agent.last = call.status
        agent.busy_ns += call.end - call.start
    for name, agent in view.agents.items():
        own = [call for call in calls if call.agent == name]
        agent.tally, agent.most_open = _tally(own), _most_open(own)


def _tally(calls: Iterable[CallRecord]) -> Tally:
    tally = Tally()
    for call in calls:
        tally.calls += 1
        tally.people += is_person(call.model)
        tally.programs += is_program(call.model)
        tally.cached += call.source == "cache"
        tally.tokens += call.usage.total
        known = tally.cost is not None and call.cost is not None
        tally.cost = tally.cost + call.cost if known else None  # type: ignore[operator]
    return tally


def _most_open(calls: Iterable[CallRecord]) -> int:
    """How many were under way at the same time at most."""
    moments = sorted(
        moment
        for call in calls
        for moment in ((call.start, 1), (call.end, -1))
        if call.end > call.start
    )
    most = now = 0
    for _, step in sorted(moments):
        now += step
        most = max(most, now)
    return most
