"""The law of what-ifs: what is predicted is what really running it so would have taken."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.profiling.changes import Changes, Pace, StepChange
from konseho_cli.profiling.whatif import Rehearsal

AGENTS = ("ann", "bob", "cid", "dee")


def sim(ttft: float, tps: float, spread: float, errors: str, *, factor: float) -> dict[str, str]:
    return {"use": f"sim:ttft={ttft * factor},tps={tps / factor},spread={spread}{errors}"}


@st.composite
def councils(draw: st.DrawFn, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Of several steps, each agent with a pace of its own."""
    agents = list(AGENTS[: draw(st.integers(3, 4))])
    steps = []
    for index in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(kinds))
        step: dict[str, Any] = {"id": f"s{index}", "kind": kind}
        if kind in ("parallel", "debate"):
            step["agents"] = draw(st.permutations(agents))
        if kind == "debate":
            step["rounds"] = draw(st.integers(1, 2))
        if kind == "vote":
            step |= {"voters": agents, "candidates": ["this", "that"], "ties": "first"}
        if kind == "split":
            step |= {
                "agent": draw(st.sampled_from(agents)), "max_agents": draw(st.integers(1, 3)),
                "items": [f"piece {number}" for number in range(draw(st.integers(2, 5)))],
            }  # fmt: skip
        if kind == "chair":
            step["agent"] = draw(st.sampled_from(agents))
        if index and draw(st.booleans()):
            step["needs"] = draw(st.sampled_from([[], ["s0"]]))
        steps.append(step)
    return {
        "konseho": 1, "name": "any", "task": "Say something.", "steps": steps, "on_error": "continue",
        "agents": {name: {"role": f"You are {name}.", "model": name} for name in agents},
        "seed": draw(st.integers(0, 99)), "max_concurrency": draw(st.integers(1, 6)),
    }  # fmt: skip


ANY = councils(("parallel", "debate", "vote", "chair", "split"))
ERRORS = st.sampled_from(["", ",errors=0.25"])
"""Of the simulator: with it, what fails is asked again after a backoff."""
PACES = st.lists(st.floats(0.2, 5), min_size=4, max_size=4)
FACTORS = st.sampled_from([0.25, 0.5, 0.8, 1.5, 3.0])
slowly = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


AT_ONCE = 1e6
"""Tokens a second, where a real run would say something else: what-ifs hold answers fixed."""


def with_models(
    document: dict[str, Any], paces: list[float], spread: float, tps: float = 90.0,
    errors: str = "", **factors: float,
) -> dict[str, Any]:  # fmt: skip
    """The council with its agents' simulators, some of them faster or slower."""
    models = {
        name: sim(round(pace, 3), tps, spread, errors, factor=factors.get(name, 1.0))
        for name, pace in zip(AGENTS, paces, strict=True)
    }
    return {**copy.deepcopy(document), "models": models}


@slowly
@given(
    document=ANY, paces=PACES, agent=st.sampled_from(AGENTS[:3]), factor=FACTORS,
    concurrency=st.none() | st.integers(1, 8), errors=ERRORS,
)  # fmt: skip
def test_another_pace_and_other_slots_take_what_was_predicted(
    really_run, document, paces, agent, factor, concurrency, errors
) -> None:
    outcome, stored, spans = really_run(with_models(document, paces, 0.4, errors=errors))
    rehearsal = Rehearsal(stored, spans, {})
    assert rehearsal.unchanged.after_s == pytest.approx(outcome.duration_s, abs=1e-6)
    speaks = agent in rehearsal.changing.casting.choices
    pace = {agent: Pace(factor=factor)} if speaks else {}
    predicted = rehearsal.predict(Changes(agents=pace, concurrency=concurrency))
    factors = {agent: factor}
    real, _, _ = really_run(
        with_models(document, paces, 0.4, errors=errors, **factors), max_concurrency=concurrency
    )
    assert predicted.after_s == pytest.approx(real.duration_s, rel=0.01)
    assert predicted.guessed == 0
    assert predicted.calls == len(real.calls)


@slowly
@given(
    document=councils(("parallel", "debate", "chair")), paces=PACES, quorum=st.integers(1, 2),
    agent=st.sampled_from(AGENTS[:3]), factor=FACTORS,
)  # fmt: skip
def test_a_quorum_takes_what_was_predicted(
    really_run, document, paces, quorum, agent, factor
) -> None:
    crowds = [step["id"] for step in document["steps"] if step["kind"] == "parallel"]
    _, stored, spans = really_run(with_models(document, paces, 0.4, AT_ONCE))
    changes = Changes(
        models={agent: Pace(factor=factor)},
        steps=tuple(
            StepChange(step=name, field=field, value=value)
            for name in crowds
            for field, value in (("wait", "quorum"), ("quorum", quorum))
        ),
    )
    rehearsal = Rehearsal(stored, spans, {})
    if agent not in rehearsal.changing.casting.choices:
        changes = Changes(steps=changes.steps)
    predicted = rehearsal.predict(changes)
    changed = copy.deepcopy(document)
    for step in changed["steps"]:
        if step["id"] in crowds:
            step |= {"wait": "quorum", "quorum": quorum}
    factors = {agent: factor}
    real, _, _ = really_run(with_models(changed, paces, 0.4, AT_ONCE, **factors))
    assert predicted.after_s == pytest.approx(real.duration_s, rel=0.01)


@slowly
@given(document=councils(("parallel", "chair")), paces=PACES, quorum=st.integers(1, 2))
def test_who_was_cut_short_takes_the_time_that_the_agent_takes(
    really_run, document, paces, quorum
) -> None:
    # Each agent speaks once to the end, so that its usual time is known.
    everybody = {"id": "all", "kind": "parallel", "agents": list(document["agents"])}
    document["steps"] = [everybody, *document["steps"]]
    cut, whole = copy.deepcopy(document), copy.deepcopy(document)
    crowds = [step["id"] for step in document["steps"][1:] if step["kind"] == "parallel"]
    for council, wait in ((cut, "quorum"), (whole, "all")):
        for step in council["steps"]:
            if step["id"] in crowds:
                step |= {"wait": wait, "quorum": quorum}
    outcome, stored, spans = really_run(with_models(cut, paces, 0.0, tps=AT_ONCE))
    rehearsal = Rehearsal(stored, spans, {})
    assert rehearsal.unchanged.after_s == pytest.approx(outcome.duration_s, rel=0.01)
    assert rehearsal.unchanged.guessed == 0
    back = tuple(StepChange(step=name, field="wait", value="all") for name in crowds)
    predicted = rehearsal.predict(Changes(steps=back))
    real, _, _ = really_run(with_models(whole, paces, 0.0, tps=AT_ONCE))
    assert predicted.after_s == pytest.approx(real.duration_s, rel=0.01)
    assert predicted.guessed == sum(call.status == "cancelled" for call in outcome.calls)
