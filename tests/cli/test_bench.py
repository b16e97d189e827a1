"""Timings are none of these tests' business: what is asserted is exact, or which words are there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from konseho_cli.cli.main import invoke

COUNCIL = """
konseho: 1
name: small
task: Tabs or spaces?
model: sim
agents: {ann: {role: You answer in one line.}, bob: {role: You do too.}}
steps:
  - {id: both, kind: parallel, agents: [ann, bob]}
  - {id: end, kind: chair, agent: ann}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(COUNCIL, encoding="utf-8")
    return path


def _git(*arguments: str) -> None:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def committed(file: Path) -> Path:
    _git("init", "-q", "-b", "main")
    _git("add", ".")
    _git("commit", "-q", "-m", "one")
    return file


def test_a_council_is_measured_in_virtual_time_and_costs_nothing(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["bench", str(file), "-n", "2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in document["rows"]}
    assert document["subject"] == "small"
    assert rows["calls"]["samples"] == [3]
    assert rows["makespan"]["samples"][0] > 0.5
    assert len(rows["cpu"]["samples"]) == 2


def test_its_targets_decide_the_status(file: Path) -> None:
    file.write_text(f"{COUNCIL}targets: {{calls: 2}}\n", encoding="utf-8")
    assert invoke(["bench", str(file), "-n", "2", "--exact", "--quiet"]) == 1
    file.write_text(f"{COUNCIL}targets: {{calls: 3, time: 1m}}\n", encoding="utf-8")
    assert invoke(["bench", str(file), "-n", "2", "--exact", "--quiet"]) == 0


def test_a_target_that_a_bench_does_not_measure_is_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(f"{COUNCIL}targets: {{calls: 3, efficiency: 70%}}\n", encoding="utf-8")
    assert invoke(["bench", str(file), "-n", "2", "--exact"]) == 0
    assert "Not measured here, but by `konseho profile`: efficiency" in capsys.readouterr().out


def test_a_baseline_is_kept_and_compared_with(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["bench", str(file), "-n", "2", "--save", "then", "--exact"]) == 0
    assert invoke(["bench", str(file), "-n", "2", "--against", "then", "--exact"]) == 0
    told = capsys.readouterr().out
    assert told.count("✔ equal") == 4
    assert "weak" in told
    file.write_text(COUNCIL.replace("model: sim", "model: sim:slow"), encoding="utf-8")
    assert invoke(["bench", str(file), "-n", "2", "--against", "then", "--exact"]) == 1
    assert "✘ slower" in capsys.readouterr().out
    assert invoke(["bench", str(file), "--history"]) == 0
    assert "then" in capsys.readouterr().out


def test_what_json_wrote_can_be_compared_with(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["bench", str(file), "-n", "2", "--exact", "--json"]) == 0
    Path("then.json").write_text(capsys.readouterr().out, encoding="utf-8")
    assert invoke(["bench", str(file), "-n", "2", "--exact", "--against", "then.json"]) == 0


def test_a_git_ref_is_what_the_council_was_then(
    committed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["bench", str(committed), "-n", "2", "--against", "main", "--exact"]) == 0
    committed.write_text(COUNCIL.replace("model: sim", "model: sim:slow"), encoding="utf-8")
    options = ["--against", "main", "--exact", "--quiet", "--markdown", "--junit", "bench.xml"]
    capsys.readouterr()
    assert invoke(["bench", str(committed), "-n", "2", *options]) == 1
    told = capsys.readouterr()
    assert told.err == ""
    assert "| makespan |" in told.out
    assert "<failure" in Path("bench.xml").read_text(encoding="utf-8")


def test_a_ref_at_which_there_was_no_such_council_is_a_usage_error(
    committed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    committed.rename("new.yaml")
    assert invoke(["bench", "new.yaml", "--against", "main", "--exact"]) == 2
    assert "there is no new.yaml at main" in capsys.readouterr().err


def test_a_run_that_is_recorded_answers_in_the_place_of_models(file: Path) -> None:
    run = ["run", str(file), "--record", "tape.jsonl", "--model", "sim:instant", "--quiet"]
    assert invoke(run) == 0
    assert invoke(["bench", str(file), "-n", "2", "--replay", "tape.jsonl", "--exact"]) == 0
    assert invoke(["bench", str(file), "-n", "2", "--replay", "last", "--exact"]) == 0


def test_recorded_answers_that_fit_one_side_alone_are_a_usage_error_with_the_way_out(
    committed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    committed.write_text(COUNCIL.replace("You do too", "You do"), encoding="utf-8")
    run = ["run", str(committed), "--record", "tape.jsonl", "--model", "sim:instant", "--quiet"]
    assert invoke(run) == 0
    options = ["-n", "2", "--exact", "--against", "main"]
    assert invoke(["bench", str(committed), "--replay", "tape.jsonl", *options]) == 2
    assert "--simulate compares both" in capsys.readouterr().err
    assert invoke(["bench", str(committed), "--simulate", *options]) == 0


def test_a_council_that_fails_is_status_3_and_says_why(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(COUNCIL.replace("model: sim", 'model: "sim:errors=1"'), encoding="utf-8")
    assert invoke(["bench", str(file), "-n", "2"]) == 3
    assert "the council failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-k", "nothing-is-called-that"], "no row matches"),
        (["--seed", "1"], "none is named"),
        (["--against", "no-such-thing", "-k", "event_file"], "no-such-thing"),
        (["--threshold", "5"], "expected a share"),
        (["--preset", "production"], "--preset is about a council"),
        (["--exact"], "--exact is about a council"),
        (["-n", "20"], "--runs is about a council"),
        (["small.yaml", "--history", "--against", "x"], "--against: --history measures nothing"),
        (["--history", "-k", "x"], "-k: --history measures nothing"),
        (["small.yaml", "\udcff", "--exact"], "the task is not UTF-8"),
        (["small.yaml", "-i", "a=\udcff"], "--input a is not UTF-8"),
        (["--floor", "much"], "--floor"),
        (["--save", "a/b"], "a name is of letters"),
        (["--json", "--markdown"], "exclude each other"),
        (["--junit", "no/such/folder/x.xml"], "--junit no/such/folder/x.xml: there is no"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    assert invoke(["bench", *options]) == 2
    assert said in capsys.readouterr().err


PRESET = "konseho_preset: 1\nsettings: {max_concurrency: 2}\n"


def test_a_preset_counts_by_what_it_says_and_is_the_older_one_on_the_older_side(
    committed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = Path("own.yaml")
    preset.write_text(PRESET, encoding="utf-8")
    _git("add", ".")
    _git("commit", "-q", "-m", "two")
    options = ["bench", str(committed), "-n", "2", "--preset", "own.yaml", "--exact"]
    assert invoke([*options, "--against", "main"]) == 0
    assert invoke([*options, "--save", "then"]) == 0
    preset.write_text(PRESET.replace("2", "1"), encoding="utf-8")
    capsys.readouterr()
    assert invoke([*options, "--against", "main"]) == 1
    assert "✘ slower" in capsys.readouterr().out
    assert invoke([*options, "--against", "then"]) == 1
    assert "the council is the same" not in capsys.readouterr().out


@pytest.mark.usefixtures("small_heap")
def test_one_row_is_measured_and_printed_for_people_and_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["bench", "--quick", "-k", "council_5"]) in (0, 1, 4)
    assert capsys.readouterr().out.startswith("council_5 ")
    assert invoke(["bench", "--quick", "-k", "council_5", "--json"]) in (0, 1, 4)
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["name"] == "council_5"
