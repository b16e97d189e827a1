from __future__ import annotations

import itertools
from pathlib import Path

from konseho_cli.bench.comparison import FEWEST_PAIRS
from konseho_cli.bench.tune.seen import difference
from konseho_cli.bench.tune.trials import Replays, edited
from konseho_cli.bench.tune.tuning import Edit, Setup
from konseho_cli.cli.recording import record
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.storing import Storing
from konseho_cli.spec.load import check_document
from konseho_cli.spec.settings import Settings

NAMES = [f"a{number}" for number in range(8)]
DOCUMENT = {
    "konseho": 1, "name": "test", "task": "Go.", "model": "sim:ttft=1,spread=0",
    "models": {"slow": {"use": "sim", "concurrency": 2}},
    "agents": {name: {"role": f"You are {name}."} for name in NAMES},
    "steps": [
        {"id": "all", "kind": "parallel", "agents": NAMES},
        {"id": "last", "kind": "chair", "agent": "a0"},
    ],
}  # fmt: skip


def trials(is_over=lambda: False, **keys):
    loaded = check_document({**DOCUMENT, **keys})
    made = record(loaded, RunOptions(), Storing(), quiet=True)
    return Replays(
        loaded, made.options, made.cassette, {}, is_over=is_over, timer=itertools.count().__next__
    )


ONE = Setup(settings=Settings(max_concurrency=1))
EIGHT = Setup(settings=Settings(max_concurrency=8))


def test_a_replay_waits_as_its_setup_has_it():
    replays = trials()
    before, after = replays.replay(ONE), replays.replay(EIGHT)
    one, *_, last = sorted(call.end - call.start for call in after.calls)
    assert before.end - before.start > 8 * one
    assert after.end - after.start <= 2 * last
    assert difference(before, after) == ""


def test_the_same_replay_takes_the_same_time_to_the_nanosecond():
    replays = trials()
    one, other = replays.replay(ONE), replays.replay(ONE)
    assert one.end - one.start == other.end - other.start


def test_answers_that_would_change_are_noticed():
    edits = (
        Edit(path=("steps", "all", "wait"), value="quorum"),
        Edit(path=("steps", "all", "quorum"), value=4),
    )
    replays = trials()
    after = replays.replay(Setup(edits=edits))
    assert "would be asked something else" in difference(replays.replay(Setup()), after)


def test_answers_are_used_again_where_that_is_tried():
    steps = [
        {"id": "one", "kind": "ask", "agent": "a0", "prompt": "Say more."},
        {"id": "two", "kind": "ask", "agent": "a0", "prompt": "Say more."},
    ]  # fmt: skip
    replays = trials(steps=steps)
    assert replays.repeated == {"one": 1, "two": 1}
    cached = Setup(
        edits=tuple(Edit(path=("steps", each, "cache"), value=True) for each in ("one", "two"))
    )
    before, after = replays.replay(Setup()), replays.replay(cached)
    assert after.duration_s == before.duration_s / 2
    assert difference(before, after) == ""
    assert [call.source for call in after.calls] == ["model", "cache"]


def test_cpu_is_compared_in_pairs_by_the_timer_that_is_given():
    compared = trials().cpu(ONE, EIGHT, 0.2)
    assert (compared.ratio, compared.low, compared.high) == (1.0, 1.0, 1.0)
    assert (compared.pairs, compared.threshold) == (FEWEST_PAIRS, 0.2)


def test_a_comparison_ends_with_the_time():
    assert trials(is_over=lambda: True).cpu(ONE, EIGHT, 0.2).pairs == 2


def test_a_council_is_edited_by_the_names_of_its_parts():
    loaded = check_document(DOCUMENT)
    found = edited(
        loaded,
        (Edit(path=("max_concurrency",), value=3), Edit(path=("steps", "all", "quorum"), value=2),
         Edit(path=("models", "slow", "concurrency"), value=9)),
    )  # fmt: skip
    assert found.spec.max_concurrency == 3
    assert found.spec.models["slow"].concurrency == 9
    assert found.steps["all"].quorum == found.spec.steps[0].quorum == 2
    assert list(found.steps) == list(loaded.steps)
    assert loaded.spec.max_concurrency is None


def test_nothing_is_written_beside_what_is_measured(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trials().replay(ONE)
    assert list(tmp_path.iterdir()) == []
