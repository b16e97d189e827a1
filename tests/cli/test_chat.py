from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from konseho_cli.cli.prompting import gathered
from tests.cli.terminals import terminal

HISTORY = 'inputs: {history: {type: json, required: true, description: "What was said."}}'


@pytest.fixture
def talk(process):
    """Say lines to a council through a pipe."""

    def say(council, *lines, more=(), **env):
        return process("chat", council, "-q", *more, stdin="\n".join(lines), **env)

    return say


def test_each_line_of_a_pipe_is_a_turn_and_its_answer_goes_to_stdout(talk, council):
    ran = talk(council('answer: "heard"'), "one", "", "  ", "two")
    assert (ran.status, ran.out, ran.err) == (0, "heard\nheard\n", "")


def answers(ran):
    return [json.loads(line)["answer"] for line in ran.out.splitlines()]


def test_a_turn_knows_what_was_said_before(talk, council):
    ran = talk(council('answer: "{{ task }}"'), "one", "two", "three", more=("--json",))
    first, second, third = answers(ran)
    assert first == "one"
    assert second.startswith("two\n\n")
    assert "<user>\none\n</user>\n<answer>\none\n</answer>" in second
    assert second in third
    assert third.startswith("three\n\n")


def test_a_council_that_takes_history_gets_it_as_data(talk, council):
    ran = talk(council(HISTORY, 'answer: "{{ inputs.history }}"'), "one", "two", more=("--json",))
    first, second = (json.loads(line) for line in ran.out.splitlines())
    assert first["answer"] == []
    assert second["answer"] == [{"user": "one", "answer": "[]"}]


def test_json_is_an_object_a_turn(talk, council):
    ran = talk(council('answer: "a\\nb"'), "one", "two", more=("--json",))
    said = [json.loads(line) for line in ran.out.splitlines()]
    assert [(each["turn"], each["user"], each["status"]) for each in said] == [
        (1, "one", "ok"), (2, "two", "ok"),
    ]  # fmt: skip
    assert said[0]["konseho"] == 1
    assert said[0]["run"] != said[1]["run"]


def test_older_turns_are_left_out_and_that_is_said(process, council):
    ran = process(
        "chat", council('answer: "{{ task[:4] }}"'), "--json", "--history-tokens", 4,
        stdin="first line\nother line\nlast",
    )  # fmt: skip
    assert answers(ran) == ["firs", "othe", "last"]
    assert "no longer told of the first turn:" in ran.err


def test_a_turn_that_fails_does_not_end_the_chat(talk, council):
    picky = council(
        'answer: "{{ task }}"', "gate: \"{{ task == 'good' }}\"", model='model: "sim:instant"'
    )
    ran = talk(picky, "bad", "good", more=("--history-tokens", 0))
    assert (ran.status, ran.out) == (1, "bad\ngood\n")


def test_what_it_took_so_far_is_said_from_the_second_turn_on(process, council):
    ran = process("chat", council(), stdin="one\ntwo")
    assert ran.err.count("so far") == 1
    assert "so far 2 turns · 6 calls" in ran.err


def test_answers_that_are_the_same_are_paid_once(talk, council):
    ran = talk(council(), "one", "one", more=("--json", "--cache", "--history-tokens", 0))
    again = json.loads(ran.out.splitlines()[1])
    assert {call["source"] for call in again["calls"]} == {"cache"}


