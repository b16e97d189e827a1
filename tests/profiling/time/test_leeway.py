"""Slack and drag: against really running it so, and against the whole graph computed anew."""

from __future__ import annotations

import asyncio
from zlib import crc32

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.models.base import Call, Reply, Request, Usage
from konseho_cli.models.sim import SimModel
from konseho_cli.profiling.time.analysing import analyse
from konseho_cli.profiling.time.critical_path import walked
from konseho_cli.profiling.time.graph import Graph, ends, starts
from konseho_cli.profiling.time.leeway import leeway_of
from konseho_cli.profiling.time.trace import Trace
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.parallel import Parallel

SECOND = 1_000_000_000


class Timed:
    """Takes whole seconds by the call's identity, but for what it is told to change."""

    def __init__(self, seed, changed=None, seconds=0):
        self.seed, self.changed, self.seconds = seed, changed, seconds
        self.took = {}

    async def generate(self, request: Request, call: Call) -> Reply:
        """Two phases, so that a call is more than one span."""
        key = call.identity.parts()
        took = self.took[key] = 2 + crc32(repr((self.seed, key)).encode()) % 7
        first = self.seconds if key == self.changed else took
        with call.scope.span("ttft"):
            await asyncio.sleep(min(first, 1))
        with call.scope.span("stream"):
            await asyncio.sleep(max(first - 1, 0))
        return Reply(text="said", model="test:timed", usage=Usage(output_tokens=1))


def named(key):
    """Which of the calls: step, agent and item tell them apart here."""
    step, item, agent, turn = key[0], key[2], key[3], key[4]
    return step, item, agent, turn


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), seed=st.integers(0, 1000))
def test_drag_is_what_the_run_is_shorter_by_without_the_call(stage, councils, data, seed) -> None:
    steps = data.draw(councils.fixed)
    model = Timed(seed)
    outcome = stage.run(steps, model, agents=councils.agents)
    trace = Trace(outcome.spans)
    asks = [span for span in trace.spans if span.kind == "ask"]
    keys = list(model.took)  # in the order in which they were asked
    found = {one[0]: one[1:] for one in _figures(trace)}
    number = data.draw(st.integers(0, len(asks) - 1))
    drag, slack = found[asks[number].id]
    makespan = outcome.end - outcome.start

    without = stage.run(steps, Timed(seed, keys[number], 0), agents=councils.agents)
    assert makespan - (without.end - without.start) == drag

    took = model.took[keys[number]] + slack // SECOND
    longer = stage.run(steps, Timed(seed, keys[number], took), agents=councils.agents)
    assert longer.end - longer.start == makespan
    longer = stage.run(steps, Timed(seed, keys[number], took + 1), agents=councils.agents)
    assert longer.end - longer.start == makespan + SECOND


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    concurrency=st.none() | st.integers(1, 4),
    sim=st.sampled_from(["", "fast", "flaky", "errors=0.6", "instant"]),
    limit=st.none() | st.floats(0.5, 20),
    seed=st.integers(0, 1000),
)
def test_both_are_those_of_the_recorded_graph(
    stage, councils, data, concurrency, sim, limit, seed
) -> None:
    outcome = stage.run(
        data.draw(councils.steps), SimModel(sim), agents=councils.agents, concurrency=concurrency,
        time_limit_s=limit, seed=seed,
    )  # fmt: skip
    trace = Trace(outcome.spans)
    graph = Graph(trace)
    assert _longest(graph) == graph.times, "recorded times are the longest paths"
    for ask, drag, slack in _figures(trace):
        anew = _longest(graph, without=ask)
        assert graph.times[graph.sink] - anew[graph.sink] == drag
        assert slack >= 0
        assert drag <= trace.by_id[ask].end - trace.by_id[ask].start


def _figures(trace):
    """Drag and slack of each call, by its span."""
    asks = {id(span): span for span in trace.spans if span.kind == "ask"}
    found = leeway_of(trace, walked(trace))
    assert len(found) == len(asks)
    from konseho_cli.profiling.time import leeway

    graph = Graph(trace)
    whiles = leeway._whiles(graph)
    on_path = leeway._on_path(trace, walked(trace))
    drags = leeway._drags(graph, {ask: own for ask, own in whiles.items() if ask in on_path})
    waits = {one.waited for one in found}
    for ask in asks.values():
        one = leeway._leeway(trace, graph, ask, whiles.get(ask.id), drags.get(ask.id, 0), ())
        assert any(structs.replace(one, waited=waited) in found for waited in waits)
        yield ask.id, one.drag, one.slack


def _longest(graph, without=None):
    """Every moment's earliest time, from nothing but the arcs."""
    times = []
    for number, arcs in enumerate(graph.into):
        before = [
            times[source] + (0 if without is not None and owner == without else weight)
            for source, _, weight, owner in arcs
        ]
        times.append(max(before) if before else graph.times[number])
    return times


def test_what_is_off_the_path_has_slack_and_no_drag(stage, scripted) -> None:
    outcome = stage.run(
        {"review": Parallel(agents=("ann", "bob")), "verdict": Ask(agent="cid")},
        scripted({"ann": (1, "a"), "bob": (4, "b"), "cid": (2, "c")}),
    )
    found = {(one.step, one.agent): one for one in analyse(outcome).leeway}
    assert [one.agent for one in analyse(outcome).leeway] == ["bob", "cid", "ann"]
    assert (found["review", "bob"].drag, found["review", "bob"].slack) == (3 * SECOND, 0)
    assert (found["verdict", "cid"].drag, found["verdict", "cid"].slack) == (2 * SECOND, 0)
    assert (found["review", "ann"].drag, found["review", "ann"].slack) == (0, 3 * SECOND)


def test_a_step_waits_for_all_that_it_needs_and_not_only_for_the_last(stage, scripted) -> None:
    steps = {
        "one": Ask(agent="ann", needs=()),
        "other": Ask(agent="bob", needs=()),
        "both": Ask(agent="cid", needs=("one", "other")),
    }
    outcome = stage.run(steps, scripted({"ann": (5, "a"), "bob": (3, "b"), "cid": (1, "c")}))
    found = {one.agent: one for one in analyse(outcome).leeway}
    assert (found["ann"].drag, found["bob"].slack) == (2 * SECOND, 2 * SECOND)


def test_who_holds_the_only_slot_has_all_of_its_time_as_drag(stage, scripted) -> None:
    outcome = stage.run(
        {"review": Parallel(agents=("ann", "bob"))},
        scripted({"ann": (3, "a"), "bob": (2, "b")}),
        concurrency=1,
    )
    found = {one.agent: one for one in analyse(outcome).leeway}
    assert (found["ann"].drag, found["bob"].drag) == (3 * SECOND, 2 * SECOND)
    assert (found["ann"].slack, found["bob"].slack) == (0, 0)


def test_keys_of_moments_are_in_the_causal_order(stage) -> None:
    trace = Trace(stage.run({"one": Ask(agent="ann")}).spans)
    for span in trace.spans:
        assert starts(span) < ends(span)
