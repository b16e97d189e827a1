from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.bench.seen import facts_of, most_at_once, repeats
from konseho_cli.models.base import Reply, Request
from konseho_cli.models.cassette import Attempt
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.parallel import Parallel
from konseho_cli.telemetry.spans import Span

ALL = ("ann", "bob", "cid", "dee")


def test_who_waits_for_a_slot_is_counted(stage):
    outcome = stage.run({"all": Parallel(agents=ALL)}, concurrency=1)
    facts = facts_of(outcome, {"all": 2})
    assert facts.queued == {"max_concurrency": 3}
    assert facts.waited == {"max_concurrency": 6_000_000_000}
    assert facts.answered == {"all": 4}
    assert (facts.calls, facts.repeated) == (4, {"all": 2})


def test_nobody_waits_where_there_is_room(stage):
    facts = facts_of(stage.run({"one": Ask(agent="ann")}), {})
    assert (facts.queued, facts.waited) == ({}, {})


def span(start, end):
    return Span.kept(
        id=0, parent=None, task=0, kind="queue.limit", start=start, end=end, closed=0, waker=None,
        attributes={},
    )  # fmt: skip


INTERVALS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=12)


@given(INTERVALS)
def test_the_most_at_once_is_the_most_at_any_moment(drawn):
    spans = [span(start, start + length) for start, length in drawn]
    at = (sum(each.start <= moment < each.end for each in spans) for moment in range(50))
    assert most_at_once(spans) == max(at)


def attempt(step, digest, *, number=0, text="said"):
    return Attempt(
        identity=(step, 0, "", "ann", number, 0, 0, 0, 0), hash=digest, model="sim",
        request=Request(model="", messages=()), start=0, duration=1,
        reply=None if text is None else Reply(text=text, model="sim"), cancelled=text is None,
    )  # fmt: skip


def test_requests_that_repeat_are_counted_by_step():
    attempts = [
        attempt("one", "a"), attempt("two~1", "a"), attempt("two", "b"), attempt("three", "c"),
        attempt("three", "c", number=1, text=None),
    ]  # fmt: skip
    assert repeats(attempts) == {"one": 1, "two": 1}
