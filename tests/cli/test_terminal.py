"""People at a terminal of their own: the question and the live view on one screen."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.cli.terminal import keyboard
from tests.cli.terminals import Terminal, terminal

COUNCIL = """\
konseho: 1
name: asks
task: Write.
model: "sim:instant"
agents: {ann: {role: You are Ann.}, slow: {role: You take your time., model: "sim:ttft=1,spread=0"}}
steps:
STEPS
answer: "{{ approve }}"
"""
APPROVE = """\
  - {id: draft, kind: ask, agent: ann}
  - {id: approve, kind: human, question: Is it good?, choices: [approve, ask for changes]}
"""
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def asks(tmp_path: Path) -> Callable[..., Path]:
    def write(steps: str = APPROVE) -> Path:
        file = tmp_path / "asks.yaml"
        file.write_text(COUNCIL.replace("STEPS", steps), encoding="utf-8")
        return file

    return write


def asked(screen: Terminal, times: int = 1) -> None:
    """Wait until somebody may type."""
    screen.until(lambda seen: len(re.findall(r"> $|> (?=[^\n]*\n)", seen)) >= times)


def plain(seen: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen).replace("\r\n", "\n")


def test_the_view_makes_way_for_the_question_and_goes_on_below(asks: Any) -> None:
    with terminal("run", asks()) as screen:
        asked(screen)
        before = screen.seen
        assert before.rindex(SHOWN) > before.rindex(HIDDEN), "the cursor is the person's"
        assert before.rindex("? approve is asked") > before.rindex(SHOWN)
        assert "is asked: approve" not in before, "who and of which step are one here"
        screen.press(b"2\n")
        assert screen.to_the_end() == 0
    after = screen.seen[len(before) :]
    assert after.index("2\r\n") < after.index(HIDDEN) < after.rindex("● approve")
    assert plain(screen.seen).rstrip().endswith("ask for changes")
    assert "1 answer by a person" in plain(screen.seen)


def test_nothing_is_drawn_while_somebody_types_though_others_go_on(asks: Any) -> None:
    steps = (
        "  - {id: approve, kind: human}\n"
        "  - {id: work, kind: ask, agent: slow, needs: []}\n"
        "  - {id: more, kind: human, needs: [work]}\n"
    )
    with terminal("run", asks(steps), "--json") as screen:
        asked(screen)
        start = len(screen.seen)
        screen.press("Grüße, 漢字 🚀\n".encode())
        screen.until(lambda seen: seen.count("> ") >= 2)
        screen.press(b"\n")
        screen.until(lambda seen: "more is asked" in seen and seen.endswith("> "))
        typed = screen.seen[start : screen.seen.index("\x1b", start)]
        assert "Grüße, 漢字 🚀" in typed
        screen.press(b"fine\n\n")
        assert screen.to_the_end() == 0
    assert '"answer": "Grüße, 漢字 🚀"' in screen.seen


def test_several_questions_are_asked_one_after_the_other_in_their_order(asks: Any) -> None:
    steps = "".join(
        f"  - {{id: {name}, kind: human, needs: []}}\n" for name in ("approve", "b", "c")
    )
    with terminal("run", asks(steps), "-q") as screen:
        for number, name in enumerate(("approve", "b", "c"), 1):
            screen.until(
                lambda seen, name=name: f"? {name} is asked" in seen and seen.endswith("> ")
            )
            assert plain(screen.seen).count("is asked") == number
            screen.press(f"{name} says\n\n".encode())
        assert screen.to_the_end() == 0
    assert plain(screen.seen).rstrip().endswith("approve says")


def test_what_is_no_choice_is_asked_again(asks: Any) -> None:
    with terminal("run", asks()) as screen:
        asked(screen)
        screen.press(b"7\n")
        screen.until(lambda seen: "There is no choice 7: 1 to 2." in seen)
        screen.press(b"a\n")
        screen.until(lambda seen: "'a' may be 1 or 2" in seen)
        screen.press(b"APP\n")
        assert screen.to_the_end() == 0


def test_ctrl_d_is_no_answer_and_resume_asks_again(asks: Any) -> None:
    with terminal("run", asks()) as screen:
        asked(screen)
        screen.press(b"\x04")
        assert screen.to_the_end() == 3
        assert "approve gave no answer" in screen.seen
    with terminal("resume", "last") as screen:
        asked(screen)
        screen.press(b"1\n")
        assert screen.to_the_end() == 0
        assert "2 answers" not in screen.seen


def test_ctrl_c_interrupts_and_resume_asks_that_question_alone(asks: Any) -> None:
    steps = "  - {id: approve, kind: human}\n  - {id: second, kind: human}\n"
    with terminal("run", asks(steps)) as screen:
        asked(screen)
        screen.press(b"First.\n\n")
        screen.until(lambda seen: "second is asked" in seen and seen.endswith("> "))
        screen.press(b"half a")
        screen.until(lambda seen: seen.endswith("half a"))
        screen.press(b"\x03")
        assert screen.to_the_end() == 130
        assert "no longer waited for" in screen.seen
        assert "Traceback" not in screen.seen
    with terminal("resume", "last") as screen:
        screen.until(lambda seen: "second is asked" in seen and seen.endswith("> "))
        assert "approve is asked" not in screen.seen
        screen.press(b"Second.\n\n")
        assert screen.to_the_end() == 0
        assert plain(screen.seen).rstrip().endswith("First.")


def test_after_kill_9_no_answer_is_asked_for_twice(asks: Any) -> None:
    steps = "  - {id: approve, kind: human}\n  - {id: second, kind: human}\n"
    with terminal("run", asks(steps), "-q") as screen:
        asked(screen)
        screen.press(b"First.\n\n")
        screen.until(lambda seen: "second is asked" in seen and seen.endswith("> "))
        _kill_below(screen.process.pid)
        assert screen.to_the_end() == -signal.SIGKILL
    with terminal("resume", "last", "-q") as screen:
        screen.until(lambda seen: "is asked" in seen and seen.endswith("> "))
        assert "? second is asked" in screen.seen
        screen.press(b"Second.\n\n")
        assert screen.to_the_end() == 0
        assert plain(screen.seen).rstrip().endswith("First.")


def _kill_below(leader: int) -> None:
    """`kill -9` for the process that the terminal's leader started."""
    children = Path(f"/proc/{leader}/task/{leader}/children")
    if not children.exists():
        pytest.skip("this system does not list a process's children")
    (child,) = children.read_text(encoding="ascii").split()
    os.kill(int(child), signal.SIGKILL)


