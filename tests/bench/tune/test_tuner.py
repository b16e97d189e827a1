from __future__ import annotations

import pytest

from konseho_cli.bench.comparison import FEWEST_PAIRS, Compared
from konseho_cli.bench.tune.learning import Learning, name_of
from konseho_cli.bench.tune.tuner import Tuner, Wanted
from konseho_cli.bench.tune.tuning import Scope, Setup
from konseho_cli.core.clock import Anchor
from konseho_cli.core.errors import KonsehoError
from konseho_cli.engine.outcome import RunOutcome, StepOutcome
from konseho_cli.spec.load import check_document
from konseho_cli.spec.settings import Settings
from konseho_cli.telemetry.spans import Span

SPEC = check_document(
    {"konseho": 1, "name": "test", "task": "Go.", "agents": {"ann": {"role": "You."}},
     "steps": [{"id": "one", "kind": "ask", "agent": "ann"}]}
).spec  # fmt: skip


def outcome(seconds, *, value="said", answer="said", gate=None, error=None, exit_code=0, queued=0):
    step = StepOutcome(id="one", kind="ask", status="ok", value=value)
    spans = [
        Span.kept(
            id=number, parent=None, task=number, kind="queue.limit", start=0, end=1, closed=9,
            waker=None, attributes={"resource": "max_concurrency"},
        )
        for number in range(queued)
    ]  # fmt: skip
    return RunOutcome(
        run="run", council="test", status="ok", answer=answer, gate=gate, error=error, hint=None,
        exit_code=exit_code, simulated=True, models=("sim",), steps=(step,), calls=(), warnings=(),
        anchor=Anchor(wall_s=0.0, loop_ns=0), start=0, end=round(seconds * 1e9), spans=spans,
    )  # fmt: skip


def interval(ratio, spread=0.0):
    return Compared(
        ratio=ratio, low=ratio - spread, high=ratio + spread, verdict="faster", chance=0.0,
        pairs=FEWEST_PAIRS, before=0.01, after=0.01 * ratio, threshold=0.2, floor=0.0, confidence=0.99,
    )  # fmt: skip


class Scripted:
    """Replays whose times and answers follow from their settings."""

    repeated: dict[str, int] = {}  # noqa: RUF012

    def __init__(self, replay, cpu=lambda before, after: interval(1.0)):
        self._replay = replay
        self._cpu = cpu
        self.seen = []

    def replay(self, setup):
        self.seen.append(setup)
        return self._replay(setup)

    def cpu(self, before, after, gate):
        return self._cpu(before, after)


ONE = Setup(settings=Settings(max_concurrency=1))


def slots(setup):
    """Eight calls of a second each."""
    at_once = setup.settings.max_concurrency
    return outcome(8 / at_once, queued=max(0, 8 - at_once))


def tuner(trials, *kinds, start=ONE, **wanted):
    scope = Scope(spec=SPEC, kinds=kinds or ("concurrency",))
    return Tuner(trials, start, Wanted(scope=scope, council="test/0", **{"gate": 0.2, **wanted}))


def told(tried):
    return [(each.change.text, each.ruling.verdict) for each in tried]


def test_changes_that_pay_add_up():
    tuned = tuner(Scripted(slots))
    assert told(tuned.tries()) == [
        ("max_concurrency 1 → 2", "kept"),
        ("max_concurrency 2 → 4", "kept"),
        ("max_concurrency 4 → 8", "kept"),
    ]
    assert tuned.setup.settings.max_concurrency == 8
    assert tuned.now.duration_s == 1.0
    assert tuned.baseline.duration_s == 8.0


def test_one_thing_is_changed_at_a_time():
    trials = Scripted(slots, lambda before, after: interval(0.5))
    tuned = tuner(trials, "concurrency", "gc", "events")
    for tried in tuned.tries():
        differing = {
            name for name in Settings.__struct_fields__
            if getattr(tried.beside.with_(tried.change).settings, name)
            != getattr(tried.beside.settings, name)
        }  # fmt: skip
        assert differing in ({"max_concurrency"}, {"gc"}, {"optimize"}, {"events"}), tried


