from __future__ import annotations

import json
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ("list", "show", "explain", "diff", "rm")


@pytest.fixture
def kept(konseho, council):
    """Two runs of one council, the older one first."""
    file = council()
    runs = []
    for task in ("Tabs or spaces?", "Vi or Emacs?"):
        ran = konseho("run", file, task, "-q", "--json")
        assert ran.status == 0
        runs.append(json.loads(ran.out))
    return runs


def listed(konseho, *arguments):
    ran = konseho("runs", "list", "--json", *arguments)
    assert ran.status == 0
    return [run["task"] for run in json.loads(ran.out)["runs"]]


def test_where_nothing_is_kept_the_way_to_it_is_told_and_nothing_is_made(konseho):
    ran = konseho("runs")
    assert (ran.status, ran.out) == (0, "")
    assert "`konseho run` keeps every run" in ran.err
    assert json.loads(konseho("runs", "--json").out) == {"konseho": 1, "runs": []}
    assert konseho("runs", "show", "last").status == 2
    assert not Path(os.environ["KONSEHO_HOME"]).exists()


def test_runs_are_listed_the_newest_first(konseho, kept):
    lines = konseho("runs").out.splitlines()
    assert [line.split()[0] for line in lines] == [kept[1]["run"], kept[0]["run"]]
    assert lines[0].endswith("Vi or Emacs?")
    assert konseho("runs", "list").out.splitlines()[0].split()[0] == kept[1]["run"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((), ["Vi or Emacs?", "Tabs or spaces?"]),
        (("-n", "1"), ["Vi or Emacs?"]),
        (("--council", "sm*"), ["Vi or Emacs?", "Tabs or spaces?"]),
        (("--council", "large"), []),
        (("--status", "ok,failed", "-n", "1"), ["Vi or Emacs?"]),
        (("--status", "running, Cut off"), []),
        (("--since", "1h"), ["Vi or Emacs?", "Tabs or spaces?"]),
        (("--before", "1h"), []),
        (("--since", "2020-01-01", "--before", "2020-02-01"), []),
    ],
)
def test_runs_are_listed_by_what_describes_them(konseho, kept, arguments, found):
    assert listed(konseho, *arguments) == found


def test_a_list_that_comes_out_empty_says_that_none_is_like_that(konseho, kept):
    assert "no run that is kept is like that" in konseho("runs", "--council", "large").err


def without_times(calls):
    """What is kept of a call is timed inside the journal, which is microseconds later."""
    return [{**call, "start_s": 0, "end_s": 0} for call in calls]


def test_a_stored_run_is_what_it_was(konseho, kept):
    for name, run in (("last", kept[1]), (kept[0]["run"], kept[0])):
        again = json.loads(konseho("runs", "show", name, "--json").out)
        again["started"] = run["started"]  # the store's is of the moment before
        for each in (again, run):
            each["calls"] = without_times(each["calls"])
        assert again == run


def test_a_run_is_shown_as_after_it(konseho, kept):
    ran = konseho("runs", "show", "last")
    assert ran.out == kept[1]["answer"] + "\n"
    assert kept[1]["run"] in ran.err
    assert "Vi or Emacs?" in ran.err
    assert "● both" in ran.err
    assert "ok in" in ran.err
    assert konseho("runs", "show", "last", "--markdown").out.startswith("# small\n")


def test_a_step_is_shown_whole(konseho, kept):
    ran = konseho("runs", "show", "last", "both")
    assert "--- ann ---" in ran.out
    assert kept[1]["steps"][0]["output"]["bob"] in ran.out
    document = json.loads(konseho("runs", "show", "last", "both", "--json", "--prompts").out)
    assert document["step"] == kept[1]["steps"][0]
    assert without_times(document["calls"]) == without_times(kept[1]["calls"])[:2]
    assert sorted(one["agent"] for one in document["prompts"]) == ["ann", "bob"]
    assert konseho("runs", "show", "last", "both", "--markdown").out.startswith("### both")


def test_what_was_asked_is_shown(konseho, kept):
    ran = konseho("runs", "show", "last", "last", "--prompts")
    assert ran.out.startswith("=== last/ann ===\n\n[role]\nYou are Ann.")
    assert kept[1]["steps"][0]["output"]["bob"] in ran.out
    assert konseho("runs", "show", "last", "--prompts").out.count("=== ") == 3
    document = json.loads(konseho("runs", "show", "last", "--prompts", "--json").out)
    assert len(document["prompts"]) == 3


def test_a_run_is_explained(konseho, kept):
    ran = konseho("runs", "explain", "last")
    assert "The answer is last, as ann wrote it." in ran.out
    assert "had before it: both (ann; bob)" in ran.out
    assert json.loads(konseho("runs", "explain", "last", "--json").out)["run"] == kept[1]["run"]
    assert konseho("runs", "explain", "last", "--markdown").out.startswith("# Why: small")


def test_two_runs_are_compared(konseho, kept):
    first, second = kept[0]["run"], kept[1]["run"]
    ran = konseho("runs", "diff", first, second)
    assert ran.status == 1
    assert "-task: Tabs or spaces?" in ran.out
    assert f"+++ {second}" in ran.out
    same = konseho("runs", "diff", first, first)
    assert (same.status, same.out.splitlines()[-1]) == (0, "The answers are the same.")
    document = json.loads(konseho("runs", "diff", first, second, "--json").out)
    assert document["same_answer"] is False