def test_a_replay_asks_nobody(asks: Any) -> None:
    file = asks()
    with terminal("run", file) as screen:
        asked(screen)
        screen.press(b"2\n")
        assert screen.to_the_end() == 0
    with terminal("run", file, "--replay", "last") as screen:
        assert screen.to_the_end() == 0
        assert "is asked" not in screen.seen
        assert plain(screen.seen).rstrip().endswith("ask for changes")


def test_time_that_is_over_ends_the_question(asks: Any) -> None:
    steps = "  - {id: approve, kind: human, choices: ['yes', 'no'], timeout: 1s, default: 'no'}\n"
    with terminal("run", asks(steps)) as screen:
        asked(screen)
        assert "to answer)" in screen.seen
        assert screen.to_the_end() == 0
    assert "no longer waited for" in screen.seen
    assert "nobody answered in 1.0 s: the default stands" in plain(screen.seen)


def test_what_was_typed_before_the_question_answers_nothing(asks: Any) -> None:
    steps = "  - {id: work, kind: ask, agent: slow}\n" + APPROVE
    with terminal("run", asks(steps)) as screen:
        screen.until(lambda seen: "work" in seen)
        screen.press(b"1\n")
        asked(screen)
        screen.press(b"2\n")
        assert screen.to_the_end() == 0
    assert plain(screen.seen).rstrip().endswith("ask for changes")


def test_a_model_cannot_drive_the_terminal_by_what_it_says(asks: Any) -> None:
    steps = r"""  - {id: approve, kind: human, question: "\e]0;title\a\e[31mRed?"}
"""
    with terminal("run", asks(steps), "-q") as screen:
        asked(screen)
        assert "Red?" in screen.seen
        assert "\x1b" not in screen.seen
        screen.press(b"No.\n\n")
        assert screen.to_the_end() == 0


def test_keys_that_send_escape_sequences_are_no_part_of_the_answer(asks: Any) -> None:
    with terminal("run", asks("  - {id: approve, kind: human}\n"), "-q", "--json") as screen:
        asked(screen)
        screen.press(b"Y\x1b[Des\x1b[A.\n\n")
        assert screen.to_the_end() == 0
    assert '"answer": "Yes."' in screen.seen


def test_what_is_pasted_is_one_answer_with_its_paragraphs(asks: Any) -> None:
    with terminal("run", asks("  - {id: approve, kind: human}\n"), "-q", "--json") as screen:
        asked(screen)
        screen.press(b"One.\n\nTwo.\n\n")
        assert screen.to_the_end() == 0
    assert r'"answer": "One.\n\nTwo."' in screen.seen


