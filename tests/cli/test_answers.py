"""`--answers FILE`: found by the narrowest name, used up in turn, checked before the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.cli.answers import Answers
from konseho_cli.core.errors import ModelRefused, NoAnswer
from konseho_cli.models.person import Question

COUNCIL = """\
konseho: 1
name: asks
task: Write.
model: "sim:instant"
agents:
  ann: {role: You are Ann.}
  boss: {role: You decide., model: "human:Ana"}
steps:
  - {id: draft, kind: ask, agent: ann}
  - {id: approve, kind: human, choices: ["yes", "no"]}
  - {id: argue, kind: debate, agents: [ann, boss], rounds: 1}
"""
ROUNDS = ["My view.", {"position": "Still mine.", "agree": True}]


@pytest.fixture
def asks(tmp_path: Path) -> Path:
    file = tmp_path / "asks.yaml"
    file.write_text(COUNCIL, encoding="utf-8")
    return file


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(value: Any, *, text: str | None = None) -> Path:
        path = tmp_path / "answers.yaml"
        path.write_text(text or yaml.safe_dump(value), encoding="utf-8")
        return path

    return write


def ask(step: str = "s", agent: str = "a", **fields: Any) -> Question:
    return Question(step=step, agent=agent, who=agent, prompt="?", **fields)


def test_answers_come_from_the_file(konseho: Any, asks: Path, file: Any) -> None:
    ran = konseho("run", asks, "--answers", file({"approve": "yes", "boss": ROUNDS}), "--json")
    assert ran.status == 0, ran.err
    outcome = json.loads(ran.out)
    assert [call["agent"] for call in outcome["calls"]].count("approve") == 1
    assert outcome["answer"]["positions"]["boss"] == "Still mine."
    assert [call["cost"] for call in outcome["calls"] if call["source"] == "human"] == [0.0] * 3
    assert "3 answers by people" in ran.err
    assert "warning" not in ran.err


def test_json_is_read_too(konseho: Any, asks: Path, file: Any) -> None:
    text = json.dumps({"approve": "no", "argue/boss": ROUNDS}, indent=1)
    assert konseho("run", asks, "--answers", file(None, text=text)).status == 0


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"aprove": "yes"}, "'aprove' is no step, step/agent or agent (did you mean 'approve'?)"),
        ({"approve": "maybe"}, "'approve': \"maybe\" is not one of"),
        ({"approve": ["yes", 3]}, "'approve': 3 is not of type"),
        (["yes"], "a file of answers is a mapping"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_is_asked(
    konseho: Any, asks: Path, file: Any, given_: Any, said: str
) -> None:
    ran = konseho("run", asks, "--answers", file(given_))
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_a_file_that_is_no_yaml_is_refused_with_its_line(
    konseho: Any, asks: Path, file: Any
) -> None:
    ran = konseho("run", asks, "--answers", file(None, text="a: 1\na: 2\n"))
    assert ran.status == 2
    assert "answers.yaml:2" in ran.err


def test_what_nobody_asked_for_is_a_warning(konseho: Any, asks: Path, file: Any) -> None:
    answers = {"approve": "yes", "boss": [*ROUNDS, "more"], "ann": "nobody"}
    ran = konseho("run", asks, "--answers", file(answers))
    assert ran.status == 0
    assert "nobody asked for 'ann'" in ran.err
    assert "1 of the answers of 'boss' were not used" in ran.err


def test_an_answer_that_does_not_fit_its_round_names_its_key(
    konseho: Any, asks: Path, file: Any
) -> None:
    ran = konseho("run", asks, "--answers", file({"approve": "yes", "boss": ["a", "b"]}), "--json")
    assert ran.status == 0, "one of the two may leave a debate"
    assert "'boss': " in json.loads(ran.out)["reasons"][0]


def test_too_few_answers_are_no_answer(konseho: Any, asks: Path, file: Any) -> None:
    ran = konseho("run", asks, "--answers", file({"approve": "yes", "boss": ["a"]}))
    assert "answers.yaml has no answer for Ana" in ran.err


def test_nobody_to_ask_is_an_error_before_anything_is_paid(
    konseho: Any, asks: Path, file: Any
) -> None:
    ran = konseho("run", asks, "--answers", file({"approve": "yes"}))
    assert (ran.status, ran.out) == (2, "")
    assert "step 'argue' asks a person (boss), and there is no terminal" in ran.err
    assert "--answers FILE" in ran.err


def test_the_narrowest_name_goes_first() -> None:
    answers = Answers("f", {"a": ["agent"], "s": ["step"], "s/a": ["both"]})
    assert [answers.take(ask()) for _ in range(3)] == ["both", "step", "agent"]
    with pytest.raises(NoAnswer):
        answers.take(ask())


def test_a_value_answers_every_time() -> None:
    answers = Answers("f", {"a": "agent", "s": "step"})
    assert [answers.take(ask()) for _ in range(3)] == ["step"] * 3


TIE = """\
  - {id: both, kind: parallel, agents: [ann, bob]}
  - {id: argue, kind: vote, candidates: "{{ both }}", voters: [ann, bob], method: moderator,
     moderator: boss}
