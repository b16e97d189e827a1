from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from konseho_cli.cli.profiling import Asked
from konseho_cli.core.errors import StoreFailed
from konseho_cli.profiling.recording import Recording
from konseho_cli.profiling.sampled import Samples


def folder_of(ran) -> Path:
    return Path(ran.err.strip().splitlines()[-1].removeprefix("recorded in "))


def recording(folder: Path, name: str) -> Recording:
    return Recording.load(folder / f"{name}.recording")


@pytest.fixture
def nearby(tmp_path, monkeypatch):
    """Paths are shown from the working directory on."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_report_goes_to_stdout_and_where_the_recordings_are_to_stderr(konseho, council, nearby):
    ran = konseho("profile", council(), "--cpu", "--no-cost")
    assert ran.status == 0
    for word in ("small · ", "CPU", "context serialization", "event emission", "coordination",
                 "history", "cProfile sees what runs"):  # fmt: skip
        assert word in ran.out
    assert folder_of(ran).is_dir()
    assert "recorded in" not in ran.out


def test_alone_it_profiles_the_quickstart_and_spends_nothing(konseho, nearby, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-would-cost")
    monkeypatch.setenv("KONSEHO_HOME", str(nearby / ".konseho"))
    ran = konseho("profile")
    assert ran.status == 0
    assert "quickstart · " in ran.out.splitlines()[0]
    assert " · simulated" in ran.out
    assert recording(folder_of(ran), "spans").outcome.simulated


def test_a_stored_run_is_profiled_for_nothing_with_its_own_council(konseho, council, nearby):
    file = council()
    assert konseho("run", file, "Mention elephants.", "-q").status == 0
    file.unlink()
    ran = konseho("profile", "--replay", "last", "--memory", "--no-cost", "--interval", "5ms")
    assert ran.status == 0, ran.err
    found = recording(folder_of(ran), "memory")
    assert f"replayed from run {found.replayed}" in ran.out
    assert found.outcome.council == "small"
    assert found.run.row.began.task == "Mention elephants."
    assert len(konseho("runs", "list").out.strip().splitlines()) == 1, "a replay is not kept"


def test_a_cassette_is_profiled_with_the_council_that_is_named(konseho, council, nearby):
    tape = nearby / "run.cassette"
    assert konseho("run", council(), "-q", "--record", tape).status == 0
    ran = konseho("profile", council(), "--replay", tape, "--replay-speed", "0")
    assert ran.status == 0
    assert "replayed from run" in ran.out
    alone = konseho("profile", "--replay", tape)
    assert alone.status == 2
    assert "which council?" in alone.err


def test_a_run_of_another_council_is_refused_before_anything_runs(konseho, council, nearby):
    tape = nearby / "run.cassette"
    assert konseho("run", council(), "-q", "--record", tape).status == 0
    for replay, named in (("last", "run "), (tape, "run.cassette")):
        for command in ("profile", "tune", "bench"):
            ran = konseho(command, "quickstart", "Which?", "--replay", replay)
            assert (ran.status, ran.out) == (2, ""), (command, replay)
            assert "is of small, not of quickstart" in ran.err
            assert named in ran.err


def test_without_a_profiler_the_council_runs_so_often_alone(konseho, council, nearby):
    ran = konseho("profile", council(), "-n", "2", "--no-cost")
    assert ran.status == 0
    assert recording(folder_of(ran), "spans-2").replayed is not None


def test_the_recordings_go_where_somebody_says(konseho, council, nearby):
    ran = konseho("profile", council(), "--folder", nearby / "mine", "-q")
    assert (ran.status, ran.err) == (0, "")
    assert recording(nearby / "mine", "spans").outcome.status == "ok"
    again = konseho("profile", council(), "--folder", nearby / "mine")
    assert again.status == 2
    assert "is not empty" in again.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pid", "1", "--cpu"), "no council, and no other profiler"),
        (("--pid", "1", "--html", "x.html", "--leaks", "9"), "not with --leaks, --html"),
        (("--pid", "1", "--replay", "last", "--no-cost"), "not with --cost, --replay"),
        (("--pid", "1", "-n", "2"), "not with -n"),
        (("--interval", "0"), "between 1ms and 60s"),
        (("--interval", "often"), "expected a duration"),
        (("--leaks", "3"), "too few runs"),
        (("--lines", "make_plan"), "say --cpu or --memory"),
        (("--replay", "abcabc"), "is kept"),
        (("-n", "0"), "0"),
        (
            ("--rate", "100"),
            "--rate would change nothing here: of use with --sample, --all or --pid",
        ),
        (("--cpu", "--gil", "--idle"), "--gil, --idle would change nothing"),
        (("--subprocesses",), "of use with --sample"),
        (
            ("--sample", "--duration", "10s"),
            "--duration would change nothing here: of use with --pid",
        ),
        (("--cpu", "--interval", "20ms"), "of use with --memory or --all"),
        (("--pid", "1", "--interval", "20ms"), "not with --interval"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(konseho, nearby, arguments, said):
    ran = konseho("profile", *arguments)
    assert ran.status == 2
    assert said in ran.err
    assert ran.out == ""


def test_a_council_without_a_key_is_refused_by_the_child_as_by_a_run(konseho, council, nearby):
    ran = konseho("profile", council(model='model: "openai:gpt-5"'), "--cpu")
    assert ran.status == 2
    assert "no key for openai" in ran.err


def test_a_signal_ends_the_run_and_its_recording_is_kept(half_done, nearby):
    tape = nearby / "mine" / "run.cassette"
    with subprocess.Popen(
        [sys.executable, "-m", "konseho_cli", "profile", half_done, "--cpu", "--folder", "mine"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}, text=True,
    ) as process:  # fmt: skip
        while process.poll() is None and not (tape.exists() and '"done"' in tape.read_text()):
            with suppress(subprocess.TimeoutExpired):  # it needs the processor more than we do
                process.wait(0.02)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert "interrupted" in out
    found = recording(nearby / "mine", "cpu")
    assert found.outcome.status == "interrupted"
    assert [call.step for call in found.outcome.calls if call.status == "ok"] == ["done"]
    assert found.cpu is not None


def test_every_option_reaches_what_is_done_with_it():
    import inspect

    from konseho_cli.cli.profile import command

    assert {*inspect.signature(command).parameters} == {*Asked.__struct_fields__}


def test_a_process_is_sampled_as_json_and_for_speedscope(konseho, nearby, monkeypatch):
    def look(pid, seconds, how, file):
        file.write_text("{}")
        return Samples(rate=how.rate, frames=(), stacks=(), idle=False, gil=False, file=file.name)

    monkeypatch.setattr("konseho_cli.cli.profiling.sample_process", look)
    monkeypatch.setenv("KONSEHO_PRESET", "development")  # which is of runs
    ran = konseho("profile", "--pid", os.getpid(), "--json", "--speedscope", "seen.json", "-q")
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    assert (found["konseho_samples"], found["pid"]) == (1, os.getpid())
    assert found["samples"]["rate"] == 100
    assert (nearby / "seen.json").read_text() == "{}"


def test_a_preset_of_the_environment_is_no_word_against_a_replay(
    konseho, council, nearby, monkeypatch
):
    assert konseho("run", council(), "-q").status == 0
    monkeypatch.setenv("KONSEHO_PRESET", "development")
    ran = konseho("profile", "--replay", "last")
    assert ran.status == 0, ran.err
    said = konseho("profile", "--replay", "last", "--preset", "development")
    assert said.status == 2
    assert "has its inputs and its settings" in said.err


def test_what_was_recorded_is_named_even_where_no_report_can_be_written(
    konseho, council, nearby, monkeypatch
):
    def fail(*recordings, **more):
        raise StoreFailed("no space")

    monkeypatch.setattr("konseho_cli.cli.profiling.profiled_of", fail)
    ran = konseho("profile", council(), "--folder", "mine")
    assert ran.status == 3
    assert "no space" in ran.err
    assert "recorded in mine" in ran.err


def test_in_a_workflow_what_does_not_hold_is_annotated_and_the_profile_is_its_summary(
    konseho, council, nearby, monkeypatch
):
    summary = nearby / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    ran = konseho("profile", council("targets: {calls: 0}"), "--quiet")
    assert ran.status == 1
    assert "::error file=" in ran.err
    assert "target missed::calls: " in ran.err
    assert summary.read_text().startswith("# Profile of ")


def test_a_council_that_fails_says_why_even_quietly(konseho, council, nearby):
    ran = konseho("profile", council(model='model: "sim:errors=1"'), "--quiet")
    assert ran.status == 3
    assert "the council ended early: " in ran.err
    assert "The run failed: this is what there was of it." in ran.out
