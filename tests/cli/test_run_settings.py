"""`konseho run` with presets, levels of events, and a file for them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Thread

import pytest


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# ------------------------------------------------------------------------------ presets


def test_the_presets_that_ship_are_listed(konseho):
    ran = konseho("list", "--presets")
    names = [line.split("  ")[0] for line in ran.out.splitlines()]
    assert names == ["development", "memory-constrained", "production"]
    listed = json.loads(konseho("list", "--presets", "--json").out)
    assert [each["name"] for each in listed["presets"]] == names


@pytest.mark.parametrize("name", ["development", "production", "memory-constrained"])
def test_a_shipped_preset_runs_without_a_key_and_gives_its_verdict(konseho, council, name):
    planned = konseho("run", council(model=""), "--preset", name, "--dry-run")
    assert planned.status == 0
    assert "targets  step_overhead 100 ms" in planned.out
    ran = konseho("run", council(), "--preset", name, "--json")
    assert ran.status == 0
    assert [each["name"] for each in json.loads(ran.out)["targets"]] == ["step_overhead"]


def test_targets_of_a_preset_hold_where_the_council_states_none(konseho, council, tmp_path):
    preset = tmp_path / "strict.yaml"
    preset.write_text("konseho_preset: 1\ntargets: {calls: 1, time: 1h}\n", encoding="utf-8")
    ran = konseho("run", council(), "--preset", preset)
    assert ran.status == 1
    assert "calls" in ran.err
    relaxed = council("targets: {calls: 5}")
    ran = konseho("run", relaxed, "--preset", preset, "--json")
    assert ran.status == 0
    stated = {each["name"]: each["target"] for each in json.loads(ran.out)["targets"]}
    assert stated == {"calls": 5, "time": 3600}


def test_targets_of_a_preset_that_answers_decide_want_a_model_that_was_chosen(
    konseho, council, tmp_path
):
    preset = tmp_path / "strict.yaml"
    preset.write_text("konseho_preset: 1\ntargets: {calls: 9}\n", encoding="utf-8")
    ran = konseho("run", council(model=""), "--preset", preset)
    assert ran.status == 2
    assert "no model chosen: with targets" in ran.err


def test_the_environment_names_a_preset_and_the_command_line_another(konseho, council, monkeypatch):
    monkeypatch.setenv("KONSEHO_PRESET", "nowhere")
    ran = konseho("run", council())
    assert ran.status == 2
    assert "no preset 'nowhere'" in ran.err
    assert konseho("run", council(), "--preset", "production").status == 0
    monkeypatch.setenv("KONSEHO_PRESET", "")
    assert konseho("run", council()).status == 0


def test_mistakes_in_a_preset_are_those_of_a_council(konseho, council, tmp_path):
    (tmp_path / "profiles").mkdir()
    text = "konseho_preset: 1\nsettings:\n  evnets: all\n  gc: nver\n"
    (tmp_path / "profiles" / "mine.yaml").write_text(text, encoding="utf-8")
    ran = konseho("run", council(), "--preset", "mine")
    assert ran.status == 2
    assert (
        "mine.yaml:3:3: settings.evnets: unknown key 'evnets' (did you mean 'events'?)" in ran.err
    )
    assert "mine.yaml:4:7: settings.gc: expected one of" in ran.err


# ------------------------------------------------------------------------------ levels


def test_without_events_the_summary_is_all_that_is_said(konseho, council):
    ran = konseho("run", council(), "--events", "none")
    assert ran.status == 0
    assert ran.err.strip().startswith("✔ ok in ")
    assert ran.out.startswith("[simulated] ")


def test_with_steps_alone_no_call_is_told_of(konseho, council, tmp_path):
    file = tmp_path / "e.jsonl"
    ran = konseho("run", council(), "--events", "steps", "--events-out", file)
    assert "  both: ok" in ran.err
    kinds = {line["event"] for line in lines(file)[1:]}
    assert kinds == {"run_started", "step_started", "step_finished", "run_finished"}


def test_all_of_them_are_pieces_of_text_too(konseho, council, tmp_path):
    def kinds(name: str, *more: str) -> set[object]:
        konseho("run", council(), "--events-out", tmp_path / name, *more)
        return {line["event"] for line in lines(tmp_path / name)[1:]}

    usual = kinds("usual")
    assert "ask_finished" in usual
    assert kinds("all", "--events", "all") == {*usual, "text_arrived"}


def test_who_asks_for_events_gets_them_whatever_the_preset_says(konseho, council, tmp_path):
    preset = tmp_path / "silent.yaml"
    preset.write_text("konseho_preset: 1\nsettings: {events: none}\n", encoding="utf-8")
    file = tmp_path / "e.jsonl"
    assert konseho("run", council(), "--preset", preset, "--events-out", file).status == 0
    assert len(lines(file)) > 5
    streamed = konseho("run", council(), "--preset", preset, "--stream", "-q")
    assert streamed.out == konseho("run", council(), "-q").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--events", "none", "--events-out", "x"), "--events none builds none"),
        (("--events", "steps", "--stream"), "--events steps builds none"),
        (("--events", "some"), "--events"),
        (("--events-out", "-"), "stdout is for the answer"),
        (("--events-out", "same", "-o", "same"), "the run writes something else there"),
        (("--events-out", "/no/such/folder/x"), "cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_called(konseho, council, arguments, said):
    ran = konseho("run", council(), *arguments)
    assert ran.status == 2
    assert said in ran.err
    assert ran.out == ""


# ------------------------------------------------------------------------------ the file


def test_events_go_to_stdout_where_the_answer_goes_elsewhere(process, council, tmp_path):
    for place in ("-", "/dev/stdout"):
        ran = process("run", council(), "-q", "--events-out", place, "-o", tmp_path / "answer")
        assert ran.status == 0
        names = [json.loads(line).get("event") for line in ran.out.splitlines()]
        assert names[:2] == [None, "run_started"]
        assert names[-1] == "run_finished"
        assert (tmp_path / "answer").read_text().startswith("[simulated] ")


def test_events_go_through_a_pipe_that_is_read(konseho, council, tmp_path):
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    keeper = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    reader = Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    assert konseho("run", council(), "-q", "--events-out", pipe).status == 0
    os.close(keeper)
    reader.join()
    assert b'"event":"run_finished"' in found[0]


def test_a_disk_that_is_full_does_not_cost_the_answer(konseho, council):
    ran = konseho("run", council(), "--events-out", "/dev/full")
    assert ran.status == 0
    assert ran.out.startswith("[simulated] ")
    assert "/dev/full could not be written: No space left on device" in ran.err


def test_no_key_of_the_environment_is_in_the_file(konseho, council, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0123456789")
    file = tmp_path / "e.jsonl"
    small = council(name="name: sk-ant-0123456789")
    assert konseho("run", small, "-q", "--events-out", file).status == 0
    assert "sk-ant-0123456789" not in file.read_text(encoding="utf-8")


def test_a_replay_at_once_has_the_times_of_the_recording(konseho, council, tmp_path):
    tape, live, again = tmp_path / "tape", tmp_path / "live", tmp_path / "again"
    slow = council(model="model: sim:fast")
    konseho("run", slow, "-q", "--record", tape, "--events-out", live)
    for _ in range(2):
        konseho("run", slow, "-q", "--replay", tape, "--replay-speed", "0", "--events-out", again)
    names = [line.get("event") for line in lines(live)]
    assert [line.get("event") for line in lines(again)] == names
    assert lines(again)[-1]["at"] > 10**8


def test_the_environment_states_a_level_and_the_command_line_another(konseho, council, monkeypatch):
    monkeypatch.setenv("KONSEHO_EVENTS", "none")
    assert "both: ok" not in konseho("run", council()).err
    assert "both: ok" in konseho("run", council(), "--events", "steps").err
