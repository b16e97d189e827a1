"""The rules of the house that no linter knows: sizes, docstrings, floors, names that resolve."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "konseho_cli"
TESTS = ROOT / "tests"
FILES_OF_OURS = (*sorted(PACKAGE.rglob("*.py")), *sorted((ROOT / "docs").rglob("*.py")))
TEST_FILES = tuple(path for path in sorted(TESTS.rglob("*.py")) if "node_modules" not in path.parts)
MODULES = [path for path in FILES_OF_OURS if PACKAGE in path.parents]

MOST_LINES_A_FILE = 400
MOST_LINES_A_FUNCTION = 60


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


class Outline(NamedTuple):
    """What the rules ask of a file, which is parsed once for all of them."""

    docstring: str | None
    statements: int
    functions: Mapping[str, int]
    """Lines, by place and name."""


@cache
def _outline(path: Path) -> Outline:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {
        f"{_short(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    return Outline(ast.get_docstring(tree), len(tree.body), functions)


def test_the_house_is_where_this_test_looks() -> None:
    assert len(MODULES) > 20
    assert Path(__file__).resolve() in TEST_FILES


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        _short(path): lines
        for path in (*FILES_OF_OURS, *TEST_FILES)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES_A_FILE
    }
    assert not long


def test_no_function_is_longer_than_60_lines() -> None:
    long = {
        function: lines
        for path in (*FILES_OF_OURS, *TEST_FILES)
        for function, lines in _outline(path).functions.items()
        if lines > MOST_LINES_A_FUNCTION
    }
    assert not long


def test_most_functions_are_shorter_than_ten_lines() -> None:
    lengths = [lines for path in MODULES for lines in _outline(path).functions.values()]
    assert sum(length < 10 for length in lengths) > len(lengths) / 2


def test_every_module_has_a_docstring() -> None:
    bare = [_short(path) for path in (*FILES_OF_OURS, *TEST_FILES) if not _docstring(path)]
    assert not bare


def _docstring(path: Path) -> str | None:
    # A test file may let its name and its tests speak for it.
    return "test" if TESTS in path.parents else _outline(path).docstring


INITS = [path for path in MODULES if path.name == "__init__.py" and path.parent != PACKAGE]


@pytest.mark.parametrize("path", INITS, ids=_short)
def test_a_packages_init_holds_only_its_docstring(path: Path) -> None:
    assert _outline(path).statements == 1
    assert _outline(path).docstring


def test_every_public_name_of_the_root_resolves_to_what_it_is_called() -> None:
    root = importlib.import_module("konseho_cli")
    names = [name for name in getattr(root, "__all__", ()) if not name.startswith("__")]
    assert names
    assert sorted(names) == sorted(set(names))
    for name in names:
        found = getattr(root, name)
        assert getattr(found, "__name__", name) == name
        assert name in dir(root)


def test_an_unknown_name_of_the_root_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        importlib.import_module("konseho_cli").Nothing  # noqa: B018


def test_every_module_imports_on_its_own_terms() -> None:
    for found in pkgutil.walk_packages([str(PACKAGE)], "konseho_cli."):
        if not found.name.endswith("__main__"):
            assert importlib.import_module(found.name).__doc__


def test_nothing_is_left_to_be_done_later() -> None:
    marker = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")
    found = [
        f"{_short(path)}:{number}"
        for path in (*FILES_OF_OURS, *TEST_FILES)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marker.search(line)
    ]
    assert not found


OF_THE_WHOLE = (TESTS, TESTS / "councils")
"""The house, its documents, its councils: tests that are about no module."""
OF_A_MODULE = [
    path for path in TEST_FILES if path.name.startswith("test_") and path.parent not in OF_THE_WHOLE
]


@pytest.mark.parametrize("path", OF_A_MODULE, ids=_short)
def test_the_tests_mirror_the_package(path: Path) -> None:
    floor = path.parent.relative_to(TESTS)
    subject = path.stem.removeprefix("test_")
    modules = {module.stem for module in (PACKAGE / floor).glob("*.py")}
    assert any(subject == name or subject.startswith(f"{name}_") for name in modules), (
        f"no module in konseho_cli/{floor} is called {subject}"
    )


def test_every_floor_has_tests() -> None:
    floors = {path.parent.name for path in MODULES if path.parent.parent == PACKAGE}
    tested = {
        path.parent.relative_to(TESTS).parts[0] for path in TEST_FILES if path.parent != TESTS
    }
    assert not floors - tested


def test_the_floors_hold() -> None:
    lint = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_every_command_of_the_command_line_resolves_and_says_what_its_table_says() -> None:
    commands = importlib.import_module("konseho_cli.cli.commands").COMMANDS
    assert "run" in commands
    for name, entry in commands.items():
        command = importlib.import_module(entry.module).command
        assert command.__doc__.splitlines()[0] == entry.help, name
