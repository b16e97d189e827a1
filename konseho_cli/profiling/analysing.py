"""From the spans of a run to its analysis; pure."""

from __future__ import annotations

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling import shares
from konseho_cli.profiling.analysis import Analysis
from konseho_cli.profiling.answerers import Answerers
from konseho_cli.profiling.critical_path import as_path, walked
from konseho_cli.profiling.early_stops import early_stops_of
from konseho_cli.profiling.lag import lag_of
from konseho_cli.profiling.leeway import leeway_of
from konseho_cli.profiling.resources import efficiency_of, resources_of
from konseho_cli.profiling.step_times import call_overhead, step_times
from konseho_cli.profiling.stragglers import stragglers_of
from konseho_cli.profiling.trace import Trace


def analyse(outcome: RunOutcome) -> Analysis:
    """All of it, in time near linear in the spans. Without a root span all of it is empty."""
    trace = Trace(outcome.spans)
    if trace.run is None:
        trace = Trace(())
    walk, answerers = walked(trace), Answerers(trace, outcome.calls)
    resources = resources_of(trace, walk, answerers, outcome.services)
    return Analysis(
        makespan=0 if trace.run is None else trace.run.end - trace.run.start,
        path=as_path(trace, walk),
        by_kind=shares.shares(trace, walk, shares.by_kind(trace)),
        by_step=shares.shares(trace, walk, shares.by_step(trace)),
        by_agent=shares.shares(trace, walk, shares.by_agent(trace)),
        by_model=shares.shares(
            trace,
            walk,
            shares.by_model(trace, lambda piece: answerers.model(piece.span, piece.end)),
        ),
        leeway=leeway_of(trace, walk),
        steps=step_times(trace, walk, [step.id for step in outcome.steps]),
        resources=resources,
        stragglers=stragglers_of(trace),
        early_stops=early_stops_of(trace, outcome.steps),
        lag=lag_of(trace),
        call_overhead=call_overhead(trace),
        efficiency=efficiency_of(resources),
    )
