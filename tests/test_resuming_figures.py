"""What is counted of a run is the same in its outcome and in what is kept, in every session."""

from __future__ import annotations

from typing import Any

from konseho_cli.cli.rehearsing import whole_sum
from konseho_cli.engine.history import recalled
from konseho_cli.engine.options import RunOptions
from konseho_cli.profiling.explaining.comparison import _side
from konseho_cli.profiling.whatif.rehearsal import Rehearsal
from konseho_cli.report.json import outcome_document
from konseho_cli.report.markdown import status_markdown
from konseho_cli.report.progress import Progress
from konseho_cli.report.symbols import UNICODE
from konseho_cli.report.view import RunView
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document, council_document
from konseho_cli.spec.loaded import Loaded
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.telemetry.events import EVENTS
from tests.test_resuming import first_run, gone_on, held, kept, killed
from tests.test_session_people import Desk


def council(*steps: dict[str, Any], **changed: Any) -> Loaded:
    return check_document({
        "konseho": 1, "name": "figures", "task": "t", "model": "sim",
        "agents": {"ann": {"role": "a"}, "bob": {"role": "b", "model": "sim:errors=1"}},
        "steps": list(steps), **changed,
    })  # fmt: skip


class Silent(Desk):
    """Nobody answers."""

    async def _say(self, question: Any) -> Any:
        self.asked.append(question.step)


def test_a_person_who_did_not_answer_is_no_call_either() -> None:
    store = MemoryStore()
    loaded = council(
        {"id": "draft", "kind": "ask", "agent": "ann"},
        {"id": "approve", "kind": "human", "default": "yes"},
    )
    outcome = held(
        lambda: Session(loaded, RunOptions(), {}, store=lambda: store, desk=lambda: Silent())
    )
    stored = kept(store)
    assert (outcome.whole.calls, stored.row.calls) == (1, 1)
    again = gone_on(store, killed(stored), force=True)
    assert (again.whole.calls, kept(store).row.calls) == (1, 1)


def test_a_failure_that_is_given_again_is_not_made_again() -> None:
    store = MemoryStore()
    loaded = council(
        {"id": "both", "kind": "parallel", "agents": ["ann", "bob"], "quorum": 1},
        {"id": "end", "kind": "ask", "agent": "ann"},
    )
    whole = first_run(MemoryStore(), loaded)
    first_run(store, loaded, stop_after=2)
    part = kept(store)
    part = killed(type(part)(row=part.row, steps=(), calls=part.calls))
    second = gone_on(store, part, force=True)
    assert second.answer == whole.answer
    assert second.whole.calls == kept(store).row.calls
    given = [call.source for call in second.calls if call.step == "both"]
    assert given == ["journal", "journal"]


def test_a_run_in_which_nobody_was_asked_is_not_simulated_and_one_that_was_stays_so() -> None:
    store, ask = MemoryStore(), {"id": "draft", "kind": "ask", "agent": "ann"}
    skipped = first_run(store, council({**ask, "when": False}))
    assert not skipped.simulated
    then, now = (outcome_document(each, (), 0) for each in (skipped, recalled(kept(store))))
    assert then["simulated"] == now["simulated"]
    store = MemoryStore()
    assert first_run(store, council(ask)).simulated
    again = gone_on(store, killed(kept(store)), force=True)
    assert (again.calls, again.simulated) == ((), True)


def test_a_null_that_stands_in_is_kept() -> None:
    step = {"id": "draft", "kind": "ask", "agent": "bob", "on_error": "fallback",
            "fallback": {"value": None}}  # fmt: skip
    loaded = council(step)
    assert council_document(loaded.spec)["steps"][0]["fallback"] == {"value": None}
    store = MemoryStore()
    first_run(store, loaded, stop_after=1)
    outcome = gone_on(store, killed(kept(store)), force=True)
    assert (outcome.status, outcome.steps[0].value) == ("degraded", None)


def test_programs_and_people_inside_of_a_step_are_no_calls_wherever_calls_are_told() -> None:
    inside = [
        {"id": "draft", "kind": "ask", "agent": "ann"},
        {"id": "approve", "kind": "human", "default": "yes"},
        {"id": "tests", "kind": "command", "argv": ["true"]},
    ]
    loaded = council({"id": "polish", "kind": "loop", "max": 2, "steps": inside})
    store, told = MemoryStore(), list[str]()
    session = Session(
        loaded, RunOptions(allow_exec=True), {}, store=lambda: store, desk=lambda: Silent()
    )
    progress = Progress(RunView(council="figures"), told.append, UNICODE)
    outcome = held(lambda: session, [(progress, frozenset(EVENTS))])
    (holder,) = (line for line in told if line.startswith("  polish: degraded"))
    assert holder.rstrip().endswith(f"2 calls · {outcome.usage.total} tokens · 2 commands")
    assert "2 calls · 2 commands" in status_markdown(outcome)
    assert kept(store).row.calls == 2
    assert _side(outcome).calls == 2
    assert whole_sum(Rehearsal(kept(store), (), {})).calls == 2
