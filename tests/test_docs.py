"""Every `konseho` command in the documentation works: it is run, or at least its options exist.

A fenced block of commands is ```console (lines beginning with `$ `) or ```sh (every line). Words
after the language say more: `norun` for what needs a network, a key or a person; `status=1` for
the exit status that its last command ends with. A ```yaml block with `file=NAME` is written there
first. All blocks of a document share one empty directory, in order, and models are simulated.
```python blocks are run too, those of a document as one program.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from konseho_cli.cli.main import invoke

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^( *)(`{3,})([^\n`]*)\n(.*?)^\1\2`*[ ]*$", re.MULTILINE | re.DOTALL)
ENDS_A_COMMAND = {"|", "||", "&&", ";", ">", ">>", "2>", "<", "&"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    def word(self, key: str) -> str | None:
        """`status=1` → `1`."""
        return next((w.partition("=")[2] for w in self.words if w.startswith(f"{key}=")), None)


def blocks(document: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown document, in order."""
    for match in FENCE.finditer(document):
        indent, _, info, text = match.groups()
        language, *words = info.split() or [""]
        yield Block(
            language=language,
            words=tuple(words),
            text="".join(line.removeprefix(indent) for line in text.splitlines(keepends=True)),
            line=document.count("\n", 0, match.start()) + 1,
        )


def commands(block: Block) -> list[str]:
    """The shell commands of a block; a trailing backslash goes on in the next line."""
    if block.language not in ("console", "sh", "bash", "shell"):
        return []
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def konseho_calls(command: str) -> Iterator[list[str]]:
    """The argument lists that `konseho` gets in a shell command, pipelines included."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    arguments: list[str] | None = None
    for word in (*lexer, ";"):
        if arguments is not None and word in ENDS_A_COMMAND:
            yield arguments
            arguments = None
        elif arguments is not None:
            arguments.append(word)
        elif word == "konseho" or word.endswith("/konseho"):
            arguments = []


def _konseho_bin(folder: Path) -> Path:
    """A folder with a `konseho` that is this checkout's, whatever is installed."""
    script = folder / "konseho"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from konseho_cli.cli.main import main\nsys.exit(main())\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return folder


def _environment(bin_folder: Path) -> dict[str, str]:
    secret = re.compile("KEY|TOKEN|SECRET|BASE_URL|^KONSEHO_")
    kept = {name: value for name, value in os.environ.items() if not secret.search(name)}
    path = os.pathsep.join((str(bin_folder), os.environ["PATH"]))
    return kept | {"PATH": path, "KONSEHO_MODEL": "sim", "COLUMNS": "300", "NO_COLOR": "1"}


@cache
def _help(command: tuple[str, ...]) -> str:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as env, redirect_stdout(out), redirect_stderr(err):
        for name, value in {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}.items():
            env.setenv(name, value)
        status = invoke([*command, "--help"])
    assert status == 0, f"konseho {' '.join(command)}: no such command\n{err.getvalue()}"
    return out.getvalue()


def options_unknown_to_the_help(arguments: list[str]) -> list[str]:
    """Options of a call that its command's `--help` does not name."""
    words = tuple(itertools.takewhile(lambda word: not word.startswith("-"), arguments))
    has_own = words[:1] in (("agents",), ("cache",), ("learnings",), ("runs",), ("store",))
    # What has commands of its own has its options there.
    command = words[:2] if has_own else words[:1]
    known = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", _help(command))) | {"--help"}
    given = [word.partition("=")[0] for word in arguments if re.match(r"--?[A-Za-z]", word)]
    return [option for option in given if option not in known]


READABLE = [path for path in DOCUMENTS if path.exists()]
MENTIONING = [path for path in READABLE if "konseho" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", MENTIONING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_in_a_document_exists(path: Path) -> None:
    wrong = [
        f"{path.name}:{block.line}: konseho {' '.join(call)}: {unknown}"
        for block in blocks(path.read_text(encoding="utf-8"))
        for command in commands(block)
        for call in konseho_calls(command)
        if (unknown := options_unknown_to_the_help(call))
    ]
    assert not wrong


@pytest.mark.parametrize("path", MENTIONING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_document_runs(path: Path, tmp_path: Path) -> None:
    binaries, work = tmp_path / "bin", tmp_path / "work"
    binaries.mkdir()
    work.mkdir()
    environment = _environment(_konseho_bin(binaries))
    for block in blocks(path.read_text(encoding="utf-8")):
        if name := block.word("file"):
            target = work / name
            assert target.resolve().is_relative_to(work.resolve())
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        ours = [command for command in commands(block) if any(konseho_calls(command))]
        if "norun" in block.words:
            continue
        for number, command in enumerate(ours, 1):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=work,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            expected = int(block.word("status") or 0) if number == len(ours) else 0
            place = f"{path.name}:{block.line}: {command}"
            assert done.returncode == expected, f"{place}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("path", MENTIONING, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_python_of_a_document_runs(path: Path, tmp_path: Path) -> None:
    found = [
        block for block in blocks(path.read_text(encoding="utf-8")) if block.language == "python"
    ]
    if not found:
        return
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(block.text for block in found)],
        cwd=tmp_path,
        env=_environment(tmp_path) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for path in (*READABLE, ROOT / "CONTRIBUTING.md"):
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            file = target.partition("#")[0]
            if "://" not in target and file and not (path.parent / file).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert not broken


def test_blocks_know_their_language_words_and_place() -> None:
    text = "# Title\n\n```console norun status=1\n$ konseho run a \\\n    --json\nsaid\n```\n"
    (block,) = blocks(text)
    assert (block.language, block.words, block.line) == ("console", ("norun", "status=1"), 3)
    assert block.word("status") == "1"
    assert [command.split() for command in commands(block)] == [["konseho", "run", "a", "--json"]]


def test_konseho_is_found_in_pipelines_and_behind_variables() -> None:
    command = 'KONSEHO_MODEL=sim konseho run x "a | b" --json | jq . && konseho --version > out'
    assert list(konseho_calls(command)) == [["run", "x", "a | b", "--json"], ["--version"]]


def test_indented_fences_lose_their_indent() -> None:
    (block,) = blocks("1. Do:\n\n   ```sh\n   konseho --version\n   ```\n")
    assert commands(block) == ["konseho --version"]
