from __future__ import annotations

import json
from contextlib import nullcontext

from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.results import Result, as_json, exit_status, lines
from konseho_cli.bench.statistics import Round
from konseho_cli.bench.targets import Target

NOTHING = Pair(ours=float, peer=float)
ROW = Row(name="call", title="a call", peer="a bare call", prepare=lambda _: nullcontext(NOTHING))


def _result(*ours: float, target: Target) -> Result:
    return Result.of(ROW, target, [Round(ours=(took, took), peer=(1e-5, 1e-5)) for took in ours])


def test_a_row_says_what_it_took_and_what_it_is_held_to() -> None:
    result = _result(4e-5, target=Target(stated=0.1, aim=2e-5, aim_ratio=5))
    assert lines(result) == [
        "call             40 µs ± 0%    4.00 × 10 µs, a bare call",
        "             a call; target < 100 ms ✔, aim < 20 µs and < 5 × ✘",
    ]


def test_bytes_are_shown_as_bytes() -> None:
    result = _result(700.0, target=Target(aim=1024, in_bytes=True))
    assert "700 B" in lines(result)[0]
    assert "aim < 1.0 KiB ✔" in lines(result)[1]


def test_only_a_missed_or_unclear_stated_target_makes_the_exit_status() -> None:
    met = _result(1.0, target=Target(stated=2, aim=0.5))
    missed = _result(1.0, target=Target(stated=0.5))
    unclear = _result(1.0, 2.0, 3.0, 4.0, target=Target(stated=2.5))
    assert exit_status([met]) == 0
    assert exit_status([met, unclear]) == 4
    assert exit_status([unclear, missed]) == 1


def test_the_json_is_versioned_and_says_unit_and_verdicts() -> None:
    document = json.loads(json.dumps(as_json([_result(1.0, target=Target(stated=2))])))
    assert document["version"] == 1
    (row,) = document["rows"]
    assert (row["name"], row["unit"], row["verdict"], row["aim_verdict"]) == (
        "call", "s", "met", None,
    )  # fmt: skip
    assert row["ours"]["median"] == 1.0