"""


def test_a_person_may_moderate_a_vote(konseho: Any, asks: Path, file: Any) -> None:
    head = COUNCIL.partition("steps:")[0].replace("agents:", "agents:\n  bob: {role: You are Bob.}")
    asks.write_text(f"{head}steps:\n{TIE}", encoding="utf-8")
    ran = konseho("run", asks, "--answers", file({"boss": {"reason": "So be it.", "choice": "B"}}))
    assert ran.status == 0, ran.err
    assert "1 answer by a person" in ran.err


LOOP = """\
  - id: polish
    kind: loop
    max: 3
    until: "{{ ok == 'yes' }}"
    steps: [{id: draft, kind: ask, agent: ann}, {id: ok, kind: human, choices: ["yes", "no"]}]
"""


@pytest.mark.parametrize(
    "answers",
    [
        {"polish.ok": ["no", "yes"]},
        {"ok": ["no", "yes"]},
        {"polish.1.ok": "no", "polish.2.ok": "yes"},
        {"polish.1.ok/ok": "no", "polish.ok": "yes"},
    ],
)
def test_in_a_loop_answers_stand_for_all_iterations_or_for_one(
    konseho: Any, asks: Path, file: Any, answers: Any
) -> None:
    head = COUNCIL.partition("steps:")[0]
    asks.write_text(f"{head}steps:\n{LOOP}", encoding="utf-8")
    ran = konseho("run", asks, "--answers", file(answers), "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["answer"]["count"] == 2


def test_null_is_no_answer() -> None:
    with pytest.raises(NoAnswer):
        Answers("f", {"s": None}).take(ask())


def test_a_list_that_fits_the_question_is_one_answer() -> None:
    schema = {"type": "array", "items": {"type": "string"}}
    answers = Answers("f", {"s": ["x", "y"]})
    assert [answers.take(ask(schema=schema)) for _ in range(2)] == [["x", "y"]] * 2
    assert not answers.unused


def test_what_does_not_fit_is_refused_and_not_tried_again() -> None:
    with pytest.raises(ModelRefused, match="f: 's': text is expected"):
        Answers("f", {"s": 5}).take(ask())


@given(st.lists(st.text("abcäß漢 {}", max_size=8).map("x{}".format), max_size=8))
def test_a_list_is_used_up_in_its_order(texts: list[str]) -> None:
    answers = Answers("f", {"s": texts})
    taken = []
    while answers.has("s", "a"):
        taken.append(answers.take(ask()))
    assert taken == texts


def test_a_step_that_may_be_skipped_needs_no_answer_where_others_have_theirs(
    konseho, tmp_path
) -> None:
    def run(answers: str):
        (tmp_path / "answers.yaml").write_text(answers)
        given = ("--model", "sim:instant", "--answers", tmp_path / "answers.yaml")
        return konseho("run", "human-approval", "A note", *given)

    ran = run("decide: approve\n")
    assert ran.status == 0
    assert "nobody asked" not in ran.err
    ran = run("{}\n")
    assert ran.status == 2
    assert "asks a person" in ran.err
