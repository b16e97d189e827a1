"""Queues whose figures are known beforehand: n calls of one length over k slots, and the like."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.models.service_state import ServiceState
from konseho_cli.profiling.analysing import analyse
from konseho_cli.profiling.analysis import Resource
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.split import Split

SECOND = 1_000_000_000


def the_only(outcome) -> Resource:
    (found,) = analyse(outcome).resources
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(agents=st.integers(1, 12), slots=st.integers(1, 6), seconds=st.integers(1, 5))
def test_calls_of_one_length_over_slots_are_a_queue_in_closed_form(
    stage, scripted, agents, slots, seconds
) -> None:
    names = tuple(f"a{number}" for number in range(agents))
    outcome = stage.run(
        {"all": Parallel(agents=names)}, scripted(dict.fromkeys(names, (seconds, "said"))),
        agents=names, concurrency=slots,
    )  # fmt: skip
    found, service = the_only(outcome), seconds * SECOND
    shifts = math.ceil(agents / slots)
    waited = sum(number // slots for number in range(agents)) * service
    assert (found.name, found.capacity, found.arrivals) == ("max_concurrency", slots, agents)
    assert found.waited == max(0, agents - slots)
    assert found.queued == found.queued_on_path == (shifts - 1) * service
    assert found.service == service
    assert found.mean_wait == pytest.approx(waited / agents)
    assert found.in_use == pytest.approx(agents / shifts)
    assert found.in_queue == pytest.approx(waited / (shifts * service))
    assert found.suggested == agents
    assert analyse(outcome).efficiency == pytest.approx(agents / shifts / slots)


def test_with_as_many_slots_as_suggested_nobody_waits(stage, scripted) -> None:
    names = ("ann", "bob", "cid", "dee", "eve")
    script = {name: (number + 1, "said") for number, name in enumerate(names)}
    steps = {"all": Parallel(agents=names)}
    tight = the_only(stage.run(steps, scripted(script), concurrency=2))
    assert tight.suggested is not None
    wide = the_only(stage.run(steps, scripted(script), concurrency=tight.suggested))
    assert (wide.waited, wide.queued) == (0, 0)


def test_instances_of_a_pool_are_held_from_lease_to_return(stage, scripted) -> None:
    step = Split(
        agent="ann", items=["1", "2", "3", "4", "5"], max_agents=2, strategy="fixed", merge="list"
    )
    found = the_only(stage.run({"map": step}, scripted({"ann": (3, "said")})))
    assert (found.name, found.capacity, found.arrivals, found.waited) == ("pool of map", 2, 5, 3)
    assert found.queued == 6 * SECOND
    assert found.in_use == pytest.approx(15 / 9)
    assert found.suggested == 5


def test_a_service_that_nobody_waited_for_is_there_with_its_capacity(stage, scripted) -> None:
    outcome = stage.run({"all": Parallel(agents=("ann", "bob"))}, scripted({}))
    state = ServiceState(
        model="test:scripted", address="", circuit="closed", failures=0, concurrency=4, requests=2,
        throttled=0, hedges=0,
    )  # fmt: skip
    analysis = analyse(structs.replace(outcome, services=(state,)))
    (found,) = analysis.resources
    assert (found.name, found.capacity) == ("concurrency of test:scripted", 4)
    assert (found.arrivals, found.waited, found.suggested) == (2, 0, 2)
    assert analysis.efficiency == pytest.approx(0.5)
