from __future__ import annotations

import json

from konseho_cli.core.errors import Problem
from konseho_cli.report.problems import (
    Checked,
    problems_json,
    problems_text,
    verdict_text,
    warnings_text,
)

GHOST = Problem(
    path="steps[0].agent", message="unknown agent 'ghost'", file="a.yaml", line=4, column=9,
    value="ghost", hint="did you mean 'host'?",
)  # fmt: skip
EMPTY = Problem(path="", message="the file\nis empty", file="b.yaml")
CHECKED = (
    Checked(file="a.yaml", problems=(GHOST,)),
    Checked(file="b.yaml", problems=(EMPTY,)),
    Checked(file="c.yaml", warnings=(GHOST,)),
)


def test_every_problem_is_a_line_with_its_place_and_way_out():
    assert problems_text(CHECKED).splitlines() == [
        "a.yaml:4:9: steps[0].agent: unknown agent 'ghost' (did you mean 'host'?)",
        "b.yaml: the file is empty",
    ]


def test_warnings_are_kept_apart():
    assert warnings_text(CHECKED).startswith("warning: a.yaml:4:9: ")
    assert len(warnings_text(CHECKED).splitlines()) == 1


def test_the_verdict_counts():
    assert verdict_text(CHECKED) == "2 problems in 2 of 3 files"
    assert verdict_text(CHECKED[:1]) == "1 problem in a.yaml"


def test_json_has_all_files_the_valid_ones_too():
    document = json.loads(problems_json(CHECKED))
    assert document["valid"] is False
    assert [file["valid"] for file in document["files"]] == [False, False, True]
    assert document["files"][0]["problems"][0] == {
        "file": "a.yaml", "line": 4, "column": 9, "path": "steps[0].agent",
        "message": "unknown agent 'ghost'", "value": "ghost", "hint": "did you mean 'host'?",
    }  # fmt: skip
