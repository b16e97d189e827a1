from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec import structs

from konseho_cli.bench.tune.suggestion import Suggestion
from konseho_cli.bench.tune.tuner import Tried
from konseho_cli.bench.tune.tuning import Change, Edit, Ruling, Setup
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.report.tune import (
    Tuning,
    change_percent,
    head_text,
    left_text,
    plan_json,
    plan_text,
    summary_text,
    tried_text,
    tuning_json,
)

SLOTS = Change(kind="concurrency", name="max_concurrency", before="1", after="8")
GC = Change(kind="gc", name="gc", before="normal", after="frozen")


def tried(change=SLOTS, verdict="kept", why="", **measured):
    times = {"measure": "waiting", "before_s": 8.0, "after_s": 2.0}
    ruling = Ruling(verdict=verdict, why=why)
    return Tried(change=change, ruling=ruling, beside=Setup(), **{**times, **measured})


KEPT = tried()
ROLLED_BACK = tried(
    GC, "rolled back", "it takes more CPU", measure="cpu", before_s=0.01, after_s=0.02
)
UNSURE = tried(GC, "inconclusive", "the machine is too noisy to tell", measure="cpu")
SKIPPED = tried(GC, "skipped", "it takes longer", measure="")


def tuning(*rows, **more):
    usual = {
        "council": "test", "record": "run 3fk2", "gate": 0.2, "tried": rows, "before_s": 8.0,
        "after_s": 2.0, "settings": {},
    }  # fmt: skip
    return Tuning(**{**usual, **more})


def test_a_row_is_the_change_its_times_and_what_became_of_it():
    assert tried_text(KEPT, UNICODE).split("  ")[0] == "✔ max_concurrency 1 → 8"
    assert tried_text(KEPT, UNICODE).endswith("8.0 s → 2.0 s           −75 %  kept")
    assert "CPU 10 ms → 20 ms" in tried_text(ROLLED_BACK, UNICODE)
    assert tried_text(ROLLED_BACK, UNICODE).endswith("+100 %  rolled back: it takes more CPU")
    assert tried_text(KEPT, ASCII).replace("−", "-").isascii()


def test_a_row_without_a_measure_has_no_number():
    row = tried_text(SKIPPED, UNICODE)
    assert row.split() == ["·", "gc", "normal", "→", "frozen", "skipped:", "it", "takes", "longer"]


def test_the_columns_of_rows_agree():
    rows = [tried_text(each, UNICODE) for each in (KEPT, UNSURE, SKIPPED)]
    places = [row.index(each) for row, each in zip(rows, ("kept", "incon", "skipped"), strict=True)]
    assert len(set(places)) == 1


def test_the_head_says_what_is_replayed_and_what_the_gate_is():
    head = head_text("test", "run 3fk2", 8.0, 0.2, UNICODE)
    assert head == "test · 8.0 s · replays of run 3fk2 · a change stays from 20 % on"
    assert left_text(1).startswith("1 call failed, or was asked again: it takes")


def test_the_summary_says_how_to_use_it_last():
    done = tuning(KEPT, ROLLED_BACK, preset=Path("profiles/x.yaml"), use="konseho run x --preset x")
    lines = summary_text(done, UNICODE).splitlines()
    assert lines[1].startswith("1 change of 2 kept: 8.0 s → 2.0 s of waiting, −75 %; every answer")
    assert lines[-2:] == ["wrote profiles/x.yaml", "  konseho run x --preset x"]


def test_a_line_of_the_council_that_stands_in_the_way_is_named():
    edits = (Edit(path=("max_concurrency",), value=8),)
    own = tried(structs.replace(SLOTS, edits=edits))
    suggestion = Suggestion(places=("max_concurrency: 8",), diff="-max_concurrency: 1")
    done = tuning(own, preset=Path("x.yaml"), use="use it", suggestion=suggestion)
    text = summary_text(done, UNICODE)
    assert "The council's own file would have to say:\n-max_concurrency: 1\n" in text
    assert text.endswith("holds over it, until that is changed")
    in_words = structs.replace(
        done, suggestion=Suggestion(places=("max_concurrency: 8",), by_hand=("max_concurrency: 8",))
    )
    assert "\n  max_concurrency: 8\n" in summary_text(in_words, UNICODE)


@pytest.mark.parametrize(
    ("rows", "more", "says", "status"),
    [
        ((ROLLED_BACK,), {}, "nothing was kept of 1 change: all is as it was", 0),
        ((UNSURE,), {}, "nothing can be said of 1 change: try again", 4),
        ((SKIPPED,), {}, "1 change had been rolled back before: --again tries them again", 0),
        ((KEPT,), {"out_of_time": True}, "--max-time allows more", 0),
        ((KEPT,), {}, "no preset was written: none can hold that", 0),
        ((KEPT,), {"after_s": 8.0}, "less CPU, and 8.0 s of waiting as before", 0),
    ],
)
def test_what_else_there_is_to_say(rows, more, says, status):
    done = tuning(*rows, **more)
    assert says in summary_text(done, UNICODE)
    assert done.exit_status == status


def test_percents_have_their_sign():
    assert [change_percent(8.0, after) for after in (2.0, 8.0, 9.0)] == ["−75 %", "0 %", "+12 %"]


def test_a_plan_is_a_line_a_change():
    assert plan_text([SLOTS, GC], UNICODE).splitlines() == [
        "concurrency  max_concurrency 1 → 8",
        "gc           gc normal → frozen",
    ]
    assert plan_text([], UNICODE) == "nothing would be tried"
    assert json.loads(plan_json([GC]))["changes"] == [
        {"kind": "gc", "name": "gc", "from": "normal", "to": "frozen"}
    ]


def test_the_json_holds_it_all():
    told = json.loads(tuning_json(tuning(KEPT, SKIPPED, preset=Path("x.yaml"))))
    assert set(told) == {
        "konseho", "version", "council", "record", "gate", "exit_status", "makespan_before_s",
        "makespan_after_s", "tried", "settings", "preset", "suggested", "diff", "by_hand",
        "out_of_time",
    }  # fmt: skip
    kept, skipped = told["tried"]
    assert kept == {
        "kind": "concurrency", "name": "max_concurrency", "from": "1", "to": "8",
        "verdict": "kept", "why": None, "measure": "waiting", "before_s": 8.0, "after_s": 2.0,
        "low": None, "high": None,
    }  # fmt: skip
    assert (skipped["verdict"], skipped["before_s"]) == ("skipped", None)
