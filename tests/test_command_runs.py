"""Runs that execute programs: allowed, kept, resumed, replayed, and answered from the cache."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.core.errors import InvalidCouncil, UsageError
from konseho_cli.council import Council
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.steps.command import Command, Program

ROOT = Path(__file__).resolve().parents[1]
COUNTS = """
import pathlib, sys
log = pathlib.Path(sys.argv[1])
with log.open("a") as file: file.write("ran\\n")
print(pathlib.Path("read.txt").read_text() if len(sys.argv) > 2 else "done")
"""
PYTHON = (sys.executable, "-I", "-S", "-c")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a file to read; `log` is beside it."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "read.txt").write_text("one")
    monkeypatch.chdir(folder)
    return folder


def counting(folder: Path, **fields: Any) -> Command:
    return Command(argv=(*PYTHON, COUNTS, str(folder.parent / "log"), "x"), **fields)


def runs(folder: Path) -> int:
    log = folder.parent / "log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def execute(*steps: Command, **options: Any) -> RunOutcome:
    council = Council(steps=steps, **options.pop("document", {}))
    return council.run("", **{"allow_exec": True, **options})


def test_nothing_is_executed_unless_it_is_allowed(here: Path) -> None:
    council = Council(steps=[counting(here)])
    with pytest.raises(UsageError, match="would execute a program") as caught:
        council.run("")
    assert "read_text" in str(caught.value)
    assert "--allow-exec" in (caught.value.hint or "")
    assert runs(here) == 0
    assert council.run("", allow_exec=True).answer == "one"


def test_what_is_not_shown_of_a_long_command_line_is_said(here: Path) -> None:
    with pytest.raises(UsageError, match=r"… and 2\d\d more characters") as caught:
        Council(steps=[Command(argv=("sh", "-c", f"echo {'a' * 700}; rm x"))]).run("")
    assert "KONSEHO_ALLOW_EXEC=1" in (caught.value.hint or "")  # where there is no such option


def test_the_users_own_settings_may_allow_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "konseho" / "config.yaml"
    file.parent.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file.write_text("allow_exec: false\n")
    with pytest.raises(UsageError, match="would execute"):
        execute(counting(here), allow_exec=False)
    file.write_text("allow_exec: true\n")
    assert execute(counting(here), allow_exec=False).answer == "one"
    file.write_text("allow_exec: 'yes'\n")
    with pytest.raises(UsageError, match=r"config\.yaml: allow_exec: expected true or false"):
        execute(counting(here), allow_exec=False)


def test_it_costs_nothing_and_reaches_no_limit(here: Path) -> None:
    from konseho_cli.agents.limits import Limits
    from konseho_cli.core.units import Count, Money

    limits = Limits(cost=Money("$0.01"), tokens=Count(1), calls=Count(1))
    outcome = execute(counting(here), counting(here, id="again"), document={"limits": limits})
    assert outcome.status == "ok"
    assert (outcome.cost, outcome.usage.total) == (0, 0)
    assert [call.model for call in outcome.calls] == [f"command:{Path(sys.executable).name}"] * 2
    assert not outcome.simulated


def test_a_failure_ends_the_run_and_says_what_was_said(here: Path) -> None:
    code = "import sys; print('it broke', file=sys.stderr); sys.exit(2)"
    outcome = execute(Command(argv=(*PYTHON, code)))
    assert (outcome.status, outcome.exit_code) == ("failed", 3)
    assert "ended with status 2:\nit broke" in (outcome.error or "")


def test_a_result_is_used_again_until_a_file_changes(here: Path) -> None:
    step = counting(here, inputs=("*.txt",))
    first, second = execute(step), execute(step)
    assert (first.answer, second.answer, runs(here)) == ("one", "one", 1)
    assert [call.source for call in (*first.calls, *second.calls)] == ["model", "cache"]
    assert second.results is not None
    assert second.results.hits == 1
    (here / "read.txt").write_text("two")
    assert (execute(step).answer, runs(here)) == ("two", 2)
    (here / "new.txt").write_text("")
    assert (execute(step).answer, runs(here)) == ("two", 3)
    (here / "new.txt").unlink()
    assert (execute(step).answer, runs(here)) == ("two", 3)


@pytest.mark.parametrize(
    ("fields", "options"),
    [({}, {}), ({"inputs": ("*.txt",), "cache": False}, {}), ({"inputs": ("*.rs",)}, {}),
     ({"inputs": ("*.txt",)}, {"cache": False}), ({"inputs": ("*.txt",)}, {"refresh": True})],
)  # fmt: skip
def test_otherwise_it_is_executed_each_time(
    here: Path, fields: dict[str, Any], options: dict[str, Any]
) -> None:
    for _ in range(2):
        execute(counting(here, **fields), **options)
    assert runs(here) == 2


@pytest.mark.parametrize("variable", ["CI", "LC_ALL"])
def test_another_environment_is_another_call(
    here: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    step = counting(here, inputs=("*.txt",), env=("CI",))
    for value in ("C", "C.UTF-8", "C"):
        monkeypatch.setenv(variable, value)
        execute(step)
    assert runs(here) == 2


def test_another_version_of_the_program_is_another_program(here: Path) -> None:
    tool = here / "tool"
    for number in (1, 2, 2):
        text = f"#!/bin/sh\necho {'x' * number}\n"
        if not tool.exists() or tool.read_text() != text:
            tool.write_text(text)
            tool.chmod(0o755)
        outcome = execute(Command(argv=("./tool",), inputs=("read.txt",)))
        assert outcome.answer == "x" * number
    assert outcome.calls[0].source == "cache"


def test_another_program_of_the_same_size_and_date_is_another_program(here: Path) -> None:
    """As packages are made that give all their files one date."""
    tool = here / "tool"
    for word in ("one", "two"):
        tool.unlink(missing_ok=True)
        tool.write_text(f"#!/bin/sh\necho {word}\n")
        tool.chmod(0o755)
        os.utime(tool, (1_000_000_000, 1_000_000_000))
        assert execute(Command(argv=("./tool",), inputs=("read.txt",))).answer == word


def test_a_failure_is_not_kept(here: Path) -> None:
    step = Command(argv=(*PYTHON, f"{COUNTS}\nsys.exit(1)", str(here.parent / "log")), inputs=())
    for _ in range(2):
        assert execute(step).status == "failed"
    assert runs(here) == 2


def test_one_that_changes_what_it_reads_is_not_kept(here: Path) -> None:
    code = COUNTS + "\npathlib.Path('read.txt').write_text('changed')"
    step = Command(argv=(*PYTHON, code, str(here.parent / "log")), inputs=("*.txt",))
    for _ in range(3):
        execute(step)
    assert runs(here) == 2  # the second finds it as it leaves it


def test_the_same_at_the_same_time_is_executed_once(here: Path) -> None:
    argv = (*PYTHON, COUNTS, str(here.parent / "log"))
    both = {name: Program(argv=argv, inputs=("*.txt",), safe=True) for name in ("one", "two")}
    outcome = execute(Command(commands=both))
    assert runs(here) == 1
    assert sorted(call.source for call in outcome.calls) == ["flight", "model"]


def test_a_replay_executes_nothing_and_needs_no_leave(here: Path, tmp_path: Path) -> None:
    cassette = tmp_path / "run.jsonl"
    council = Council(steps=[counting(here)])
    first = council.run("", allow_exec=True, record=cassette)
    (here / "read.txt").unlink()
    for speed in (1.0, 0):
        again = council.run("", replay=cassette, replay_speed=speed)
        assert (again.answer, again.replayed) == (first.answer, True)
    assert runs(here) == 1
    assert again.duration_s == pytest.approx(first.duration_s, rel=0.5)


def test_a_recorded_failure_is_replayed_too(here: Path, tmp_path: Path) -> None:
    cassette = tmp_path / "run.jsonl"
    council = Council(steps=[Command(argv=(*PYTHON, "raise SystemExit(9)"))])
    first = council.run("", allow_exec=True, record=cassette)
    assert council.run("", replay=cassette, replay_speed=0).error == first.error


def test_a_run_that_goes_on_executes_only_what_has_not_ended(here: Path, tmp_path: Path) -> None:
    breaks = Command(
        id="breaks", argv=(*PYTHON, "import sys; sys.exit(open('read.txt').read() == 'one')")
    )
    council = Council(steps=[counting(here, id="first"), breaks])
    store = tmp_path / "runs.db"
    assert council.run("", allow_exec=True, store=store).status == "failed"
    (here / "read.txt").write_text("two")
    import asyncio

    with pytest.raises(UsageError, match="would execute"):
        asyncio.run(council.resume(store=store))
    outcome = asyncio.run(council.resume(store=store, allow_exec=True))
    assert outcome.status == "ok"
    assert runs(here) == 1
    assert outcome.resumed is not None


def test_no_secret_is_kept(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "a-token-that-nobody-may-see"
    monkeypatch.setenv("MY_TOKEN", secret)
    monkeypatch.setenv("KONSEHO_STORE", str(tmp_path / "kept.db"))
    step = Command(
        argv=(*PYTHON, "import os; print(os.environ['MY_TOKEN'] * 3)"), env=("MY_TOKEN",),
        inputs=("*.txt",),
    )  # fmt: skip
    outcome = execute(step, store=tmp_path / "kept.db", record=tmp_path / "run.jsonl")
    assert outcome.answer == "***" * 3
    for file in tmp_path.glob("*.*"):
        assert secret.encode() not in file.read_bytes()


def test_what_it_may_not_do_is_said_by_the_step(here: Path) -> None:
    outcome = execute(Command(argv=("env",), cwd=".."))
    assert "leads out of the working folder" in (outcome.error or "")
    assert outcome.calls[0].status == "failed"


def test_its_own_time_ends_it(here: Path) -> None:
    from konseho_cli.core.units import Duration

    outcome = execute(
        Command(argv=(*PYTHON, "import time; time.sleep(60)"), timeout=Duration("300ms"))
    )
    assert "its timeout of 300 ms" in (outcome.error or "")


def test_how_long_it_took_is_remembered(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the fast one goes first the next time, where there is one place."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    log = str(here.parent / "log")
    both = {
        name: Program(argv=(*PYTHON, f"{wait}open({log!r}, 'a').write('{name}\\n')"), safe=True)
        for name, wait in (("slow", "import time; time.sleep(0.3); "), ("fast", ""))
    }
    for _ in range(2):
        execute(Command(commands=both))
    assert Path(log).read_text().split() == ["slow", "fast", "fast", "slow"]


SLEEPS = """\
konseho: 1
name: sleeps
steps:
  - kind: command
    argv: [sh, -c, "sleep 0.5; echo $$ > pid.new; mv pid.new pid; sleep 600 & wait"]