def test_what_saves_too_little_is_rolled_back():
    tuned = tuner(Scripted(lambda setup: outcome(10 - setup.settings.max_concurrency, queued=1)))
    (tried,) = tuned.tries()
    assert (tried.ruling.verdict, tried.ruling.why) == ("rolled back", "it saves less than 20 %")
    assert tuned.setup == ONE


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"value": "other"}, "step 'one' comes to another value"),
        ({"answer": "other"}, "the answer is another one"),
        ({"gate": False}, "the gate decides otherwise"),
        ({"error": "no memory"}, "the run breaks: no memory"),
        ({"error": "step 'one', agent 'ann', turn 1: the request differs\n-a", "exit_code": 2},
         "step 'one', agent 'ann', turn 1 would be asked something else"),
    ],
)  # fmt: skip
def test_what_changes_an_answer_is_rolled_back_however_fast(after, why):
    def replay(setup):
        return outcome(8.0, queued=7) if setup == ONE else outcome(0.1, **after)

    tuned = tuner(Scripted(replay))
    tried = list(tuned.tries())
    assert {(each.ruling.verdict, each.ruling.why) for each in tried} == {("rolled back", why)}
    assert not any(each.measure for each in tried)
    assert tuned.setup == ONE
    assert tuned.now is tuned.baseline


def test_a_run_that_cannot_begin_is_rolled_back():
    def replay(setup):
        if setup != ONE:
            raise KonsehoError("no room")
        return outcome(8.0, queued=1)

    tuned = tuner(Scripted(replay))
    (tried,) = tuned.tries()
    assert tried.ruling.why == "the run breaks: no room"
    assert tuned.setup == ONE


def test_what_saves_no_waiting_may_save_cpu():
    def cpu(before, after):
        return interval(0.5 if after.settings.gc == "frozen" else 1.0)

    tuned = tuner(Scripted(lambda setup: outcome(1.0), cpu), "gc")
    tried = list(tuned.tries())
    assert told(tried)[0] == ("gc normal → frozen", "kept")
    assert tried[0].measure == "cpu"
    assert tuned.setup.settings.gc == "frozen"


def test_what_makes_a_run_wait_is_not_measured_further():
    def replay(setup):
        return outcome(1.0 if setup == ONE else 2.0)

    def cpu(before, after):
        raise AssertionError("measured")

    tuned = tuner(Scripted(replay, cpu), "gc")
    assert {each.ruling.why for each in tuned.tries()} == {"it takes longer"}


def test_noise_decides_nothing():
    tuned = tuner(
        Scripted(lambda setup: outcome(1.0), lambda before, after: interval(0.8, 0.5)),
        "compression",
    )
    (tried,) = tuned.tries()
    assert tried.ruling.verdict == "inconclusive"
    assert tuned.setup == ONE


def test_what_was_rolled_back_before_is_not_tried_again():
    trials = Scripted(lambda setup: outcome(10 - setup.settings.max_concurrency, queued=1))
    (first,) = tuner(trials).tries()
    learning = Learning(
        name=name_of("test/0", ONE, first.change), made=0.0, council="test", file="",
        kind="concurrency", change=first.change.text, verdict="rolled back", why="too little",
        before_s=first.before_s, after_s=first.after_s,
    )  # fmt: skip
    again = Scripted(slots)
    tuned = tuner(again, learnt={learning.name: learning})
    assert [change.after for change in tuned.plan()] == ["4", "8"]
    assert told(tuned.tries())[0] == ("max_concurrency 1 → 2", "skipped")
    assert ONE.with_(first.change) not in again.seen


def test_a_lower_gate_tries_again():
    learning = Learning(
        name="x", made=0.0, council="test", file="", kind="gc", change="x", verdict="rolled back",
        before_s=10.0, after_s=9.0,
    )  # fmt: skip
    assert learning.holds(0.2)
    assert not learning.holds(0.05)


def test_the_end_of_the_time_ends_it():
    tuned = tuner(Scripted(slots), is_over=lambda: True)
    assert list(tuned.tries()) == []
    assert tuned.out_of_time


def test_a_record_that_cannot_be_replayed_is_an_error():
    with pytest.raises(KonsehoError, match="cannot be replayed: gone"):
        tuner(Scripted(lambda setup: outcome(1.0, error="gone")))


def test_it_ends_even_where_everything_pays():
    def cpu(before, after):
        return interval(0.5)

    tuned = tuner(Scripted(lambda setup: outcome(1.0), cpu), "gc", "events", "compression", "cache")
    tried = list(tuned.tries())
    assert len(tried) < 40
    setups = [each.beside for each in tried]
    assert tuned.setup not in setups[: len(setups) // 2]
