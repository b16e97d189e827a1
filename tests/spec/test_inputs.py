"""Inputs: declared in the council, given by the caller, read by their type."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.inputs import MAX_FILE, fill_inputs, read_inputs
from konseho_cli.spec.load import check_document
from konseho_cli.spec.loaded import Loaded

INPUTS = """
inputs:
  diff: {required: true, description: A unified diff.}
  n: {type: number, default: 3}
  deep: {type: boolean, default: false}
  data: {type: json}
steps: [{kind: ask, agent: {name: a}}]
"""


@pytest.fixture
def spec(load: Callable[[str], Loaded]) -> CouncilSpec:
    """A council with an input of each type."""
    return load(INPUTS).spec


def test_values_are_read_by_their_type_and_defaults_filled_in(spec: CouncilSpec) -> None:
    assert read_inputs(spec, ["diff=a=b", "data=[1, {}]"]) == {
        "diff": "a=b", "data": [1, {}], "n": 3, "deep": False,
    }  # fmt: skip
    assert read_inputs(spec, ["diff=", "n=2.5", "deep=True"]) == {
        "diff": "", "n": 2.5, "deep": True, "data": None,
    }  # fmt: skip


def test_a_value_may_come_from_a_file(spec: CouncilSpec, folder: Path) -> None:
    (folder / "change.diff").write_text("+x\n")
    (folder / "n").write_text("7\n")
    values = read_inputs(spec, ["diff=@change.diff", "n=@n"])
    assert (values["diff"], values["n"]) == ("+x\n", 7)


def test_a_value_may_come_from_stdin(spec: CouncilSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"+y\n")))
    assert read_inputs(spec, ["diff=@-"])["diff"] == "+y\n"


def test_everything_that_is_wrong_is_told_at_once(spec: CouncilSpec, folder: Path) -> None:
    pairs = ["n=three", "deep=si", "data={", "dif=x", "alone", "n=4", "gone=@no.txt"]
    with pytest.raises(UsageError) as raised:
        read_inputs(spec, pairs)
    assert str(raised.value).splitlines() == [
        "--input alone: write NAME=VALUE or NAME=@FILE",
        "input 'n' is given twice",
        "input 'n': expected a number, got \"three\"",
        "input 'deep': expected true or false, got \"si\"",
        "input 'data': expected JSON: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)",
        "unknown input 'dif' (did you mean 'diff'?)",
        "unknown input 'gone' (inputs: diff, n, deep, data)",
        "input 'diff' is missing (A unified diff.)",
    ]


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "true", "[1]", "", "0x3", '"3"', "[" * 100_000]
)
def test_what_is_no_number_is_refused(spec: CouncilSpec, text: str) -> None:
    with pytest.raises(UsageError, match="input 'n': expected a number"):
        read_inputs(spec, ["diff=x", f"n={text}"])


@pytest.mark.parametrize("text", ["NaN", "", "[1,", "[" * 100_000])
def test_what_is_no_json_is_refused(spec: CouncilSpec, text: str) -> None:
    with pytest.raises(UsageError, match="input 'data': expected JSON"):
        read_inputs(spec, ["diff=x", f"data={text}"])


def test_a_file_that_cannot_be_read_is_named(spec: CouncilSpec, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"input 'diff': no.diff: the file does not exist"):
        read_inputs(spec, ["diff=@no.diff"])


def test_a_file_beyond_the_bound_is_refused(spec: CouncilSpec, folder: Path) -> None:
    (folder / "large").write_bytes(b"x" * (MAX_FILE + 1))
    with pytest.raises(UsageError, match=r"larger than 8\.0 MiB"):
        read_inputs(spec, ["diff=@large"])


def test_values_given_in_python_are_checked_as_strictly(spec: CouncilSpec) -> None:
    assert fill_inputs(spec, {"diff": "x", "n": 1})["n"] == 1
    with pytest.raises(UsageError) as raised:
        fill_inputs(spec, {"diff": 5, "n": True, "deep": "yes", "x": 1})
    assert str(raised.value).splitlines() == [
        "input 'diff': expected text, got 5",
        "input 'n': expected a number, got true",
        "input 'deep': expected true or false, got \"yes\"",
        "unknown input 'x' (inputs: diff, n, deep, data)",
    ]


def test_of_very_many_mistakes_the_first_are_told_and_the_rest_counted(spec: CouncilSpec) -> None:
    with pytest.raises(UsageError) as raised:
        read_inputs(spec, ["diff=x", *(f"x{number}=1" for number in range(300))])
    lines = str(raised.value).splitlines()
    assert len(lines) == 11
    assert lines[9].startswith("unknown input 'x9'")
    assert lines[10] == "and 290 more"


def test_a_council_without_inputs_takes_none(load: Callable[[str], Loaded]) -> None:
    spec = load("steps: [{kind: ask, agent: {name: a}}]\n").spec
    assert read_inputs(spec, []) == {}
    with pytest.raises(UsageError, match=r"unknown input 'x' \(the council has none\)"):
        read_inputs(spec, ["x=1"])


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("{type: number, default: x}", 'expected a number (its type), got "x"'),
        ("{default: 5}", "expected text (its type), got 5"),
        ("{type: boolean, default: 1}", "expected true or false (its type), got 1"),
        ("{required: true, default: x}", "a required input has no default (remove one of the two)"),
    ],
)
def test_a_default_is_of_the_declared_type(
    said: Callable[[str], list[str]], declared: str, message: str
) -> None:
    found = said(f"inputs: {{x: {declared}}}\nsteps: [{{kind: ask, agent: {{name: a}}}}]\n")
    assert [each.split(": ", 2)[2] for each in found] == [message]


@pytest.mark.parametrize(
    ("pair", "what"),
    [
        ("n=" + "9" * 4000, "at most 64 bits"),
        ("j=" + "[" * 900 + "]" * 900, "nested more than 64 deep"),
        ("j=1e999", "expected JSON"),
        ("n=1e999", "expected a number"),
    ],
)
def test_numbers_and_depths_that_nothing_can_hold_are_refused(pair: str, what: str) -> None:
    inputs = {"n": {"type": "number"}, "j": {"type": "json"}}
    steps = [{"kind": "ask", "agent": {"name": "a"}}]
    spec = check_document({"konseho": 1, "name": "x", "inputs": inputs, "steps": steps}).spec
    with pytest.raises(UsageError, match=what):
        read_inputs(spec, [pair])