def test_without_a_store_nothing_is_left(talk, council, tmp_path):
    home = tmp_path / "kept"
    talk(council(), "one", more=("--no-store",), KONSEHO_HOME=str(home))
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "no council"),
        (("quickstart", "--input", "x=@-"), "stdin is what is said"),
        (("quickstart", "--input", "x=1"), "unknown input"),
        (("quickstart", "--model", "nonsense"), "names no provider"),
        (("code-review", "--input", "diff=x"), "no model chosen"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_speaks(konseho, arguments, said):
    ran = konseho("chat", *arguments)
    assert ran.status == 2
    assert said in ran.err


def test_bytes_that_are_no_text_are_passed_over(process, council):
    ran = process("chat", council('answer: "heard"'), "-q", stdin=b"\xff\xfe\ngood\n")
    assert ran.out == "heard\n"
    assert "not text in UTF-8" in ran.err


@pytest.mark.parametrize(
    ("lines", "entry"),
    [
        (["one"], "one"),
        (["one \\", "two"], "one \ntwo"),
        (["one\\", "two\\", ""], "one\ntwo\n"),
        (['"""', "a", "", 'b"""'], "a\n\nb"),
        (['"""a', '"""'], "a"),
        (['"""a"""'], "a"),
    ],
)
def test_an_entry_may_have_several_lines(lines, entry):
    left = iter(lines)
    assert gathered(lambda prompt: next(left)) == entry
    assert list(left) == []


def test_at_a_terminal_one_talks(council, tmp_path):
    home = tmp_path / "home"
    with terminal("chat", council('answer: "heard"'), KONSEHO_HOME=str(home)) as screen:
        screen.until(lambda seen: "> " in seen)
        screen.press(b"one\n")
        screen.until(lambda seen: seen.endswith("heard\r\n\r\n> "))
        screen.press(b"two \\\n")
        screen.until(lambda seen: seen.endswith("| "))
        screen.press(b"three\n")
        screen.until(lambda seen: "so far 2 turns" in seen and seen.endswith("heard\r\n\r\n> "))
        screen.press(b"/runs\n")
        screen.until(lambda seen: "two three" in seen and seen.endswith("> "))
        screen.press(b"\x04")
        assert screen.to_the_end() == 0
        assert "Traceback" not in screen.seen
    typed = home / "chat_history"
    assert typed.read_text(encoding="utf-8").splitlines() == ["one", "two \\", "three", "/runs"]
    assert stat.S_IMODE(typed.stat().st_mode) == 0o600


def test_two_chats_at_once_remember_what_was_typed_in_both(council, tmp_path):
    home = str(tmp_path / "home")
    file = council('answer: "heard"')
    with (
        terminal("chat", file, "-q", KONSEHO_HOME=home) as one,
        terminal("chat", file, "-q", KONSEHO_HOME=home) as two,
    ):
        for screen in (one, two):
            screen.until(lambda seen: seen.endswith("> "))
        for screen, said in ((one, "a"), (two, "b"), (one, "c")):
            begin = len(screen.seen)
            screen.press(f"{said}\n".encode())
            screen.until(lambda seen, begin=begin: seen[begin:].endswith("heard\r\n\r\n> "))
        for screen in (one, two):
            screen.press(b"\x04")
            assert screen.to_the_end() == 0
    typed = tmp_path / "home" / "chat_history"
    assert typed.read_text(encoding="utf-8").splitlines() == ["a", "b", "c"]


def test_ctrl_c_at_the_prompt_gives_up_the_line_and_in_a_turn_the_turn(half_done):
    with terminal("chat", half_done) as screen:
        screen.until(lambda seen: seen.endswith("> "))
        screen.press(b"never said")
        screen.until(lambda seen: seen.endswith("never said"))
        screen.give_up_the_line()
        for turn in (1, 2):  # signals are heard as well the second time
            screen.press(b"said\n")
            screen.until(lambda seen, turn=turn: seen.count("1 of 2 steps") >= turn)
            done = len(screen.seen)
            screen.until(lambda seen, done=done: "1 of 2 steps" in seen[done - 600 :])
            screen.press(b"\x03")
            screen.until(lambda seen, turn=turn: seen.count("konseho resume ") == turn)
            screen.until(lambda seen: seen.endswith("> "))
        screen.press(b"/history\n")
        screen.until(
            lambda seen: "so far 2 turns" in seen.rpartition("/history")[2] and seen.endswith("> ")
        )
        screen.press(b"\x04")
        assert screen.to_the_end() == 0
        assert "never said" not in screen.seen.rpartition("/history")[2]
        assert "(interrupted: no answer)" in screen.seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_ends_the_chat_and_puts_the_terminal_back(council, number):
    with terminal("chat", council('answer: "heard"'), "-q", "--no-store") as screen:
        before = termios.tcgetattr(screen.screen)
        screen.until(lambda seen: seen.endswith("> "))
        screen.press(b"half a li")
        screen.until(lambda seen: seen.endswith("half a li"))
        assert termios.tcgetattr(screen.screen) != before
        screen.process.send_signal(number)
        assert screen.to_the_end() == 128 + number
        assert termios.tcgetattr(screen.screen) == before


def test_bytes_that_are_no_text_do_not_end_a_chat_at_a_terminal(council):
    with terminal(
        "chat", council('answer: "{{ task }}"'), "-q", "--no-store", PYTHONIOENCODING="utf-8:strict"
    ) as screen:
        screen.until(lambda seen: seen.endswith("> "))
        screen.press(b"h\xffe\n")
        screen.until(lambda seen: "\r\nh\ufffde\r\n\r\n> " in seen)
        screen.press(b"\x04")
        assert screen.to_the_end() == 0


def test_nobody_is_asked_what_nobody_would_read(council, konseho, tmp_path):
    store = tmp_path / "runs.db"
    with subprocess.Popen(
        [sys.executable, "-m", "konseho_cli", "chat", council('answer: "heard"'), "-q"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "KONSEHO_STORE": str(store)},
    ) as chat:  # fmt: skip
        chat.stdin.write(b"one\n")
        chat.stdin.flush()
        assert chat.stdout.readline() == b"heard\n"
        chat.stdout.close()
        chat.stdin.write(b"two\nthree\n")
        chat.stdin.close()
        assert chat.wait(60) == 0
    assert [
        each["task"] for each in json.loads(konseho("runs", "--store", store, "--json").out)["runs"]
    ] == ["one"]


DEAF = """
import subprocess, sys
chat = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
chat.stdout.close()
sys.exit(chat.wait())
"""


def test_at_a_terminal_too_a_chat_ends_where_nobody_reads_its_answers(council):
    chat = [sys.executable, "-m", "konseho_cli", "chat", council('answer: "heard"'), "-q"]
    with terminal(*chat, "--no-store", command=("-c", DEAF)) as screen:
        screen.until(lambda seen: seen.endswith("> "))
        screen.press(b"one\n")
        assert screen.to_the_end() == 0


def test_a_full_disk_ends_a_chat(council):
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "konseho_cli", "chat", council('answer: "heard"')],
            input=b"one\ntwo\n", stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert ran.returncode == 3
    assert ran.stderr.count(b"could not be written") == 1
    assert b"so far" not in ran.stderr


