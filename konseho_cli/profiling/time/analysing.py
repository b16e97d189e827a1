"""From the spans of a run to its analysis; pure."""

from __future__ import annotations

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.time import shares
from konseho_cli.profiling.time.analysis import Analysis
from konseho_cli.profiling.time.answerers import Answerers
from konseho_cli.profiling.time.critical_path import as_path, walked
from konseho_cli.profiling.time.early_stops import early_stops_of
from konseho_cli.profiling.time.lag import lag_of
from konseho_cli.profiling.time.leeway import leeway_of
from konseho_cli.profiling.time.resources import efficiency_of, resources_of
from konseho_cli.profiling.time.step_times import call_overhead, step_times
from konseho_cli.profiling.time.stragglers import stragglers_of
from konseho_cli.profiling.time.trace import Trace


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
        early_stops=early_stops_of(trace, outcome),
        lag=lag_of(trace),
        call_overhead=call_overhead(trace),
        efficiency=efficiency_of(resources),
    )
