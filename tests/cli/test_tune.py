"""`konseho tune` as a person or a script uses it. Only what virtual time decides is tried here."""

from __future__ import annotations

import json

import pytest

from konseho_cli.cli import tuning
from konseho_cli.profiling.targets import load_stated
from konseho_cli.spec.preset import load_preset

EXACT = ("--only", "concurrency,limits,quorum")
NAMES = "a1, a2, a3, a4, a5, a6, a7, a8"
ROOM = """\
konseho: 1
name: room
task: Say something.
model: "sim:fast"
max_concurrency: 1
agents: {AGENTS}
steps:
  - id: all
    kind: parallel
    agents: [NAMES]
  - {id: last, kind: chair, agent: a1}
""".replace("AGENTS", ", ".join(f"{name}: {{role: You.}}" for name in NAMES.split(", "))).replace(
    "NAMES", NAMES
)
STUCK = """\
konseho: 1
name: stuck
task: Say something.
model: "sim:fast"
agents: {ann: {role: You.}, bob: {role: You.}, cid: {role: You., model: "sim:errors=1,ttft=9"}}
steps:
  - id: all
    kind: parallel
    agents: [ann, bob, cid]
    on_error: continue
  - {id: last, kind: chair, agent: ann}
"""


@pytest.fixture
def room(tmp_path):
    """A council with room to improve: eight agents, one at a time."""
    file = tmp_path / "room.yaml"
    file.write_text(ROOM, encoding="utf-8")
    return file


@pytest.fixture
def free(tmp_path):
    """The same, without a limit of its own."""
    file = tmp_path / "free.yaml"
    file.write_text(ROOM.replace("max_concurrency: 1\n", ""), encoding="utf-8")
    return file


def told(konseho, *arguments):
    ran = konseho("tune", *arguments, *EXACT, "--json")
    assert ran.status == 0, ran.err
    return json.loads(ran.out)


def rows(told):
    return [(f"{each['name']} {each['to']}", each["verdict"]) for each in told["tried"]]


@pytest.mark.usefixtures("small_heap")
def test_the_room_is_found_and_the_preset_makes_the_run_faster(konseho, free, tmp_path):
    found = told(konseho, free, "--preset", "memory-constrained")
    assert rows(found)[:3] == [
        ("max_concurrency 2", "kept"),
        ("max_concurrency 4", "kept"),
        ("max_concurrency 8", "kept"),
    ]
    assert found["makespan_after_s"] < found["makespan_before_s"] / 4
    preset = load_preset(tmp_path / "profiles" / "free-tuned.yaml")
    assert preset.settings.max_concurrency == 8
    assert preset.settings.compress_context

    def run_with(preset):
        tape = tmp_path / f"{preset}.jsonl"
        args = ("--preset", preset, "--record", tape, "--no-store", "--json")
        return json.loads(konseho("run", free, *args).out)["duration_s"]

    replayed = found["makespan_after_s"]
    again = told(konseho, free, "--preset", "free-tuned", "-o", tmp_path / "again.yaml")
    assert again["makespan_before_s"] == replayed
    assert not (tmp_path / "again.yaml").exists()
    assert run_with("free-tuned") < run_with("memory-constrained")


def test_a_quorum_that_would_change_the_answer_is_rolled_back_with_its_reason(konseho, room):
    ran = konseho("tune", room, *EXACT)
    assert ran.status == 0
    (row,) = (line for line in ran.out.splitlines() if "→ quorum" in line)
    assert row.endswith(
        "rolled back: step 'last', agent 'a1', turn 1 would be asked something else"
    )
    assert "+    quorum" not in ran.out


def test_the_councils_own_line_is_suggested_and_never_written(konseho, room):
    ran = konseho("tune", room, *EXACT)
    assert "-max_concurrency: 1\n+max_concurrency: 8\n" in ran.out
    assert room.read_text(encoding="utf-8") == ROOM
    assert ran.out.splitlines()[-2] == f"  konseho run {room} --preset room-tuned"


def test_a_quorum_that_only_leaves_out_who_never_answers_is_kept(konseho, tmp_path):
    file = tmp_path / "stuck.yaml"
    file.write_text(STUCK, encoding="utf-8")
    found = told(konseho, file)
    assert rows(found)[0] == ("all wait quorum 2 of 3", "kept")
    assert found["suggested"] == ["steps.all.wait: quorum", "steps.all.quorum: 2"]
    assert found["preset"] is None
    assert not (tmp_path / "profiles").exists()


def test_where_nothing_is_better_nothing_is_written(konseho, council, tmp_path):
    file = council(model='model: "sim:fast"')
    ran = konseho("tune", file, "--only", "concurrency,limits")
    assert ran.status == 0
    assert "nothing was kept of 0 changes: all is as it was" in ran.out
    assert not (tmp_path / "profiles").exists()


def test_what_was_rolled_back_is_not_tried_again_unless_it_is_asked_for(konseho, room, tmp_path):
    quorum = ("--only", "quorum", "--json", "-o", tmp_path / "x.yaml")
    verdicts = [
        json.loads(konseho("tune", room, *quorum, *more).out)["tried"][0]["verdict"]
        for more in ((), (), ("--again",))
    ]
    assert verdicts == ["rolled back", "skipped", "rolled back"]
    room.write_text(ROOM.replace("Say something", "Say nothing"), encoding="utf-8")
    found = json.loads(konseho("tune", room, *quorum).out)
    assert found["tried"][0]["verdict"] == "rolled back"