def test_the_rest_of_what_is_pasted_is_no_next_command(asks: Any) -> None:
    with terminal("chat", asks(), "-q", "--no-store") as screen:
        asked(screen)
        screen.press(b"said\n")
        screen.until(lambda seen: "2. ask for changes" in seen and seen.endswith("> "))
        screen.press(b"1\nnever said\n")
        screen.until(lambda seen: seen.endswith("approve\r\n\r\n> "))
        screen.press(b"/history\n")
        screen.until(lambda seen: "so far 1 turn" in seen and seen.endswith("> "))
        screen.press(b"\x04")
        assert screen.to_the_end() == 0


def test_a_screen_that_changes_its_size_while_somebody_types_is_drawn_anew(asks: Any) -> None:
    with terminal("run", asks(), width=100) as screen:
        asked(screen)
        fcntl.ioctl(screen.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 50, 0, 0))
        before = len(screen.seen)
        screen.press(b"1\n")
        screen.until(lambda seen: "✔ ok" in seen)
        frames = screen.seen[before : screen.seen.index("✔ ok")]
        screen.to_the_end()
    assert max(len(line) for line in plain(frames).replace("\r", "\n").splitlines()) <= 50


def test_a_dumb_terminal_holds_its_lines_until_the_answer_is_there(asks: Any) -> None:
    steps = "  - {id: approve, kind: human}\n  - {id: work, kind: ask, agent: slow, needs: []}\n"
    with terminal("run", asks(steps), TERM="dumb") as screen:
        asked(screen)
        screen.press(b"Wait")
        screen.until(lambda seen: seen.endswith("Wait"))
        screen.press(b".\n\n")
        assert screen.to_the_end() == 0
    assert "\x1b" not in screen.seen
    question = plain(screen.seen).partition("is asked")[2].partition("Wait.")[0]
    assert "ok in" not in question


def test_a_long_question_is_shortened_and_shown_whole_when_asked_for(asks: Any) -> None:
    steps = """\
  - id: approve
    kind: human
    prompt: "{% for n in range(600) %}line {{ n }} of it\\n{% endfor %}"
"""
    with terminal("run", asks(steps), "-q") as screen:
        screen.until(lambda seen: seen.endswith("> "))
        assert "[480 lines left out here: answer ? to see all of it]" in screen.seen
        assert "line 300 of it" not in screen.seen
        screen.press(b"?\n")
        screen.until(lambda seen: "line 300 of it" in seen and seen.endswith("> "))
        screen.press(b"Read.\n\n")
        assert screen.to_the_end() == 0
    assert plain(screen.seen).rstrip().endswith("Read.")


PIPED = """
import subprocess, sys
done = subprocess.run(sys.argv[1:], input=b"Task from a pipe.", stdout=subprocess.PIPE)
print("out:", done.stdout.decode(), flush=True)
sys.exit(done.returncode)
"""


def test_a_task_from_a_pipe_leaves_the_terminal_for_answers(asks: Any) -> None:
    konseho = [sys.executable, "-m", "konseho_cli", "run", asks(), "-", "--json", "-q"]
    with terminal(*konseho, command=("-c", PIPED)) as screen:
        asked(screen)
        assert "Task from a pipe." in screen.seen
        screen.press(b"1\n")
        assert screen.to_the_end() == 0
    outcome = json.loads(screen.seen.partition("out:")[2])
    assert outcome["answer"] == "approve"


def test_a_chat_from_a_pipe_asks_at_the_terminal_in_every_turn(asks: Any) -> None:
    konseho = [sys.executable, "-m", "konseho_cli", "chat", asks(), "-q", "--no-store"]
    turns = PIPED.replace("Task from a pipe.", r"one\ntwo\n")
    with terminal(*konseho, command=("-c", turns)) as screen:
        for turn in (1, 2):
            screen.until(lambda seen, turn=turn: seen.count("2. ask for changes") == turn)
            screen.until(lambda seen: seen.endswith("> "))
            screen.press(b"%d\n" % turn)
        assert screen.to_the_end() == 0
    assert screen.seen.endswith("out: approve\r\nask for changes\r\n\r\n")


def test_however_often_somebody_is_asked_the_terminal_is_opened_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as shown, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", shown)
        patched.setattr(sys, "stdin", None)
        assert keyboard() is not None
        opened = len(os.listdir("/dev/fd"))
        assert all(keyboard() for _ in range(5))
        assert len(os.listdir("/dev/fd")) == opened
    os.close(ours)


def test_without_a_controlling_terminal_nobody_is_waited_for(asks: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "konseho_cli", "run", str(asks())],
        stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"there is no terminal" in done.stderr
