from __future__ import annotations

import json

from konseho_cli.bench.learning import Learning
from konseho_cli.report.learnings import forgotten_text, learnings_json, learnings_text
from konseho_cli.report.symbols import ASCII, UNICODE

KEPT = Learning(
    name="test/max_concurrency-8/1f0c", made=100.0, council="test", file="/x/test.yaml",
    kind="concurrency", change="max_concurrency 1 → 8", verdict="kept", before_s=8.0, after_s=2.0,
    gate=0.2,
)  # fmt: skip
DIFFERS = Learning(
    name="test/all-wait/2e5d", made=100.0, council="test", file="", kind="quorum",
    change="all wait all → quorum 2 of 3", verdict="rolled back", why="the answer is another one",
    measure="", same_answers=False,
)  # fmt: skip


def test_a_row_each_with_its_name_last():
    kept, differs = learnings_text([KEPT, DIFFERS], UNICODE, 160.0).splitlines()
    assert "8.0 s → 2.0 s  −75 %  kept" in kept
    assert kept.endswith("1 min ago  test/max_concurrency-8/1f0c")
    assert "rolled back · the answer is another one" in differs
    assert "%" not in differs
    assert "1 -> 8" in learnings_text([KEPT], ASCII, 160.0)


def test_as_json_with_its_version():
    told = json.loads(learnings_json([KEPT]))
    assert told["konseho"] == 1
    (each,) = told["learnings"]
    assert (each["name"], each["verdict"], each["gate"]) == (KEPT.name, "kept", 0.2)
    assert each["made"] == "1970-01-01T00:01:40.000+00:00"


def test_what_is_forgotten_is_named():
    assert forgotten_text(["a", "b"]) == "forgot a\nforgot b"
