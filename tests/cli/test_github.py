"""In a workflow, what does not hold is an annotation on its line, and the job has a summary."""

from __future__ import annotations

from pathlib import Path

import pytest

COUNCIL = """\
konseho: 1
name: small
model: sim:instant
agents: {ann: {role: You answer.}}
steps:
  - {kind: ask, agent: ann, prompt: Say it.}
targets:
  calls: 0
  time: 5m
gate: "{{ false }}"
"""


@pytest.fixture
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "small.yaml").write_text(COUNCIL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path


@pytest.fixture
def run(workflow, konseho):
    return lambda *more: konseho("run", "a/small.yaml", "--no-store", *more)


def test_a_missed_target_and_a_false_gate_stand_on_their_lines(workflow, run):
    result = run("--quiet")
    assert result.status == 1
    lines = result.err.splitlines()
    assert "::error file=a/small.yaml,line=10,title=small%3A gate::the gate is false" in lines
    missed = "::error file=a/small.yaml,line=8,title=small%3A target missed::calls: 1, allowed 0"
    assert missed in lines
    assert "::" not in result.out


def test_the_summary_is_added_to_what_is_there_and_says_no_answer(workflow, run):
    (workflow / "summary.md").write_text("before\n")
    result = run()
    text = (workflow / "summary.md").read_text()
    assert text.startswith("before\n# small\n")
    assert "**missed**" in text
    assert result.out.strip() not in text


def test_a_summary_that_cannot_be_written_is_said_and_no_more(workflow, run, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(workflow))
    result = run()
    assert result.status == 1
    assert "the job summary could not be written" in result.err


def test_elsewhere_nothing_of_it_is_said(workflow, run, monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert "::error" not in run().err
    assert not (workflow / "summary.md").exists()
