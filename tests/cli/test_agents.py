from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from konseho_cli.agents.registry import Registry

COUNCIL = """\
konseho: 1
name: trial
task: Say something.
model: "sim:instant"
steps:
  - {kind: ask, agent: {from: my-critic}}
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """An empty current folder, where nothing is remembered."""
    monkeypatch.setattr("konseho_cli.agents.registry._SHARED", Registry())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, text, folder="agents"):
    file = Path(folder) / f"{name}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_all_agents_are_listed_with_where_they_are_from(konseho):
    write("reviewer", "---\nname: reviewer\ndescription: Mine.\nmodel: fast\n---\nrole\n")
    ran = konseho("agents", "list")
    assert (ran.status, ran.err) == (0, "")
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[0] == ["name", "from", "shadows", "model", "description"]
    assert ["reviewer", "project", "built-in", "fast", "Mine."] in rows
    assert {row[0] for row in rows[1:]} >= {"chair", "product-owner", "security"}


def test_what_cannot_be_used_is_listed_and_its_reason_goes_to_stderr(konseho):
    write("a", "---\nname: a\nweight: none\n---\n")
    Path("agents/b.md").symlink_to("/etc/passwd")
    ran = konseho("agents", "list")
    assert ran.status == 0
    assert ran.out.count("cannot be used") == 2
    assert ran.err.splitlines() == [
        'agents/a.md:3: weight: expected a number above 0, got "none"',
        "agents/b.md: it is a link that leads out of the folder",
    ]


def test_the_list_for_programs(konseho, tmp_path):
    write("reviewer", "---\nname: reviewer\n---\nrole\n")
    write("a", "---\nname: a\nweight: none\n---\n")
    told = json.loads(konseho("agents", "list", "--json").out)
    assert told["konseho"] == 1
    agents = {agent["name"]: agent for agent in told["agents"]}
    mine = agents["reviewer"]
    assert list(mine) == [
        "name", "from", "file", "description", "model", "problem", "shadows",
    ]  # fmt: skip
    assert (mine["from"], mine["shadows"][0]["from"]) == ("project", "built-in")
    assert mine["file"] == str(tmp_path.resolve() / "agents" / "reviewer.md")
    assert agents["a"]["problem"] == told["problems"][0]
    assert [folder["from"] for folder in told["folders"] if folder["there"]] == [
        "project", "built-in",
    ]  # fmt: skip


def test_agents_are_shown_as_a_council_finds_them(konseho):
    write("critic", "You criticise.", "councils/agents")
    Path("councils/trial.yaml").write_text(COUNCIL)
    assert "critic" not in konseho("agents", "list").out
    assert "critic" in konseho("agents", "list", "--council", "councils/trial.yaml").out
    assert konseho("agents", "list", "--council", "nobody.yaml").status == 2
    assert konseho("agents", "show", "security", "--council", "code-review").status == 0


def test_one_is_shown_with_its_facts_and_its_whole_role(konseho):
    front = "name: critic\ndescription: It looks.\ntools: Read\ntemperature: 0.5\nweight: 2\n"
    write("critic", f"---\n{front}---\nYou criticise.\n\nLast line.\n")
    ran = konseho("agents", "show", "Critic")
    assert ran.status == 0
    assert ran.out == (
        "name         critic\n"
        "from         project\n"
        f"file         {os.path.join('agents', 'critic.md')}\n"
        "description  It looks.\n"
        "model        the council's\n"
        "temperature  0.5\n"
        "weight       2\n"
        "tools        Read (not offered to the model)\n"
        "\nYou criticise.\n\nLast line.\n"
    )
    told = json.loads(konseho("agents", "show", "critic", "--json").out)
    assert (told["role"], told["weight"], told["tools"]) == (
        "You criticise.\n\nLast line.", 2.0, ["Read"],
    )  # fmt: skip


def test_who_is_not_there_is_answered_with_who_is_near(konseho):
    ran = konseho("agents", "show", "reviwer")
    assert (ran.status, ran.out) == (2, "")
    assert "no agent is called 'reviwer' in those that ship" in ran.err
    assert "did you mean 'reviewer'?" in ran.err


def test_a_broken_one_is_refused_with_its_place(konseho):
    write("a", "---\nname: a\nweight: none\n---\n")
    ran = konseho("agents", "show", "a")
    assert ran.status == 2
    assert "agents/a.md:3:1: weight: expected a number above 0" in ran.err


def test_a_new_agent_can_be_used_at_once(konseho):
    ran = konseho("agents", "new", "my-critic", "-d", "It looks.")
    assert (ran.status, ran.out) == (0, "agents/my-critic.md\n")
    assert "`from: my-critic`" in ran.err
    Path("trial.yaml").write_text(COUNCIL)
    assert konseho("validate", "trial.yaml").status == 0
    assert konseho("run", "trial.yaml", "-q").status == 0


def test_a_copy_of_one_that_ships_counts_before_it(konseho):
    ran = konseho("agents", "new", "reviewer", "--from", "reviewer")
    assert ran.status == 0
    assert "it counts before the 'reviewer' that ships" in ran.err
    assert konseho("agents", "show", "reviewer").out.splitlines()[1].endswith("project")
    assert konseho("agents", "new", "reviewer").status == 2
    assert konseho("agents", "new", "reviewer", "--force").status == 0


def test_a_new_one_for_all_projects(konseho, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    assert konseho("agents", "new", "mine", "--user").status == 0
    assert (tmp_path / "settings" / "konseho" / "agents" / "mine.md").is_file()
    assert "user" in konseho("agents", "show", "mine").out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(("../x",), "is no name for an agent"), (("Critic",), "is no name for an agent"),
     (("x", "--from", "nobody"), "no agent is called 'nobody'")],
)  # fmt: skip
def test_what_cannot_be_written_is_refused_and_nothing_is_made(konseho, project, arguments, why):
    ran = konseho("agents", "new", *arguments)
    assert ran.status == 2
    assert why in ran.err
    assert not list(project.iterdir())


def test_hostile_front_matter_drives_no_terminal_and_breaks_no_row(konseho):
    write("a", '---\nname: a\ndescription: "x\\e[2Jy\\nz"\n---\nrole\n')
    row = next(line for line in konseho("agents", "list").out.splitlines() if line[0:2] == "a ")
    assert row.endswith("xy z")


def test_a_pipe_gets_lines_as_long_as_columns_says(process):
    long = "It looks at everything. " * 20
    write("a", f"---\nname: a\ndescription: {long}\n---\nrole\n")
    ran = process("agents", "list", COLUMNS="60")
    assert (ran.status, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 60


def test_a_run_that_is_kept_holds_the_roles_themselves(konseho, half_done):
    """So that `resume` goes on with the agents that it began with."""
    write("my-critic", "You are the first.")
    Path("trial.yaml").write_text(COUNCIL)
    assert konseho("run", "trial.yaml", "-q", "--store", "kept.db").status == 0
    write("my-critic", "You are another.")
    exported = konseho("store", "export", "--store", "kept.db").out
    assert "You are the first." in exported
    assert "You are another." not in exported
