from __future__ import annotations

import json
from decimal import Decimal

from msgspec import structs

from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.whatif.sweep import Sweep
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.report.whatif import Told, sweep_json, sweep_text, whatif_json, whatif_text

AS_IT_WAS = Prediction(
    change="as it was", options=(), before_s=6.79, after_s=6.79, cost=Decimal("0.021"), calls=20,
    guessed=0, path=("review/speed", "pick/chair"),
)  # fmt: skip
FASTER = structs.replace(
    AS_IT_WAS, change="speed takes half the time", options=("--agent speed=0.5x",), after_s=5.62,
    path=("review/security", "pick/chair"),
)  # fmt: skip
LONGER = structs.replace(
    AS_IT_WAS, change="argue \x1b[31mrounds: 4", options=("--step argue.rounds=4",), after_s=65.0,
    cost=None, guessed=2, limit_reached="the run's time limit of 65 s is reached",
    path=tuple(f"argue round {number}/speed" for number in range(9)),
)  # fmt: skip
TOLD = Told(
    run="3fk2", council="code-review", simulated=True, calls=20, recorded_s=6.81,
    unchanged=AS_IT_WAS,
)  # fmt: skip


def test_a_table_of_changes_with_their_new_critical_paths():
    assert whatif_text(TOLD, [FASTER, LONGER], UNICODE).splitlines() == [
        "What if · code-review · run 3fk2 · simulated · 20 calls",
        "Recorded 6.81 s, replayed unchanged 6.79 s: 0.3 % less "
        "(virtual time leaves CPU and loop lag out)",
        "",
        "                             makespan  change     cost  guessed",
        "as it was                      6.79 s           $0.021        –",
        "  critical path: review/speed → pick/chair",
        "speed takes half the time      5.62 s   −17 %   $0.021        –",
        "  critical path: review/security → pick/chair",
        "argue rounds: 4            ≈ 1 m 05 s   fails  unknown  2 of 20",
        "  ✖ it ends early: the run's time limit of 65 s is reached",
        "  critical path: argue round 0/speed → argue round 1/speed → argue round 2/speed → "
        "… 3 more → argue round 6/speed → argue round 7/speed → argue round 8/speed",
        "",
        "Answers are held fixed: this predicts time and cost, never what would have been said.",
        "Guessed: calls that the run did not make or cut short, which take their agent's "
        "median, and answers that would no longer fit.",
    ]


def test_a_terminal_without_signs_gets_plain_ones():
    text = whatif_text(TOLD, [FASTER, LONGER], ASCII)
    assert text.isascii()
    assert "-17 %" in text
    assert "~ 1 m 05 s" in text


def test_a_change_for_much_the_worse_is_told_as_a_factor():
    worse = structs.replace(FASTER, after_s=679.0)
    assert " × 100 " in whatif_text(TOLD, [worse], UNICODE)
    same = structs.replace(FASTER, after_s=6.78)
    assert "6.78 s     0 % " in whatif_text(TOLD, [same], UNICODE)


def test_nothing_that_helps_is_said_so():
    assert "None of the changes that were tried would save 1 %" in whatif_text(TOLD, [], UNICODE)


def test_a_run_that_did_not_come_to_its_end_is_told_so():
    assert "guessed" not in "".join(whatif_text(TOLD, [], UNICODE).splitlines()[1:3])
    for status, said in (("interrupted", "Interrupted after 6.81 s: what came after it is guessed"),
                         ("unfinished", "Unfinished, its last call ended after 6.81 s: what")):  # fmt: skip
        head = whatif_text(structs.replace(TOLD, status=status), [], UNICODE).splitlines()[2]
        assert head.startswith(said)


def sweep(*makespans: float) -> Sweep:
    found = [structs.replace(FASTER, after_s=each) for each in makespans]
    values = tuple(str(2**place) for place in range(len(found)))
    return Sweep(
        what="concurrency", values=values, predictions=tuple(found), unchanged=AS_IT_WAS
    )  # fmt: skip


def test_a_sweep_has_a_bar_a_value_and_its_knee():
    assert sweep_text(TOLD, sweep(8, 4, 3.9), UNICODE).splitlines()[3:] == [
        "concurrency  makespan  change    cost  guessed",
        f"1              8.00 s   +18 %  $0.021        –  {'━' * 32}",
        f"2              4.00 s   −41 %  $0.021        –  {'━' * 16} → knee",
        f"4              3.90 s   −43 %  $0.021        –  {'━' * 16}",
        "",
        "Knee within this sweep: concurrency 2, 4.00 s. What lies beyond it saves less than 5 %.",
        "Answers are held fixed: this predicts time and cost, never what would have been said.",
    ]


def test_a_sweep_without_a_knee_says_so():
    assert "next to no difference" in sweep_text(TOLD, sweep(4, 3.99), UNICODE)
    falls = sweep_text(TOLD, sweep(8, 4, 2), UNICODE)
    assert "No knee within this sweep: it still falls at concurrency 4" in falls
    assert "knee" not in falls.replace("No knee", "")
    one = sweep_text(TOLD, sweep(8), UNICODE)
    assert "difference" not in one
    assert "nee" not in one


def test_a_value_at_which_the_run_fails_is_no_saving():
    good = sweep(8, 4, 3.9)
    failed = structs.replace(FASTER, after_s=0.1, limit_reached="step a: no quorum")
    swept = structs.replace(
        good, values=("0", *good.values), predictions=(failed, *good.predictions)
    )
    lines = sweep_text(TOLD, swept, UNICODE).splitlines()
    assert (
        lines[4]
        == "0              100 ms   fails  $0.021        –  ✖ it ends early: step a: no quorum"
    )
    assert lines[6].endswith("→ knee")
    assert "Knee within this sweep: concurrency 2" in "\n".join(lines)
    points = json.loads(sweep_json(TOLD, swept))["sweep"]["points"]
    assert [point["fails"] for point in points] == [True, False, False, False]
    none = structs.replace(swept, values=("0",), predictions=(failed,))
    assert "nee" not in sweep_text(TOLD, none, UNICODE)


def test_programs_get_all_of_it():
    document = json.loads(whatif_json(TOLD, [FASTER]))
    assert document == {
        "konseho": 1, "run": "3fk2", "council": "code-review", "simulated": True, "status": "ok",
        "recorded_s": 6.81, "unchanged": document["unchanged"],
        "predictions": [
            {
                "change": "speed takes half the time", "options": ["--agent speed=0.5x"],
                "before_s": 6.79, "after_s": 5.62, "saved_s": 6.79 - 5.62, "cost": 0.021,
                "calls": 20, "guessed": 0, "approximate": False,
                "critical_path": ["review/security", "pick/chair"], "limit_reached": None,
            }
        ],
    }  # fmt: skip
    swept = json.loads(sweep_json(TOLD, sweep(8, 4, 3.9)))["sweep"]
    assert (swept["what"], swept["knee"], len(swept["points"])) == ("concurrency", "2", 3)
    assert swept["points"][0]["value"] == "1"
