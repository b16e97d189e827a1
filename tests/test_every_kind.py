"""What holds of every council, whichever kinds it is made of and however deep."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.engine.history import cassette_of, recalled
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.taping import Taping
from konseho_cli.engine.within import every_outcome
from konseho_cli.session import RunOptions, Session
from konseho_cli.spec.load import check_document
from konseho_cli.store.memory_store import MemoryStore
from tests.drawn_councils import councils
from tests.test_resuming import first_run, gone_on, held, kept, killed

many = settings(
    max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)  # fmt: skip


def told(outcome: RunOutcome) -> list[Any]:
    """All that happened to its steps, from its beginning."""
    return [
        (step.id, step.kind, step.status, step.reasons,
         None if step.start is None else step.start - outcome.start,
         None if step.end is None else step.end - outcome.start)
        for step in every_outcome(outcome)
    ]  # fmt: skip


@many
@given(councils)
def test_every_step_that_was_reached_is_told_of_once_and_nothing_is_left_open(document) -> None:
    outcome = first_run(MemoryStore(), check_document(document))
    steps = Counter(step.id for step in every_outcome(outcome))
    assert set(steps.values()) == {1}
    assert {call.step for call in outcome.calls} <= steps.keys()
    assert all(span.end is not None for span in outcome.spans)
    assert "undefined" not in (outcome.error or "")
    assert (outcome.status == "failed") == (outcome.error is not None)


@many
@given(councils)
def test_a_run_that_is_kept_is_told_and_replayed_as_it_was(document) -> None:
    store = MemoryStore()
    outcome = first_run(store, check_document(document))
    stored = kept(store)
    assert told(recalled(stored)) == told(outcome)
    options = RunOptions(taping=Taping(replay=cassette_of(stored), speed=0))
    for _ in range(2):
        again = held(lambda: Session(check_document(document), options, env={}))
        assert (again.status, again.answer, told(again)) == (
            outcome.status, outcome.answer, told(outcome),
        )  # fmt: skip


@many
@given(councils, st.data())
def test_whatever_of_it_is_kept_is_not_asked_again(document, data) -> None:
    store = MemoryStore()
    outcome = first_run(store, check_document(document))
    whole = killed(kept(store))
    cut = data.draw(st.sampled_from(sorted({call.end for call in whole.calls} or {0})))
    part = structs.replace(
        whole,
        calls=tuple(call for call in whole.calls if call.end <= cut),
        steps=tuple(step for step in whole.steps if step.end is not None and step.end <= cut),
    )
    paid = {call.identity for call in part.calls if call.status == "ok"}
    rest = MemoryStore()
    second = gone_on(rest, part, force=True)
    assert (second.status, second.answer) == (outcome.status, outcome.answer)
    if second.calls:
        asked = {call.identity for call in kept(rest).calls if call.source == "model"}
        assert not paid & asked


def test_the_limit_of_an_agent_of_a_council_inside_outlives_a_kill() -> None:
    inner = {
        "konseho": 1, "name": "inner", "task": "t", "model": "sim",
        "agents": {"ann": {"role": "A", "limits": {"calls": 2}}},
        "steps": [{"id": name, "kind": "ask", "agent": "ann"} for name in ("a", "b", "c")],
    }  # fmt: skip
    document = {
        "konseho": 1, "name": "outer", "task": "t", "model": "sim",
        "agents": {"ann": {"role": "A", "limits": {"calls": 2}}},
        "steps": [{"id": "held", "kind": "council", "council": inner, "on_error": "continue"},
                  {"id": "one", "kind": "ask", "agent": "ann"},
                  {"id": "two", "kind": "ask", "agent": "ann"}],
    }  # fmt: skip
    store = MemoryStore()
    whole = first_run(store, check_document(document))
    assert [step.status for step in whole.steps] == ["failed", "ok", "ok"]
    cut = killed(kept(store))
    second = gone_on(MemoryStore(), structs.replace(cut, calls=cut.calls[:2], steps=()), force=True)
    assert [step.status for step in second.steps] == ["failed", "ok", "ok"]
    assert second.error == whole.error
