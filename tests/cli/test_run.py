from __future__ import annotations

import json
from pathlib import Path

import pytest

from konseho_cli.cli import result


def test_the_answer_goes_to_stdout_and_everything_else_to_stderr(konseho, council):
    ran = konseho("run", council())
    assert ran.status == 0
    assert ran.out.startswith("[simulated] ")
    assert "✔ ok in " in ran.err
    assert "critical path: " in ran.err
    assert "[simulated] " not in ran.err


def test_simulated_answers_are_said_to_be_before_and_after(konseho, council):
    first, *_, last = konseho("run", council()).err.strip().splitlines()
    assert "simulated answers" in first
    assert " · simulated · " in last


def test_quiet_says_nothing_but_the_answer(konseho, council):
    ran = konseho("run", council(), "-q")
    assert ran.err == ""
    assert ran.out


def test_the_task_comes_from_wherever_it_is_given(konseho, process, council, tmp_path):
    file = tmp_path / "task.txt"
    file.write_text("Mention elephants.", encoding="utf-8")
    by_argument = konseho("run", council(), "Mention elephants.", "-q")
    by_file = konseho("run", council(), "--task-file", file, "-q")
    by_stdin = process("run", council(), "-", "-q", stdin="Mention elephants.")
    assert by_argument.out == by_file.out == by_stdin.out
    assert by_argument.out != konseho("run", council(), "-q").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("one", "--task-file", "two"), "given twice"),
        (("--task-file", "missing"), "does not exist"),
        (("--timeout", "soon"), "expected a duration"),
        (("--timeout", "0"), "needs some time"),
        (("--json", "--markdown"), "exclude each other"),
        (("--stream", "--json"), "--stream prints plain text"),
        (("--output", "/no/such/folder/file"), "there is no folder /no/such/folder"),
        (("-m", "sim", "-m", "sim:fast"), "given twice"),
        (("-m", "what=sim"), "no such model"),
        (("--input", "x=1"), "unknown input 'x'"),
        (("-", "-i", "x=@-"), "stdin can be read once: not for the task and for input 'x'"),
        (("--task-file", "-", "-i", "x=@-"), "stdin can be read once"),
        (("-i", "x=@-", "-i", "y=@-"), "not for input 'x' and for input 'y'"),
        (("--max-concurrency", "0"), "0"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_called(
    konseho, council, arguments, said
):
    ran = konseho("run", council(), *arguments)
    assert ran.status == 2
    assert said in ran.err
    assert ran.out == ""


def test_a_run_without_a_task_is_refused(konseho, council):
    ran = konseho("run", council(task="description: none"))
    assert ran.status == 2
    assert "there is no task" in ran.err


def test_an_empty_task_is_refused(process, council):
    ran = process("run", council(), "-", stdin=" \n")
    assert ran.status == 2
    assert "the task is empty" in ran.err


def test_a_task_that_is_not_text_is_refused(process, council):
    ran = process("run", council(), "-", stdin=b"\xff\xfe\xff", PYTHONIOENCODING="utf-8:strict")
    assert ran.status == 2
    assert "not text" in ran.err


def test_an_input_can_be_piped_in(process, council):
    file = council('answer: "{{ inputs.diff }}"', task="task: x\ninputs: {diff: {required: true}}")
    ran = process("run", file, "--input", "diff=@-", "-q", stdin="+ a line\n")
    assert ran.out == "+ a line\n"


def test_an_invalid_council_is_told_like_validate_tells_it(konseho, council):
    broken = council(agents="agents: {ann: {role: x}}")
    ran = konseho("run", broken)
    assert ran.status == 2
    assert "steps[0].agents[1]" in ran.err


@pytest.mark.parametrize(("says", "status"), [("true", 0), ("false", 1)])
def test_the_gate_is_the_exit_status(konseho, council, says, status):
    ran = konseho("run", council(f'gate: "{{{{ {says} }}}}"'))
    assert ran.status == status
    assert f"gate: {says}" in ran.err


def test_a_missed_target_is_exit_status_1(konseho, council):
    ran = konseho("run", council("targets: {calls: 2}"))
    assert ran.status == 1
    assert "✖ target calls: 3, allowed 2" in ran.err
    assert ran.out, "the answer is there all the same"


def test_simulated_answers_that_nobody_chose_never_decide(konseho, council):
    ran = konseho("run", council('gate: "{{ true }}"', model="description: x"))
    assert ran.status == 2
    assert "no model chosen" in ran.err


def test_a_reached_limit_is_exit_status_5(konseho, council):
    ran = konseho("run", council("limits: {calls: 1}"))
    assert "raise the limit, then konseho resume" in ran.err
    assert ran.status == 5
    assert "limit" in ran.err
    assert ran.out == ""


def test_a_run_that_had_too_little_time_is_gone_on_with_with_more(konseho, council):
    slow = 'model: "sim:tokens=40,ttft=5s"'
    ran = konseho("run", council(model=slow), "--timeout", "20ms")
    assert ran.status == 5
    assert ran.err.rstrip().endswith(" --timeout DURATION")
    ran = konseho("run", council("limits: {time: 20ms}", model=slow), "--timeout", "9s")
    assert ran.status == 5
    assert "raise the limit" in ran.err


def test_a_failed_run_is_exit_status_3_and_keeps_what_was_finished(konseho, council):
    ran = konseho("run", council('answer: "{{ both.ann.nothing }}"'))
    assert ran.status == 3
    assert "✖ failed in " in ran.err
    assert "--- both/bob ---" in ran.err
    assert "\nkonseho: " in ran.err
    assert ran.out == ""


def test_degraded_is_fine_unless_it_is_strict(konseho, council):
    file = council(
        "on_error: continue",
        agents="agents: {ann: {role: x}, bob: {role: x, model: down}}\n"
        "models: {down: {use: 'sim:instant,errors=1', attempts: 1}}",
    )
    plain = konseho("run", file)
    assert plain.status == 0
    assert "▲ degraded" in plain.err
    assert "bob was dropped" in plain.err
    assert konseho("run", file, "--strict").status == 1


def test_json_is_the_whole_outcome(konseho, council):
    ran = konseho("run", council(), "--json", "-q")
    document = json.loads(ran.out)
    assert document["konseho"] == 1
    assert document["simulated"] is True
    assert document["answer"].startswith("[simulated] ")
    assert [step["id"] for step in document["steps"]] == ["both", "last"]
    assert ran.err == ""


def test_json_is_there_when_the_run_failed_too(konseho, council):
    ran = konseho("run", council("limits: {calls: 1}"), "--json")
    assert ran.status == 5
    document = json.loads(ran.out)
    assert document["status"] == "limit"
    assert document["exit_status"] == 5


def test_markdown_is_a_report(konseho, council):
    out = konseho("run", council(), "--markdown", "-q").out
    assert out.startswith("# small\n")
    assert "## Answer" in out


def test_a_file_gets_the_result_and_stdout_nothing(konseho, council, tmp_path):
    file = tmp_path / "out.json"
    ran = konseho("run", council(), "--json", "-o", file)
    assert ran.out == ""
    assert json.loads(file.read_text(encoding="utf-8"))["konseho"] == 1
    assert f"wrote {file}" in ran.err


def test_a_run_without_an_answer_leaves_an_older_file_alone(konseho, council, tmp_path):
    file = tmp_path / "answer.txt"
    file.write_text("old", encoding="utf-8")
    assert konseho("run", council("limits: {calls: 1}"), "-o", file).status == 5
    assert file.read_text(encoding="utf-8") == "old"


def test_an_answer_is_not_lost_when_its_file_cannot_be_written(
    konseho, council, tmp_path, monkeypatch
):
    def refuse(path: Path, text: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(result, "write_atomically", refuse)  # root could write anywhere
    ran = konseho("run", council(), "-o", tmp_path / "answer.txt")
    assert ran.status == 3
    assert "Permission denied" in ran.err
    assert ran.out.startswith("[simulated] ")


def test_a_stream_prints_the_answer_once(konseho, council):
    streamed = konseho("run", council(), "--stream", "-q").out
    assert streamed == konseho("run", council(), "-q").out


def test_a_stream_of_what_is_no_single_text_says_so_and_prints_at_the_end(konseho, council):
    ran = konseho("run", council('answer: "{{ both.ann }} and {{ last }}"'), "--stream")
    assert ran.status == 0
    assert "it comes whole" in ran.err
    assert ran.out.startswith("[simulated] ")


def test_a_dry_run_shows_the_plan_and_calls_nothing(konseho, council):
    ran = konseho("run", council(), "--dry-run")
    assert ran.status == 0
    assert "after both" in ran.out
    assert "[simulated]" not in ran.out
    assert json.loads(konseho("run", council(), "--dry-run", "--json").out)["council"] == "small"


def test_a_dry_run_checks_what_a_run_would(konseho, council):
    ran = konseho("run", council(model="model: openai:gpt-5-mini"), "--dry-run")
    assert ran.status == 2
    assert "OPENAI_API_KEY" in ran.err


def test_a_dry_run_says_that_its_run_needs_leave_to_execute(konseho, tmp_path, monkeypatch):
    file = tmp_path / "c.yaml"
    file.write_text("konseho: 1\nname: c\nsteps: [{kind: command, argv: [ls]}]\n", encoding="utf-8")
    for leave, status, said in (([], 2, True), (["--allow-exec"], 0, False)):
        dry = konseho("run", file, "--dry-run", *leave)
        assert (dry.status, "executes ls" in dry.out) == (0, True)
        assert ("its run needs --allow-exec" in dry.err) is said
        assert konseho("run", file, *leave).status == status


def test_another_seed_is_another_run_and_the_same_seed_the_same(konseho, council):
    file = council(model='model: "sim:tokens=40,ttft=0,tps=1000000"')
    runs = [konseho("run", file, "-q", "--seed", seed).out for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_simulate_answers_whatever_the_file_says(konseho, council):
    file = council(model="model: openai:gpt-5-mini")
    ran = konseho("run", file, "--simulate", "--dry-run")
    assert ran.status == 0
    assert "models  sim\n" in ran.out


def test_a_terminal_without_unicode_gets_plain_letters(process, council):
    ran = process("run", council(), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.status == 0
    assert ran.err.isascii()
    assert "+ ok in " in ran.err
