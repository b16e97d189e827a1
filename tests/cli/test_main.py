from __future__ import annotations

import importlib
import inspect
import os
import resource
import subprocess
import sys

import pytest

from konseho_cli.cli import main
from konseho_cli.cli.commands import COMMANDS
from konseho_cli.core.errors import UsageError
from konseho_cli.version import __version__


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_names_commands_that_are_there_and_says_what_they_say(name):
    command = importlib.import_module(COMMANDS[name].module).command
    assert inspect.getdoc(command).splitlines()[0] == COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(konseho, name):
    ran = konseho(name, "--help")
    assert ran.status == 0
    assert COMMANDS[name].help in ran.out


def test_help_lists_every_command(konseho):
    for arguments in ((), ("--help",), ("-h",)):
        ran = konseho(*arguments)
        assert ran.status == 0
        for name, entry in COMMANDS.items():
            assert f"  {name}" in ran.out
            assert entry.help in ran.out


def test_the_version_is_one_line(konseho):
    assert konseho("--version").out == f"konseho {__version__}\n"


def test_a_mistyped_command_is_answered_with_the_near_one(konseho):
    ran = konseho("rnu")
    assert ran.status == 2
    assert "did you mean 'run'?" in ran.err


def test_an_unknown_command_is_answered_with_all(konseho):
    assert "known: init, run, chat, resume" in konseho("xyzzy").err


def test_an_unknown_option_is_a_usage_error(konseho):
    assert konseho("run", "quickstart", "--nonsense").status == 2


def failing(error):
    def get_command(app):
        class Command:
            def main(self, **arguments):
                raise error

        return Command()

    return get_command


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UsageError("wrong", hint="do right"), 2, "konseho: wrong\n  do right\n"),
        (KeyboardInterrupt(), 130, ""),
        (ValueError("oops"), 3, "ValueError: oops"),
    ],
)
def test_every_error_becomes_a_status_and_a_line(konseho, monkeypatch, error, status, said):
    monkeypatch.setattr(main, "get_command", failing(error))
    ran = konseho("run")
    assert ran.status == status
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_traceback_is_shown_to_who_asks_for_it(konseho, monkeypatch):
    monkeypatch.setattr(main, "get_command", failing(ValueError("oops")))
    monkeypatch.setenv("KONSEHO_DEBUG", "1")
    assert "Traceback" in konseho("run").err


def test_an_error_cannot_drive_the_terminal(konseho, monkeypatch):
    monkeypatch.setattr(main, "get_command", failing(UsageError("\x1b[2Jgone")))
    assert konseho("run").err == "konseho: gone\n"


def test_a_reader_that_goes_away_ends_the_command_quietly():
    command = [sys.executable, "-m", "konseho_cli", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_an_interrupt_when_all_is_done_does_not_change_the_status(monkeypatch):
    late = "import atexit, signal; atexit.register(signal.raise_signal, signal.SIGINT)\n"
    late += "import sys; sys.argv[1:] = ['list']; from konseho_cli.entry import main; main()"
    ran = subprocess.run([sys.executable, "-c", late], capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_full_disk_is_said():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "konseho_cli", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 3
    assert b"No space left" in done.stderr


def test_an_output_that_does_not_fit_is_an_error_where_python_does_not_buffer_either(tmp_path):
    out = tmp_path / "o.json"
    with out.open("wb") as file:
        ran = subprocess.run(
            [sys.executable, "-m", "konseho_cli", "run", "quickstart", "x", "-m", "sim:instant",
             "--json", "--no-store", "-q"],
            stdout=file, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        )  # fmt: skip
    assert ran.returncode == 3
    assert "could not be written" in ran.stderr
