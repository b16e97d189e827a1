from __future__ import annotations

import re
import signal

import pytest

from tests.cli.terminals import terminal


def test_a_terminal_sees_the_tree_live_then_the_summary_and_the_answer_last(council):
    with terminal("run", council()) as screen:
        assert screen.to_the_end() == 0
        seen = screen.seen
    assert "\x1b[?25l" in seen, "the cursor is hidden while it draws"
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l"), "and comes back"
    assert "of 2 steps" in seen
    assert seen.index("✔") < seen.rindex("[simulated] ")
    assert seen.rstrip().endswith(".")


def test_ctrl_c_ends_the_run_and_keeps_what_is_finished(half_done):
    with terminal("run", half_done) as screen:
        screen.until(lambda seen: "1 of 2 steps" in seen)
        screen.press(b"\x03")
        assert screen.to_the_end() == 130
        assert "interrupted" in screen.seen
        assert "--- done/bob ---" in screen.seen
        assert "Traceback" not in screen.seen


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_do_the_same_under_their_own_status(half_done, number, status):
    with terminal("run", half_done) as screen:
        screen.until(lambda seen: "1 of 2 steps" in seen)
        screen.process.send_signal(number)
        assert screen.to_the_end() == status
        assert "--- done/bob ---" in screen.seen


STUBBORN = """
import asyncio
from konseho_cli.cli.watching import Screen, conduct
from konseho_cli.core import signals

signals.SAME_SIGNAL_S = APART

class Stubborn:
    async def run(self, subscriptions):
        print("running", flush=True)
        await asyncio.sleep(300)

    def interrupt(self, signal):
        print("asked to stop by", signal, flush=True)

conduct(Stubborn(), Screen(quiet=True), None)
"""


def test_a_second_ctrl_c_ends_even_a_run_that_does_not_stop():
    with terminal(command=("-c", STUBBORN.replace("APART", "0"))) as screen:
        screen.until(lambda seen: "running" in seen)
        screen.press(b"\x03")
        screen.until(lambda seen: "asked to stop by SIGINT" in seen)
        screen.press(b"\x03")
        assert screen.to_the_end() == 130
        assert screen.seen.rstrip().endswith("\x1b[?25h"), "the cursor is there again"


def test_the_same_signal_twice_at_once_is_one():
    """`timeout` sends it to the process and to its group."""
    script = STUBBORN.replace("APART", "1e9").replace("sleep(300)", "sleep(1)")
    with terminal(command=("-c", script)) as screen:
        screen.until(lambda seen: "running" in seen)
        screen.press(b"\x03")
        screen.until(lambda seen: "asked to stop by SIGINT" in seen)
        screen.press(b"\x03")
        assert screen.to_the_end() == 0


IGNORING = """
import asyncio, signal
from konseho_cli.cli.watching import Screen, conduct
from konseho_cli.core.signals import SIGNALS

class Hit:
    async def run(self, subscriptions):
        for number in SIGNALS:
            signal.raise_signal(number)
            await asyncio.sleep(0)
        print("went on")

    def interrupt(self, signal):
        print("asked to stop by", signal)

for number in SIGNALS:
    signal.signal(number, signal.SIG_IGN)
conduct(Hit(), Screen(quiet=True), None)
"""


def test_signals_that_the_caller_ignores_stay_ignored():
    with terminal(command=("-c", IGNORING)) as screen:
        assert screen.to_the_end() == 0
        assert screen.seen.strip() == "went on", "so nohup keeps its word"


def test_an_interrupted_run_still_gives_its_json(half_done, tmp_path):
    file = tmp_path / "out.json"
    with terminal("run", half_done, "--json", "-o", file) as screen:
        screen.until(lambda seen: "1 of 2 steps" in seen)
        screen.press(b"\x03")
        assert screen.to_the_end() == 130
    assert '"status": "interrupted"' in file.read_text(encoding="utf-8")


def test_no_color_is_respected(council):
    with terminal("run", council(), NO_COLOR="1") as screen:
        screen.to_the_end()
        assert "\x1b[33m" not in screen.seen
        assert "of 2 steps" in screen.seen


def test_there_is_a_colour_otherwise(council):
    with terminal("run", council(), NO_COLOR="") as screen:
        screen.to_the_end()
        assert "\x1b[33m" in screen.seen


def test_a_dumb_terminal_gets_plain_lines(council):
    with terminal("run", council(), TERM="dumb") as screen:
        assert screen.to_the_end() == 0
        assert "\x1b" not in screen.seen
        assert "both: ok in" in screen.seen


def test_an_answer_cannot_drive_the_terminal(council):
    evil = council(r'answer: "\x1b]0;title\x07\x1b[31mred\x9b2J {{ last }}"')
    with terminal("run", evil, "-q") as screen:
        screen.to_the_end()
        assert screen.seen.startswith("red [simulated] ")
        assert "\x1b" not in screen.seen


def test_a_pipe_gets_every_character(konseho, council):
    assert konseho("run", council(r'answer: "\x1b[31mred"'), "-q").out == "\x1b[31mred\n"


def test_a_stream_makes_the_tree_give_way_to_the_answer(council):
    with terminal("run", council(), "--stream") as screen:
        assert screen.to_the_end() == 0
        tree, _, rest = screen.seen.partition("[simulated] ")
    assert "last" in tree
    assert "\x1b[?25l" not in rest, "nothing is drawn over the answer"
    assert "✔ ok" in rest


@pytest.mark.parametrize("width", [20, 40, 79, 200])
def test_no_line_is_wider_than_the_terminal(half_done, width):
    with terminal("run", half_done, width=width, NO_COLOR="1") as screen:
        screen.until(lambda seen: "open" in seen)
        screen.press(b"\x03")
        screen.until(lambda seen: "\x1b[?25h" in seen)
        frames = screen.seen.partition("\x1b[?25h")[0]
    for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\^C", "\n", frames).splitlines():
        assert len(line) <= width
