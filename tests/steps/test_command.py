from __future__ import annotations

import asyncio
from typing import Any

import pytest

from konseho_cli.core.errors import ModelUnavailable, StepFailed, TemplateFailed
from konseho_cli.core.units import Size
from konseho_cli.models.command import CommandDone, CommandRequest
from konseho_cli.steps.command import Command, Program
from konseho_cli.steps.results import StepResult
from konseho_cli.steps.scripted import Scripted


def done(output: str = "", status: int = 0, errors: str = "", cut: int = 0) -> CommandDone:
    return CommandDone(status=status, output=output, errors=errors, cut=cut)


def play(
    step: Command, answer: CommandDone | dict[str, Any] | None = None, **names: object
) -> tuple[StepResult, Scripted]:
    def executes(request: CommandRequest) -> Any:
        return answer[request.name] if isinstance(answer, dict) else answer or done("out\n")

    ctx = Scripted(script=lambda asked: "", names=names, executes=executes)
    return asyncio.run(step.run(ctx)), ctx


def test_the_value_is_the_output() -> None:
    result, ctx = play(Command(argv=("make", "test")))
    assert result.value == "out"
    assert [(part.label, part.text) for part in result.parts] == [("output", "out")]
    assert ctx.executed[0].argv == ("make", "test")
    assert result.details["status"] == 0


