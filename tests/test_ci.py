"""The gate that docs/ci.md describes, run as a build server would, in a repository of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / "docs" / "ci"
COUNCIL = """
konseho: 1
name: small
model: sim
agents: {ann: {role: You answer in one line.}}
steps:
  - {kind: ask, agent: ann}
targets: {time: 1m, calls: 1}
"""


class Repository:
    """A working tree with a council on `main`, and a `konseho` that is this checkout's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.council = self.folder / "councils" / "small.yaml"
        self.council.parent.mkdir(parents=True)
        self._bin = folder / "bin"
        self._bin.mkdir()
        script = self._bin / "konseho"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m konseho_cli "$@"\n')
        script.chmod(0o755)
        self.git("init", "-q", "-b", "main")
        self.commit(COUNCIL)
        self.git("switch", "-q", "-c", "change")

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        command = ["git", *identity, *arguments]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def commit(self, council: str) -> None:
        self.council.write_text(council, encoding="utf-8")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "a change")

    def gate(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join((str(self._bin), os.environ["PATH"]))
        return subprocess.run(
            ["sh", str(CI / "gate.sh"), *arguments, "--", "--exact"],
            cwd=self.folder, env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **env},
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_change_that_slows_nothing_passes(repository: Repository) -> None:
    repository.commit(COUNCIL.replace("konseho: 1", "konseho: 1\ndescription: The same."))
    done = repository.gate()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    report = ElementTree.parse(repository.folder / "gate-reports" / "councils-small.xml").getroot()
    assert (report.get("tests"), report.get("failures")) == ("4", "0")
    table = repository.folder / "gate-reports" / "councils-small.md"
    assert table.read_text(encoding="utf-8").count("✔ equal") == 4


def test_a_change_that_slows_a_council_is_refused(repository: Repository) -> None:
    second = "  - {kind: ask, agent: ann, id: again}\n"
    repository.commit(
        COUNCIL.replace("targets:", f"{second}targets:").replace("calls: 1", "calls: 2")
    )
    done = repository.gate()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "✘ slower" in done.stdout


def test_a_target_that_is_missed_is_refused_and_said_where_the_build_server_looks(
    repository: Repository,
) -> None:
    repository.commit(COUNCIL.replace("calls: 1", "calls: 0"))
    summary = repository.folder / "summary.md"
    done = repository.gate("councils/small.yaml", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "target ≤ 0 ✘" in summary.read_text(encoding="utf-8")


def test_a_council_that_is_new_is_held_to_its_targets_alone(repository: Repository) -> None:
    (repository.council.parent / "new.yaml").write_text(COUNCIL, encoding="utf-8")
    done = repository.gate("councils/new.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not at main" in done.stdout


def test_a_base_that_is_not_there_lets_nothing_through(repository: Repository) -> None:
    done = repository.gate(GATE_BASE="origin/elsewhere")
    assert done.returncode == 2
    assert "there is no origin/elsewhere" in done.stderr
    assert "fetch-depth: 0" in done.stderr


def test_a_path_that_git_could_not_look_up_is_refused(repository: Repository) -> None:
    done = repository.gate(str(repository.council))
    assert done.returncode == 2
    assert "name it from this folder on" in done.stderr


def test_councils_of_one_name_have_reports_of_their_own(repository: Repository) -> None:
    other = repository.folder / "other" / "small.yaml"
    other.parent.mkdir()
    other.write_text(COUNCIL, encoding="utf-8")
    assert repository.gate("councils/small.yaml", "./other/small.yaml").returncode == 0
    names = sorted(file.name for file in (repository.folder / "gate-reports").glob("*.md"))
    assert names == ["councils-small.md", "other-small.md"]


def test_a_broken_council_is_told_from_a_slow_one(repository: Repository) -> None:
    repository.commit("konseho: 1\nname: small\n")
    assert repository.gate().returncode == 2


def test_the_workflow_runs_that_very_script() -> None:
    workflow = yaml.safe_load((CI / "github.yaml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["gate"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert "sh docs/ci/gate.sh -- --exact" in runs
    assert (CI / "github.yaml").read_text(encoding="utf-8") in (ROOT / "docs" / "ci.md").read_text(
        encoding="utf-8"
    )