"""


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_nothing_is_left_of_a_run_that_is_ended(here: Path, number: int, status: int) -> None:
    """Neither its program, nor what that has started; not even by `kill -9`."""
    (here / "sleeps.yaml").write_text(SLEEPS)
    run = subprocess.Popen(
        [sys.executable, "-m", "konseho_cli", "run", "sleeps.yaml", "--allow-exec", "--no-store"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while not (here / "pid").exists() and time.monotonic() < end:
            run.poll()
        group = int((here / "pid").read_text())
        run.send_signal(number)
        assert run.wait(60) == status
        while is_there(group) and time.monotonic() < end:
            pass
        assert not is_there(group)
    finally:
        run.kill()
        run.wait()


def is_there(group: int) -> bool:
    """Whether any process of the group lives; what nobody has buried does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[2] == str(group) and fields[0] not in "ZX":
            return True
    return False


def test_a_council_within_a_council_needs_leave_too(here: Path) -> None:
    (here / "inner.yaml").write_text(
        "konseho: 1\nname: inner\nsteps:\n"
        "  - {kind: loop, max: 2, steps: [{id: say, kind: command, argv: [echo, hello]}]}\n"
    )
    (here / "outer.yaml").write_text(
        "konseho: 1\nname: outer\nsteps:\n  - {id: run, kind: council, file: inner.yaml}\n"
    )
    council = Council.load(here / "outer.yaml")
    with pytest.raises(UsageError, match="would execute a program") as caught:
        council.run("x")
    assert "echo hello" in str(caught.value)
    outcome = council.run("x", allow_exec=True)
    assert outcome.status == "ok", outcome.error
    assert [call.model for call in outcome.calls] == ["command:echo"] * 2


@pytest.mark.parametrize("place", ["", "limits", "steps.0"])
def test_no_file_allows_itself_to_execute(here: Path, place: str) -> None:
    said = {"": "allow_exec: true\n", "limits": "limits: {allow_exec: true}\n"}.get(place, "")
    inside = ", allow_exec: true" if place == "steps.0" else ""
    (here / "c.yaml").write_text(
        f"konseho: 1\nname: c\n{said}steps:\n  - {{kind: command, argv: [ls]{inside}}}\n"
    )
    with pytest.raises(InvalidCouncil, match="no file may allow itself") as caught:
        Council.load(here / "c.yaml")
    assert "--allow-exec" in str(caught.value)


def test_no_agent_chooses_a_program_as_its_model(here: Path) -> None:
    from konseho_cli.agents.definition import Agent
    from konseho_cli.steps.ask import Ask

    ann = Agent(name="ann", model="command:rm")
    with pytest.raises(InvalidCouncil, match="'command:rm' is no model"):
        Council(steps=[Ask(agent="ann")], agents=[ann])