def test_words_with_a_slash_are_for_konseho(council, tmp_path):
    file = tmp_path / "talk.md"
    with terminal("chat", council('answer: "{{ task }}"'), "-q", "--no-store") as screen:
        answers = iter([
            ("//etc is what?", "/etc is what?\r\n"),
            ("/hlep", "did you mean '/help'?"),
            ("/help", "ends the chat"),
            ("/model sim:fast", "sim:fast\r\n"),
            ("/model nonsense", "names no provider"),
            (f"/save {file}", "1 turn in"),
            ("/save", "which file?"),
            ("/save ~nobody-of-that-name/x", "could not be written"),
            (f"/save {'x' * 300}", "File name too long"),
            ("/clear", "a new conversation"),
            ("/history", "so far 1 turn"),
        ])  # fmt: skip
        screen.until(lambda seen: seen.endswith("> "))
        for typed, answer in answers:
            begin = len(screen.seen)
            screen.press(f"{typed}\n".encode())
            screen.until(lambda seen, begin=begin, said=answer: said in seen[begin + 3 :])
            screen.until(lambda seen: seen.endswith("> "))
        screen.press(b"/quit\n")
        assert screen.to_the_end() == 0
    text = file.read_text(encoding="utf-8")
    assert "> /etc is what?" in text
    assert text.startswith("# A conversation with small\n")


def test_an_answer_of_one_step_streams(council):
    with terminal("chat", council(), "-q") as screen:
        screen.until(lambda seen: seen.endswith("> "))
        screen.press(b"one\n")
        screen.until(lambda seen: "[simulated] " in seen and seen.endswith("\r\n\r\n> "))
        screen.press(b"\x04")
        assert screen.to_the_end() == 0
        assert screen.seen.count("[simulated] ") == 1


def test_an_answer_that_would_drive_the_terminal_does_not(council):
    with terminal("chat", council(r'answer: "\x1b]0;title\x07red"'), "-q") as screen:
        screen.until(lambda seen: seen.endswith("> "))
        screen.press(b"one\n")
        screen.until(lambda seen: seen.endswith("red\r\n\r\n> "))
        screen.press(b"\x04")
        screen.to_the_end()
        assert "\x1b]0;" not in screen.seen


@contextmanager
def counting_server() -> Iterator[tuple[str, list[int]]]:
    """Answers chat completions; its address, and how many connections there were."""
    connections: list[int] = []
    answer = {"choices": [{"message": {"content": "heard"}, "finish_reason": "stop"}]}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            connections.append(1)
            super().setup()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", connections
        server.shutdown()


def test_turns_share_their_connections(talk, tmp_path):
    council = tmp_path / "one.yaml"
    council.write_text(
        "konseho: 1\nname: one\nagents: {ann: {role: Ann.}}\nsteps: [{kind: ask, agent: ann}]\n",
        encoding="utf-8",
    )
    with counting_server() as (url, connections):
        ran = talk(
            council, "one", "two", "three", more=("--model", "vllm:x"), VLLM_BASE_URL=url
        )  # fmt: skip
        assert (ran.status, ran.out, ran.err) == (0, "heard\nheard\nheard\n", "")
        assert len(connections) == 1


def test_ctrl_c_at_the_prompt_is_not_heard_by_the_next_turn(council):
    with terminal("chat", council('answer: "heard"'), "-q", "--no-store") as screen:
        for turn in (1, 2):
            screen.until(lambda seen: seen.endswith("> "))
            screen.press(b"said\n")
            screen.until(lambda seen, turn=turn: seen.count("heard\r\n\r\n> ") == turn)
            screen.give_up_the_line()
        screen.press(b"\x04")
        assert screen.to_the_end() == 0
        assert "interrupted" not in screen.seen
