from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.units import show_percent
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.models.sim import SimModel
from konseho_cli.profiling.analysing import analyse
from konseho_cli.profiling.analysis import EarlyStop, Lag, Share
from konseho_cli.profiling.lanes import lanes_of
from konseho_cli.report.analysis import NOTHING, analysis_lines, path_lines
from konseho_cli.report.frame import as_text
from konseho_cli.report.lanes import lane_lines
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.report.text import cells
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.parallel import Parallel

TEAM = ("security", "speed", "critic")


@pytest.fixture
def crowded(stage: Any) -> RunOutcome:
    """A review, a debate and a verdict over two slots."""
    steps = {
        "review": Parallel(agents=TEAM),
        "argue": Debate(agents=("security", "speed"), rounds=1),
        "verdict": Chair(agent="chair"),
    }
    return stage.run(steps, SimModel(""), agents=(*TEAM, "chair"), concurrency=2)


def test_it_says_where_the_time_went(crowded: RunOutcome, golden: Any) -> None:
    golden("analysis.txt", as_text(analysis_lines(analyse(crowded), UNICODE, 110)) + "\n")


def test_lanes_say_who_did_what_when(crowded: RunOutcome, golden: Any) -> None:
    golden("lanes.txt", as_text(lane_lines(lanes_of(crowded, 20), UNICODE, 100)) + "\n")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_tables_and_lanes_fit(crowded: RunOutcome, width: int) -> None:
    lines = path_lines(analyse(crowded), UNICODE, width)
    lanes = lane_lines(lanes_of(crowded, 20), UNICODE, width)
    shares = [line for line in lines if "█" in as_text((line,)) or "model" in as_text((line,))]
    assert max(cells(as_text((line,))) for line in shares) <= width
    assert max(cells(as_text((line,))) for line in lanes[:-1]) <= width


def test_a_plain_terminal_gets_plain_letters(crowded: RunOutcome) -> None:
    assert as_text(analysis_lines(analyse(crowded), ASCII, 100)).isascii()
    assert as_text(lane_lines(lanes_of(crowded, 20), ASCII, 100)).isascii()


def test_of_many_agents_the_path_and_the_busiest_are_shown(stage: Any) -> None:
    names = tuple(f"a{number}" for number in range(100))
    outcome = stage.run({"all": Parallel(agents=names)}, SimModel(""), agents=names, concurrency=10)
    lanes = lanes_of(outcome, 20)
    on_path = {segment.agent for segment in analyse(outcome).path.segments}
    assert on_path <= {lane.agent for lane in lanes.lanes}
    assert "  … 80 more" in as_text(lane_lines(lanes, UNICODE, 100)).splitlines()


def test_without_an_end_there_is_nothing_to_show(crowded: RunOutcome) -> None:
    cut_off = structs.replace(crowded, spans=())
    assert as_text(analysis_lines(analyse(cut_off), UNICODE, 100)) == NOTHING
    assert lane_lines(lanes_of(cut_off, 20), UNICODE, 100) == ()


def test_what_is_rare_is_told_too(crowded: RunOutcome) -> None:
    analysis = structs.replace(
        analyse(crowded),
        early_stops=(EarlyStop(step="pick", stopped=False, saved=2_000_000_000),
                     EarlyStop(step="poll", stopped=True, saved=1_000_000_000)),
        lag=Lag(count=3, p50=1_000, p99=2_000, worst=40_000_000, worst_step="argue"),
        by_kind=(Share(name="konseho", duration=1, share=0.001),),
    )  # fmt: skip
    text = as_text(analysis_lines(analysis, UNICODE, 110))
    assert "pick: `early_stop` would have saved 2.0 s" in text
    assert "poll: `early_stop` saved at least 1.0 s" in text
    assert "loop lag 1 µs (p50), 2 µs (p99), 40 ms at worst in argue" in text
    assert "< 1 %" in text


def test_an_agent_cannot_drive_the_terminal(crowded: RunOutcome) -> None:
    evil = Share(name="stream", duration=1, share=1, most=("\x1b[2Jgone 1 s",))
    text = as_text(path_lines(structs.replace(analyse(crowded), by_kind=(evil,)), UNICODE, 100))
    assert "\x1b" not in text
    assert "gone" in text


def test_shares_are_whole_percents() -> None:
    assert [show_percent(share) for share in (0.724, 0.004, 0.0)] == ["72 %", "< 1 %", "0 %"]