@pytest.mark.parametrize(
    ("parse", "output", "value"),
    [
        ("text", "a\n\n", "a"),
        ("lines", "a\nb\n", ["a", "b"]),
        ("lines", "", []),
        ("lines", "a\x0cb\u2028c\r\n\nd", ["a\x0cb\u2028c", "", "d"]),
        ("json", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_output_is_read_as_it_is_announced(parse: Any, output: str, value: object) -> None:
    assert play(Command(argv=("p",), parse=parse), done(output))[0].value == value


@pytest.mark.parametrize("output", ["", "{", "NaN", "1e999", "[" * 100_000, "[" * 500 + "]" * 500])
def test_output_that_is_no_json_fails_the_step(output: str) -> None:
    with pytest.raises(StepFailed, match="not a JSON document"):
        play(Command(argv=("p",), parse="json"), done(output))


def test_one_that_may_end_anyhow_gives_a_record() -> None:
    step = Command(argv=("pytest",), ok="any")
    result, ctx = play(step, done("1 failed\n", status=1, errors="oh\n"))
    assert result.value == {"status": 1, "ok": False, "output": "1 failed", "errors": "oh\n"}
    assert step.keys() == result.value.keys()
    assert result.parts[0].text == "exit status 1:\n\n1 failed\n\nstderr:\noh"
    assert ctx.executed[0].ok is None


HOSTILE = ["a b", "$(touch x)", "`id`", "a\nb", "--rm=/", "'\"\\", "*", "é\u202e🙂", "", ";", "|"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_is_one_argument_whatever_is_in_it(text: str) -> None:
    _, ctx = play(Command(argv=("p", "{{ said }}", "x{{ said }}y")), said=text)
    assert ctx.executed[0].argv == ("p", text, f"x{text}y")


def test_a_list_is_one_argument_too() -> None:
    _, ctx = play(Command(argv=("p", "{{ found }}", "{{ number }}")), found=["-a", "b"], number=3)
    assert ctx.executed[0].argv == ("p", '["-a", "b"]', "3")


@pytest.mark.parametrize("value", ["a\0b", None])
def test_what_no_program_can_be_given_is_refused(value: object) -> None:
    with pytest.raises(TemplateFailed, match=r"argv\[1\]"):
        play(Command(argv=("p", "{{ said }}")), said=value)


def test_all_that_it_is_given_goes_with_it() -> None:
    step = Command(
        argv=("p",), cwd="sub/{{ where }}", env={"A": "{{ where }}!", "B": None}, stdin="in",
        max_output=Size("2KiB"), inputs=("{{ where }}/*.py",), resources=("db",), safe=True,
        ok=(0, 1), priority=2,
    )  # fmt: skip
    _, ctx = play(step, where="x")
    assert ctx.executed[0] == CommandRequest(
        argv=("p",), cwd="sub/x", env={"A": "x!"}, passes=("B",), stdin="in", max_output=2048,
        inputs=("x/*.py",), resources=("db",), safe=True, ok=(0, 1), priority=2,
    )  # fmt: skip


def test_what_is_left_out_degrades_the_step() -> None:
    assert play(Command(argv=("p",)), done(cut=10))[1].reasons == [
        "10 bytes of its output are left out"
    ]


LINT = Program(argv=("ruff", "check"))
TESTS = Program(argv=("pytest", "-q"), ok="any")
BOTH = Command(commands={"lint": LINT, "tests": TESTS})


def test_several_give_their_results_by_name() -> None:
    result, _ = play(BOTH, {"lint": done("fine\n"), "tests": done("1 failed", status=1)})
    assert result.value["lint"] == "fine"
    assert result.value["tests"]["status"] == 1
    assert [part.label for part in result.parts] == ["lint", "tests"]
    assert result.details["commands"]["tests"]["argv"] == ["pytest", "-q"]
    assert BOTH.keys() == {"lint", "tests"}


def test_below_the_quorum_the_step_fails_and_above_it_is_degraded() -> None:
    said = {"lint": ModelUnavailable("lint ended with status 1"), "tests": done()}
    with pytest.raises(StepFailed, match="ended with status 1"):
        play(BOTH, said)
    step = Command(commands=dict(BOTH.commands), quorum=1)
    result, ctx = play(step, said)
    assert list(result.value) == ["tests"]
    assert ctx.reasons == ["lint was dropped: lint ended with status 1"]


@pytest.mark.parametrize(
    ("step", "field", "said"),
    [
        (Command(), "argv", "a program is needed"),
        (Command(argv=("p",), commands={"a": LINT}), "commands", "not both"),
        (Command(argv=("{{ ask }}", "x")), "argv", "must be fixed"),
        (Command(argv=("  ",)), "argv", "has no name"),
        (Command(argv=("p", "a\0")), "argv", "NUL"),
        (Command(argv=("p",), env=("OPENAI_API_KEY",)), "env", "no program is given one"),
        (Command(argv=("p",), env={"ANTHROPIC_API_KEY": "x"}), "env", "no program is given"),
        (Command(argv=("p",), env={"LD_PRELOAD": "{{ ask }}"}), "env", "other code"),
        (Command(argv=("p",), env=("DYLD_INSERT_LIBRARIES",)), "env", "other code"),
        (Command(argv=("p",), env=("A=B",)), "env", "no name of a variable"),
        (Command(argv=("p",), env={"PATH": "{{ ask }}"}), "env", "PATH must be fixed"),
        (Command(argv=("p",), inputs=("../*",)), "inputs", "leads out"),
        (Command(argv=("p",), max_output=Size("1GiB")), "max_output", "64MiB"),
        (Command(argv=("p",), ok=()), "ok", "list the statuses"),
        (Command(argv=("p",), quorum=1), "quorum", "several"),
        (Command(argv=("p",), prompt="x"), "prompt", "asks no agent"),
        (Command(argv=("p",), cache="warm"), "cache", "about models"),
        (Command(commands={"a": LINT}, cwd="x"), "cwd", "under `commands`"),
        (Command(commands={"a": LINT}, quorum=2), "quorum", "above"),
        (Command(commands={"a": LINT}, wait="quorum"), "wait", "needs a `quorum`"),
        (Command(commands={"a": Program(argv=("p",), cache=True)}), "commands", "a.cache: say by"),
        (Command(commands={"a": Program(argv=("{{ x }}",))}), "commands", "a.argv: the program"),
    ],
)
def test_what_is_wrong_is_said_before_the_run(step: Command, field: str, said: str) -> None:
    assert said in step.check()[field]


def test_what_is_right_is_not_complained_about() -> None:
    assert not Command(argv=("p", "{{ a }}"), inputs=("*.py",), env=("CI",)).check()
    assert not BOTH.check()


def test_its_templates_are_known_before_the_run() -> None:
    step = Command(argv=("p", "{{ ask.x }}"), env={"A": "{{ task }}"}, stdin="{{ inputs.diff }}")
    assert step.references() == {
        "argv": {"ask.x"}, "env": {"task"}, "stdin": {"inputs.diff"},
    }  # fmt: skip
    several = Command(commands={"a": Program(argv=("p", "{{ x }}"), cwd="{{ y }}")})
    assert several.references() == {"commands": {"x", "y"}}


def test_it_calls_no_model_and_says_what_it_executes() -> None:
    assert BOTH.estimate().most == 0
    assert BOTH.programs() == ["ruff check", "pytest -q"]
    assert Command(argv=("p", "a b")).programs() == ["p 'a b'"]


def test_a_status_is_set_apart_from_the_output_even_in_one_line() -> None:
    step = Command(argv=("grep", "-c", "x"), ok="any")
    for output, told in (("0\n", "exit status 1: 0"), ("", "exit status 1")):
        result, _ = play(step, done(output, status=1))
        assert " ".join(result.parts[0].text.split()) == told
