from __future__ import annotations

import json

import pytest

COUNCIL = """\
konseho: 1
name: crowd
task: Say something.
model: "sim:fast"
max_concurrency: 1
agents: {ann: {role: You.}, bob: {role: You are Bob.}, cid: {role: You are Cid.}}
steps:
  - {id: all, kind: parallel, agents: [ann, bob, cid]}
"""


@pytest.fixture
def tuned(konseho, tmp_path):
    file = tmp_path / "crowd.yaml"
    file.write_text(COUNCIL, encoding="utf-8")
    assert konseho("tune", file, "--only", "concurrency,quorum").status == 0


def names(konseho, *arguments):
    told = json.loads(konseho("learnings", *arguments, "--json").out)
    assert told["konseho"] == 1
    return [each["name"] for each in told["learnings"]]


@pytest.mark.usefixtures("tuned")
def test_what_was_learnt_is_listed_with_all_that_it_was_learnt_on(konseho):
    ran = konseho("learnings")
    assert ran.status == 0
    assert "max_concurrency 1 → 2" in ran.out
    first = json.loads(konseho("learnings", "list", "crowd", "--json").out)["learnings"][-1]
    assert (first["council"], first["verdict"], first["gate"]) == ("crowd", "kept", 0.2)
    assert (first["models"], bool(first["machine"]["cpus"])) == (["sim:fast"], True)
    assert first["version"]
    assert names(konseho, "other") == []


@pytest.mark.usefixtures("tuned")
def test_what_is_forgotten_is_gone(konseho):
    one, *others = names(konseho)
    ran = konseho("learnings", "forget", one)
    assert (ran.status, ran.out) == (0, f"forgot {one}\n")
    assert names(konseho) == others
    assert konseho("learnings", "forget", "crowd").status == 0
    assert names(konseho) == []


def test_what_was_never_learnt_cannot_be_forgotten(konseho):
    ran = konseho("learnings", "forget", "nothing")
    assert ran.status == 2
    assert "nothing of the name 'nothing' was learnt" in ran.err


def test_where_nothing_was_learnt_that_is_said(konseho):
    ran = konseho("learnings")
    assert (ran.status, ran.out) == (0, "")
    assert "`konseho tune COUNCIL` does" in ran.err
