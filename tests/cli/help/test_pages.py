"""Every command explains itself as a manual page does, and what it shows works."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.cli.commands import COMMANDS
from konseho_cli.cli.help.groups import HEADINGS, MANY
from konseho_cli.cli.help.pages import PAGES
from konseho_cli.cli.main import load
from tests.test_docs import konseho_calls

ROOT = Path(__file__).resolve().parents[3]


def _walk(path: tuple[str, ...], command: Any) -> Iterator[tuple[str, Any]]:
    yield " ".join(path), command
    for name, each in getattr(command, "commands", {}).items():
        yield from _walk((*path, name), each)


EVERY = {words: command for name in COMMANDS for words, command in _walk((name,), load(name))}
each_command = pytest.mark.parametrize("words", ["", *EVERY])
each_page = pytest.mark.parametrize("words", PAGES)


def test_every_command_has_a_page_and_every_page_a_command() -> None:
    assert set(PAGES) == {"", *EVERY}


@pytest.fixture
def text(konseho, words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    ran = konseho(*words.split(), "--help")
    assert (ran.status, ran.err) == (0, "")
    return ran.out


@each_command
def test_help_has_what_a_manual_page_has(text, words):
    headings = re.findall(r"^(\w[\w ]*):$", text, re.MULTILINE)
    assert text.startswith(f"Usage: konseho {words}".rstrip())
    assert headings.index("Examples") < headings.index("Exit status")
    assert {"Examples", "Exit status", "See also"} <= set(headings)


@each_command
def test_help_is_as_wide_as_a_terminal_and_plain_in_a_pipe(text, words):
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "\x1b" not in text


@pytest.mark.parametrize("words", ["run", "runs show"])
@pytest.mark.parametrize("width", [60, 120])
def test_help_fits_other_terminals_but_for_what_is_typed(konseho, monkeypatch, words, width):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = konseho(*words.split(), "--help").out.splitlines()
    wide = [line for line in lines if len(line) > max(width, 100 if width > 100 else 0)]
    assert [line for line in wide if not re.match(r"\s+(\$|-|[A-Z_~.]+)", line)] == []


@each_page
def test_it_has_two_to_four_examples(words):
    assert 2 <= len(PAGES[words].examples) <= 4


@each_page
def test_its_examples_are_of_it_and_can_be_read(words):
    seen = False
    for _, call in PAGES[words].examples:
        lines = call.replace("\\\n", " ").splitlines()
        for arguments in (found for line in lines for found in konseho_calls(line)):
            name, *rest = arguments
            load(name).make_context(name, rest).close()
            seen = seen or " ".join(arguments).startswith(words.partition(" ")[0])
    assert seen


@each_page
def test_what_it_points_to_is_there(words):
    for place in PAGES[words].see:
        if place.startswith("docs/"):
            assert (ROOT / place).is_file(), place
        elif place != "konseho COMMAND --help":
            named, _, option = place.removeprefix("konseho ").partition(" --")
            assert named in EVERY
            opts = [opt for param in EVERY[named].params for opt in param.opts]
            assert not option or f"--{option}" in opts


@each_page
def test_it_says_when_it_is_fine_and_what_a_wrong_call_comes_to(words):
    told = [status for status, _ in PAGES[words].status]
    assert told[0] == "0"
    assert "2" in told


def test_many_options_are_under_headings():
    for words, command in EVERY.items():
        options = [each for each in command.params if each.param_type_name == "option"]
        if len(options) > MANY:
            assert words in {"run", "chat", "resume", "profile", "bench", "tune", "whatif"}
    assert HEADINGS[-1] == "Options"


MEANS_ANOTHER_THING = {
    "--force", "--model", "--preset", "--dry-run", "--markdown", "--output", "--council",
    "--prompts", "--all", "--junit", "--max-time",
}  # fmt: skip
"""By command: `cache list --model` is a pattern, and `rm --all` no list of profilers."""


def test_an_option_is_explained_in_the_same_words_everywhere():
    told = defaultdict(set)
    for command in EVERY.values():
        for param in command.params:
            if param.param_type_name == "option":
                told[param.opts[0]].add((param.help, param.metavar))
    assert {name for name, helps in told.items() if len(helps) > 1} <= MEANS_ANOTHER_THING
    assert all(text for helps in told.values() for text, _ in helps)


def test_every_option_has_its_help_with_a_full_stop():
    short = {
        f"{words} {param.opts[0]}"
        for words, command in EVERY.items()
        for param in command.params
        if not (param.help or "").rstrip("`'").endswith((".", ":")) and param.opts[0] != "--help"
    }
    assert not short