def test_runs_are_removed_by_name(konseho, kept):
    run = kept[0]["run"]
    assert konseho("runs", "rm", run, "--dry-run").out.startswith("would remove 1 run\n")
    assert konseho("runs", "rm", run, run).out.startswith(f"removed 1 run\n  {run}")
    assert listed(konseho) == ["Vi or Emacs?"]
    assert konseho("runs", "rm", run).status == 2


def test_runs_are_removed_by_rule(konseho, kept):
    assert konseho("runs", "rm", "--keep", "1d").out == "removed 0 runs\n"
    gone = json.loads(konseho("runs", "rm", "--keep-last", "1", "--json").out)
    assert gone == {"konseho": 1, "dry_run": False, "removed": [kept[0]["run"]]}
    assert konseho("runs", "rm", "--all").status == 2
    assert konseho("runs", "rm", "--all", "--yes").out.startswith("removed 1 run\n")
    assert listed(konseho) == []


@pytest.mark.parametrize(("keys", "left"), [(b"n\n", 2), (b"y\n", 0), (b"\n", 2)])
def test_at_a_terminal_it_is_asked_first(konseho, kept, keys, left):
    screen, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "konseho_cli", "runs", "rm", "--all"],
        stdin=side, stdout=subprocess.PIPE, stderr=side,
    )  # fmt: skip
    os.close(side)
    os.write(screen, keys)
    out, _ = process.communicate(timeout=60)
    shown = os.read(screen, 65536).decode()
    os.close(screen)
    assert "would remove 2 runs" in shown
    assert "Remove them? [y/N]" in shown
    assert out.startswith(f"removed {2 - left} runs\n".encode())
    assert (process.returncode, len(listed(konseho))) == (0, left)


def unfinished(run, process):
    """As if it had never come to its end."""
    connection = sqlite3.connect(Path(os.environ["KONSEHO_HOME"]) / "konseho.db")
    for table in ("runs",):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        assert {"status", "process"} <= set(columns)
        connection.execute(
            "UPDATE runs SET status = NULL, ended = NULL, process = ? WHERE run = ?", (process, run)
        )
    connection.commit()
    connection.close()


@pytest.mark.parametrize("lives", [True, False])
def test_a_run_without_an_end_runs_or_was_cut_off(konseho, kept, lives):
    from konseho_cli.core.process import here

    run, process = kept[0]["run"], here() if lives else here()[:-1] + "x"
    unfinished(run, process)
    (found,) = json.loads(konseho("runs", "--json", "--status", "unfinished").out)["runs"]
    assert (found["run"], found["status"]) == (run, "running" if lives else "cut-off")
    assert len(listed(konseho, "--status", "running")) == lives
    assert len(listed(konseho, "--status", "cut-off")) == (not lives)
    assert ("so far" in konseho("runs").out) == lives
    shown = konseho("runs", "show", run).err
    assert ("cut off" in shown, "still running, 3 calls so far" in shown) == (not lives, lives)
    error = json.loads(konseho("runs", "explain", run, "--json").out)["error"]
    assert ("still running" in error) == lives
    removed = konseho("runs", "rm", "--all", "--yes")
    assert removed.out.startswith(f"removed {1 if lives else 2} run")
    if lives:
        ran = konseho("runs", "rm", run)
        assert (ran.status, "still at work" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--status", "fine"), "--status fine: there is no such status"),
        (("list", "--since", "soon"), "--since soon: expected a duration"),
        (("show", "zzzz"), "no run 'zzzz' is kept"),
        (("show", "last", "bothh"), "did you mean 'both'?"),
        (("show", "last", "--json", "--markdown"), "exclude each other"),
        (("show", "last", "--prompts", "--markdown"), "--prompts goes with text and --json"),
        (("explain", "last", "--json", "--markdown"), "exclude each other"),
        (("rm",), "which runs are to go?"),
        (("rm", "last", "--all"), "which runs are to go?"),
        (("rm", "--keep", "long"), "--keep long: expected a duration"),
        (("remove",), "No such command 'remove'"),
    ],
)
def test_what_cannot_be_meant_is_refused(konseho, kept, arguments, said):
    ran = konseho("runs", *arguments)
    assert ran.status == 2
    assert said in ran.err


def test_a_name_that_means_several_runs_lists_them(konseho, kept):
    ran = konseho("runs", "show", kept[0]["run"][:4])  # the same for a day and a half
    assert ran.status == 2
    assert all(run["run"] in ran.err for run in kept)


def test_a_database_of_ones_own_is_read(konseho, council, tmp_path, monkeypatch):
    mine = tmp_path / "mine.db"
    assert konseho("run", council(), "--store", mine, "-q").status == 0
    assert listed(konseho) == []
    assert len(listed(konseho, "--store", mine)) == 1
    monkeypatch.setenv("KONSEHO_STORE", str(mine))
    assert len(listed(konseho)) == 1
    assert konseho("runs", "explain", "last").status == 0


def test_a_reader_that_has_gone_is_no_error(kept):
    program = f"{sys.executable} -m konseho_cli runs explain last | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_group_shows_its_commands(konseho):
    ran = konseho("runs", "--help")
    assert all(name in ran.out for name in COMMANDS)
    assert "`last`" in ran.out
