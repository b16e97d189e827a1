from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from xml.etree import ElementTree

from msgspec import structs

from konseho_cli.bench.baseline import baseline_of
from konseho_cli.bench.figures import not_compared
from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.results import Against, Result, exit_status
from konseho_cli.bench.statistics import Round, summarize
from konseho_cli.bench.targets import Target
from konseho_cli.report.bench import (
    Benched,
    bench_json,
    bench_junit,
    bench_markdown,
    bench_text,
    history_text,
    lines,
    tail,
)

NOTHING = Pair(ours=float, peer=float)
ROW = Row(name="call", title="a call", peer="a bare call", prepare=lambda _: nullcontext(NOTHING))
SLOWER = Against(
    before=4e-5, after=5e-5, verdict="slower", outcome="regression", ratio=1.25, low=1.2, high=1.3,
    pairs=34,
)  # fmt: skip


def _row(*ours: float, target: Target) -> Result:
    return Result.of(ROW, target, [Round(ours=(took, took), peer=(1e-5, 1e-5)) for took in ours])


def _figure(name: str, took: float, against: Against | None = None, **stated: float) -> Result:
    return Result(
        name=name, title=f"the <{name}>", unit="s", target=Target(**stated), samples=(took,),
        ours=summarize([took]), exact=True, against=against,
    )  # fmt: skip


def _benched(*results: Result) -> Benched:
    return Benched(
        subject="review", council="abc", made=0.0, against="main", results=results,
        status=exit_status(results),
    )  # fmt: skip


def test_a_row_says_what_it_took_and_what_it_is_held_to() -> None:
    result = _row(4e-5, target=Target(stated=0.1, aim=2e-5, aim_ratio=5))
    assert lines(result) == [
        "call                 40 µs ± 0%     4.00 × 10 µs, a bare call",
        "                 a call; target < 100 ms ✔, aim < 20 µs and < 5 × ✘",
    ]


def test_bytes_are_shown_as_bytes() -> None:
    result = _row(700.0, target=Target(aim=1024, unit="B"))
    assert "700 B" in lines(result)[0]
    assert "aim < 1.0 KiB ✔" in lines(result)[1]


def test_a_comparison_is_a_line_of_its_own() -> None:
    assert lines(_figure("cpu", 5e-5, SLOWER))[-1].strip() == (
        "✘ slower: 1.250 × 40 µs, 1.200 to 1.300, 34 pairs"
    )


def test_the_footer_counts_what_decides() -> None:
    text = bench_text(_benched(_figure("time", 1.0, stated=2.0), _figure("cpu", 5e-5, SLOWER)))
    assert text.splitlines()[-1] == "✘ review · 1 target met · 1 slower than before"


def test_junit_has_a_case_a_figure_and_is_escaped() -> None:
    unclear = Against(before=1, after=1, verdict="inconclusive", outcome="inconclusive", note="<>")
    found = ElementTree.fromstring(
        bench_junit(
            _benched(
                _figure("time", 1.0, stated=2.0), _figure("late", 3.0, stated=2.0),
                _figure("cpu", 5e-5, SLOWER), _figure("noisy", 1.0, unclear),
            )
        )
    )  # fmt: skip
    (suite,) = found
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "2", "1")
    assert [case[0].tag for case in suite] == ["system-out", "failure", "failure", "skipped"]


def test_markdown_is_a_table() -> None:
    text = bench_markdown(_benched(_figure("time", 1.0, stated=2.0), _figure("cpu", 5e-5, SLOWER)))
    assert text.splitlines()[0] == "## bench: review against main"
    assert "| time | 1 s |  | target ≤ 2 s ✔ |  |" in text


def test_the_json_is_versioned_and_says_unit_and_verdicts() -> None:
    document = json.loads(bench_json(_benched(_figure("cpu", 5e-5, SLOWER, stated=1.0))))
    assert (document["version"], document["exit_status"], document["against"]) == (1, 1, "main")
    (row,) = document["rows"]
    assert (row["name"], row["unit"], row["verdict"], row["aim_verdict"]) == (
        "cpu", "s", "met", None,
    )  # fmt: skip
    assert row["against"]["outcome"] == "regression"


def test_the_history_says_what_changed_from_one_to_the_next() -> None:
    kept = [
        (name, baseline_of([_figure("cpu", took)], subject="review", council="", made=made))
        for name, took, made in (("v1", 1.0, 0.0), ("v2", 1.5, 100.0))
    ]
    first, second = history_text(kept).splitlines()[1:]
    assert "%" not in first
    assert "+50.0%" in second


HOSTILE = "a\x1b]0;gone\x07\n| <b>\x00"


def test_what_came_from_elsewhere_drives_no_terminal_and_breaks_no_format() -> None:
    against = replace(SLOWER, note=HOSTILE)
    benched = structs.replace(
        _benched(_figure("cpu", 5e-5, against)),
        subject=HOSTILE,
        against=HOSTILE,
        remarks=(HOSTILE,),
    )
    for text in (bench_text(benched), tail(benched), bench_markdown(benched)):
        assert "\x1b" not in text
        assert "\x00" not in text
    assert "<b>" not in bench_markdown(benched)
    (row,) = (line for line in bench_markdown(benched).splitlines() if line.startswith("| cpu"))
    assert row.replace("\\|", "").count("|") == 6
    assert ElementTree.fromstring(bench_junit(benched)).get("failures") == "1"
    kept = structs.replace(
        baseline_of([_figure("cpu", 1.0)], subject="review", council="", made=0.0), version=HOSTILE
    )
    assert "\x1b" not in history_text([(HOSTILE, kept)])


def test_what_was_not_compared_is_counted_apart() -> None:
    benched = _benched(_figure("time", 1.0, not_compared("another machine"), stated=2.0))
    text = bench_text(structs.replace(benched, status=4))
    assert "≈ not compared: another machine" in text
    assert text.endswith("≈ review · 1 target met · 1 not compared · nothing was compared")


def test_a_figure_without_a_peer_has_its_description_beside_it() -> None:
    assert lines(_figure("calls", 0.5)) == ["calls               500 ms   the <calls>"]
    long = replace(_figure("calls", 0.5), title="word " * 30)
    assert [line[:9].strip() for line in lines(long)] == ["calls", ""]
