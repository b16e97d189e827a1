from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "pydantic", "rich", "jsonschema_rs", "genai_prices"} | {
    "cProfile", "pstats", "memory_profiler", "psutil", "line_profiler",
}  # fmt: skip
LOOPS = {"asyncio", "ssl"}
OTHERS_COMMANDS = {f"konseho_cli.cli.{name}" for name in ("run", "validate", "show", "schema")}

DUMP = """\
import sys
from konseho_cli.cli.main import invoke
status = invoke(sys.argv[1:])
print(*sys.modules, sep="\\n", file=sys.stderr)
sys.exit(status)
"""


def imported_by(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", DUMP, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (("--version",), HEAVY | LOOPS | OTHERS_COMMANDS | {"yaml", "msgspec", "minijinja"}),
        (("--help",), HEAVY | LOOPS | OTHERS_COMMANDS),
        (("validate", "quickstart"), HEAVY | LOOPS),
        (("list",), (HEAVY | LOOPS) - {"jsonschema_rs"}),  # it checks the councils' output schemas
        (("show", "quickstart"), HEAVY | LOOPS),
        (("schema",), HEAVY | LOOPS),
        (("run", "quickstart", "x", "--dry-run"), HEAVY),
        (("run", "SMALL", "-q"), HEAVY),
        (("run", "SMALL", "-q", "--json"), HEAVY),
        (("run", "SMALL"), HEAVY),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_imports_only_what_it_needs(council, arguments, unwanted):
    small = str(council())  # no ballots and no schemas in it, so nothing checks any
    arguments = [small if argument == "SMALL" else argument for argument in arguments]
    assert imported_by(*arguments) & unwanted == set()


def test_the_texts_of_help_are_loaded_for_help_alone(council):
    pages = "konseho_cli.cli.help.pages"
    assert pages not in imported_by("run", str(council()), "-q")
    assert pages in imported_by("run", "--help")


def test_the_dump_sees_what_is_imported():
    assert {"typer", "konseho_cli.cli.run", "asyncio"} <= imported_by(
        "run", "quickstart", "x", "--dry-run"
    )
