from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.report.frame import MOST_AGENTS, Painter, Size, as_text
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.report.text import cells
from konseho_cli.report.view import RunView
from konseho_cli.telemetry.events import (
    AskFinished,
    AskStarted,
    RunStarted,
    StepFinished,
    StepProgressed,
    StepStarted,
)

SECOND = 10**9


def started(*steps: str, council: str = "code-review") -> RunStarted:
    return RunStarted(at=0, run="r", council=council, steps=steps, models=("openai:gpt-5-mini",))


def answered(step: str, agent: str, call: int, at: float, status: str = "ok", error: str = ""):
    return AskFinished(
        at=int(at * SECOND), step=step, agent=agent, call=call, status=status, input_tokens=400,
        output_tokens=200, model="m", cost=Decimal("0.001"), error=error,
    )  # fmt: skip


def asked(step: str, agent: str, call: int, at: float) -> AskStarted:
    return AskStarted(at=int(at * SECOND), step=step, agent=agent, call=call, label="")


@pytest.fixture
def midway() -> RunView:
    """The second of four steps is in its second round, and waits for one agent."""
    view = RunView()
    view([
        started("review", "argue", "pick", "verdict"),
        StepStarted(at=0, step="review", kind="parallel", agents=("security", "speed")),
        asked("review", "security", 1, 0), asked("review", "speed", 2, 0),
        answered("review", "security", 1, 0.9), answered("review", "speed", 2, 1.2),
        StepFinished(at=int(1.2 * SECOND), step="review", status="ok", reasons=()),
        StepStarted(at=int(1.2 * SECOND), step="argue", kind="debate",
                    agents=("security", "speed")),
        asked("argue", "security", 3, 1.2), asked("argue", "speed", 4, 1.2),
        answered("argue", "security", 3, 1.9), answered("argue", "speed", 4, 2.2),
        StepProgressed(at=0, step="argue", note="round 2"),
        asked("argue", "security", 5, 2.2), asked("argue", "speed", 6, 2.2),
        answered("argue", "security", 5, 2.9),
    ])  # fmt: skip
    return view


def drawn(view: RunView, *, width: int = 80, height: int = 24, at: float = 4.1, symbols=UNICODE):
    painter = Painter(symbols, cost_limit=Decimal("1.5"))
    return as_text(painter.frame(view, int(at * SECOND), Size(width=width, height=height)))


def test_a_run_midway_looks_like_this(midway, golden):
    golden("midway.txt", drawn(midway) + "\n")


def test_where_lines_are_few_the_agents_of_calm_steps_are_folded(midway):
    lines = drawn(midway, height=9).splitlines()
    assert any("review" in line and "●●" in line for line in lines)
    assert sum("speed" in line for line in lines) == 1


def test_where_lines_are_fewer_the_step_names_whom_it_waits_for(midway):
    lines = drawn(midway, height=8, width=100).splitlines()
    assert any("●○" in line and "waiting for speed" in line for line in lines)
    assert not any(line.lstrip().startswith(("├", "└")) for line in lines)


def test_a_narrow_terminal_keeps_names_and_times(midway):
    text = drawn(midway, width=40)
    assert "argue" in text
    assert "2.9 s" in text
    assert "tok" not in "\n".join(text.splitlines()[:-1])


def test_a_plain_terminal_gets_plain_letters(midway):
    assert drawn(midway, symbols=ASCII).isascii()


def test_the_final_tree_has_no_bar(midway):
    tree = as_text(Painter(UNICODE).tree(midway, 4 * SECOND, Size()))
    assert "of 4 steps" not in tree
    assert "verdict" in tree


def test_a_hundred_agents_are_a_number():
    view = RunView()
    names = tuple(f"agent{n}" for n in range(100))
    view([started("wide"), StepStarted(at=0, step="wide", kind="parallel", agents=names)])
    view([asked("wide", name, n, 0) for n, name in enumerate(names)])
    view([answered("wide", name, n, 1) for n, name in enumerate(names[:37])])
    text = drawn(view)
    assert "37 of 100" in text
    assert len(text.splitlines()) == 3


def test_a_failure_has_the_colour_of_attention():
    view = RunView()
    view([
        started("s"), StepStarted(at=0, step="s", kind="ask", agents=("ann",)),
        asked("s", "ann", 1, 0), answered("s", "ann", 1, 1, "failed", "503"),
        StepFinished(at=SECOND, step="s", status="failed", reasons=("503",)),
    ])  # fmt: skip
    row = Painter(UNICODE).tree(view, SECOND, Size())[1]
    assert row[0].style == "accent"
    assert row[-1] == ("  503", "accent")


def test_a_name_cannot_drive_the_terminal():
    view = RunView()
    view([started("s", council="evil\x1b[2J\x07\nname")])
    assert drawn(view).startswith("evil name")


def test_what_counts_up_does_so_in_tenths(midway):
    assert "2.0 s" in drawn(midway, at=3.2)
    assert "ms" not in drawn(midway, at=2.3).split("argue")[1].split("security")[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    width=st.integers(1, 200), height=st.integers(1, 60), steps=st.integers(1, 80),
    agents=st.integers(0, 2 * MOST_AGENTS), ended=st.integers(0, 80), symbols=st.sampled_from((UNICODE, ASCII)),
)  # fmt: skip
def test_a_frame_is_never_wider_or_higher_than_the_terminal(
    width, height, steps, agents, ended, symbols
):
    names = [f"step{n}" for n in range(steps)]
    view = RunView()
    view([started(*names, council="名前" * 20)])
    for number, name in enumerate(names[: ended + 3]):
        people = tuple(f"agent{n}" for n in range(agents))
        view([StepStarted(at=0, step=name, kind="parallel", agents=people)])
        view([asked(name, agent, number, 0) for agent in people])
        if number < ended:
            view([StepFinished(at=1, step=name, status="degraded", reasons=("oh\nno" * 9,))])
    lines = drawn(view, width=width, height=height, symbols=symbols).splitlines()
    assert all(cells(line) <= width for line in lines)
    assert len(lines) <= max(3, height)