def test_a_run_that_is_kept_is_replayed_and_asks_nobody(konseho, room, tmp_path):
    assert konseho("run", room, "Say it.", "--model", "sim:instant").status == 0
    found = told(konseho, room, "--replay", "last", "-o", tmp_path / "x.yaml")
    assert found["record"].startswith("run ")
    assert rows(found)[-1][0] == "all wait quorum 5 of 8"
    tape = tmp_path / "tape.jsonl"
    assert konseho("run", room, "--record", tape, "--no-store").status == 0
    found = told(konseho, room, "--replay", tape, "-o", tmp_path / "y.yaml")
    assert rows(found)[2] == ("max_concurrency 8", "kept")


def test_a_run_that_is_kept_has_its_own_task_and_inputs(konseho, council):
    file = council("inputs: {diff: {required: true}}", task="# no task")
    first = konseho("run", file, "Look at it.", "-i", "diff=one", "--max-concurrency", 1)
    assert first.status == 0
    ran = konseho("tune", file, "--replay", "last", *EXACT)
    assert ran.status == 0, ran.err
    ran = konseho("tune", file, "--replay", "last", "-i", "diff=two", *EXACT)
    assert ran.status == 3
    assert "the recorded run cannot be replayed" in ran.err


def test_a_higher_gate_keeps_less(konseho, room, tmp_path):
    found = told(konseho, room, "--gate", "99%")
    assert {verdict for _, verdict in rows(found)} == {"rolled back"}
    assert found["gate"] == 0.99


def test_a_dry_run_says_what_would_be_tried(konseho, room, tmp_path):
    ran = konseho("tune", room, "--dry-run")
    assert ran.status == 0
    assert ran.out.splitlines()[0] == "concurrency  max_concurrency 1 → 2"
    assert not (tmp_path / "profiles").exists()
    assert konseho("learnings").out == ""


def test_a_dry_run_of_a_council_that_asks_models_calls_none(konseho, council):
    ran = konseho("tune", council(model='model: "openai:gpt-5-mini"'), "--dry-run", "--simulate")
    assert ran.status == 0
    ran = konseho("tune", council(model='model: "ollama:any"'), "--dry-run")
    assert ran.status == 2
    assert "--replay RUN takes one that is kept" in ran.err


def test_no_key_in_the_environment_chooses_a_model(konseho, council, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    file = council()
    file.write_text(file.read_text().replace('model: "sim:instant"\n', ""), encoding="utf-8")
    ran = konseho("tune", file, "--only", "concurrency")
    assert ran.status == 0
    assert "replays of a simulated run" in ran.out


def test_a_file_that_is_there_is_not_written_over(konseho, room, tmp_path):
    there = tmp_path / "there.yaml"
    there.write_text("mine", encoding="utf-8")
    ran = konseho("tune", room, *EXACT, "-o", there)
    assert (ran.status, there.read_text(encoding="utf-8")) == (2, "mine")
    assert "--force writes over it" in ran.err
    assert konseho("tune", room, *EXACT, "-o", there, "--force").status == 0
    assert load_preset(there).settings.max_concurrency == 8


def test_a_place_where_nothing_can_be_written_is_known_before_the_run(konseho, room, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    ran = konseho("tune", room, *EXACT, "-o", tmp_path / "file" / "more" / "x.yaml")
    assert (ran.status, ran.out) == (2, "")
    assert "nothing can be written in" in ran.err


def test_a_preset_that_could_not_be_written_after_all_loses_no_report(
    konseho, room, tmp_path, monkeypatch
):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tuning, "write_atomically", full)
    ran = konseho("tune", room, *EXACT, "--json", "-o", tmp_path / "x.yaml")
    assert ran.status == 3
    assert "No space left on device" in ran.err
    found = json.loads(ran.out)
    assert (found["preset"], found["settings"]["max_concurrency"]) == (None, 8)
    ran = konseho("tune", room, *EXACT, "-o", tmp_path / "x.yaml")
    assert "max_concurrency 4 → 8" in ran.out
    assert "konseho_preset: 1" in ran.out
    assert "none can hold that" not in ran.out


def test_what_was_learnt_of_another_task_is_tried_again(konseho, room, tmp_path):
    quorum = ("--only", "quorum", "--json", "-o", tmp_path / "x.yaml")
    for task, verdict in (("One.", "rolled back"), ("Two.", "rolled back"), ("One.", "skipped")):
        found = json.loads(konseho("tune", room, task, *quorum).out)
        assert found["tried"][0]["verdict"] == verdict


def test_the_gate_is_what_is_stated_of_an_improvement(konseho, room):
    stated = float(load_stated()["improvement"].limit)
    assert told(konseho, room)["gate"] == stated


def test_a_council_that_fails_cannot_be_tuned(konseho, council):
    ran = konseho("tune", council(model='model: "sim:errors=1"'), *EXACT)
    assert ran.status == 3
    assert "there is nothing to tune" in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--gate", "120%"), "expected a share such as 20% or 0.2"),
        (("--only", "quorun"), "did you mean 'quorum'"),
        (("--max-time", "soon"), "expected a duration"),
        (("--max-time", "0s"), "takes some time"),
        (("--replay", "zzz"), "no run 'zzz' is kept"),
    ],
)
def test_what_makes_no_sense_is_status_2(konseho, room, arguments, says):
    ran = konseho("tune", room, *arguments)
    assert ran.status == 2
    assert says in ran.err
