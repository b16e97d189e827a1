"""From a file or from Python to a council: what comes of it, and files that are none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from konseho_cli.agents.definition import Agent
from konseho_cli.core.errors import InvalidCouncil, UsageError
from konseho_cli.core.units import Duration, Money
from konseho_cli.spec.document import Limits
from konseho_cli.spec.load import check_document, load_council, to_document
from konseho_cli.spec.loaded import Loaded
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.fields import Fallback, Output
from konseho_cli.steps.parallel import Parallel

STEPS = "steps: [{kind: ask, agent: {name: a}}]\n"


def why(path: Path) -> str:
    """What is said about a council that is refused."""
    with pytest.raises(InvalidCouncil) as raised:
        load_council(path)
    return str(raised.value)


def test_quantities_are_read_as_people_write_them(load: Callable[[str], Loaded]) -> None:
    limits = load("limits: {cost: $1.50, tokens: 200k, time: 5m, calls: 7}\n" + STEPS).spec.limits
    assert limits == Limits(cost=Money("1.5"), tokens=200_000, time=300.0, calls=7)  # type: ignore[arg-type]
    assert isinstance(limits.time, Duration)


def test_a_council_keeps_the_file_that_it_came_from(folder: Path) -> None:
    file = folder / "c.yaml"
    file.write_text("konseho: 1\nname: x\n" + STEPS)
    assert load_council(file).file == file


def test_windows_line_ends_and_a_byte_order_mark_are_fine(folder: Path) -> None:
    file = folder / "c.yaml"
    file.write_bytes(
        b"\xef\xbb\xbf" + ("konseho: 1\nname: x\n" + STEPS).replace("\n", "\r\n").encode()
    )
    assert list(load_council(file).steps) == ["ask"]


FILES = {
    "an empty file": (b"", "c.yaml: the file is empty (begin with `konseho: 1`)"),
    "comments alone": (b"# nothing\n", "c.yaml: the file is empty (begin with `konseho: 1`)"),
    "a list": (b"- a\n", "c.yaml:1:1: a council is a mapping of keys (begin with `konseho: 1`)"),
    "text": (b"hello\n", "c.yaml:1:1: a council is a mapping of keys (begin with `konseho: 1`)"),
    "NUL": (b"a: \0\n", "c.yaml:1: byte 3 is NUL, so this is not a text file"),
    "Latin-1": (b"a: caf\xe9\n", "c.yaml:1: byte 6 (0xe9) is not UTF-8 (save it as UTF-8)"),
    "a byte too many": (b"#" * (2**20 + 1), "c.yaml: the file is larger than 1.0 MiB"),
    "brackets": (b"[" * 100_000, "nested deeper than 64 levels"),
    "two documents": (b"a: 1\n---\nb: 1\n", "c.yaml:2:1: a second document begins here (one document a file)"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "message"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_council_is_refused(folder: Path, data: bytes, message: str) -> None:
    (folder / "c.yaml").write_bytes(data)
    assert why(Path("c.yaml")).endswith(message)


def test_a_file_that_is_not_there_is_refused(folder: Path) -> None:
    assert why(Path("c.yaml")) == "c.yaml: the file does not exist"


def test_an_anchor_inside_itself_is_told_with_the_rest(said: Callable[[str], list[str]]) -> None:
    found = said("agents: &a {x: *a}\nnam: x\n" + STEPS)
    assert found[0] == "council.yaml:3:16: agents: the anchor 'a' contains itself"
    assert "unknown key 'nam'" in found[2]


def test_a_duplicate_key_is_told_with_the_rest(said: Callable[[str], list[str]]) -> None:
    assert said("name: again\nseed: -1\n" + STEPS) == [
        "council.yaml:3:1: duplicate key 'name' (first on line 2)",
        "council.yaml:4:7: seed: expected a whole number from 0 to 9223372036854775807, got -1",
    ]


def test_steps_made_in_python_take_the_same_walk() -> None:
    council = check_document(
        to_document(
            konseho=1,
            name="x",
            limits=Limits(time=Duration("90s"), cost=Money("$1.50")),
            steps=[
                Parallel(agents=(Agent(name="a", role="r"), Agent(name="b")), quorum=1),
                Ask(
                    agent="a",
                    on_error="fallback",
                    fallback=Fallback(value={"x": [1]}),
                    output=Output(schema={"type": "object"}),
                    timeout=Duration("250ms"),
                ),
            ],
        )
    )
    assert list(council.steps) == ["parallel", "ask"]
    assert council.spec.limits == Limits(time=Duration(90), cost=Money("1.50"))
    assert council.steps["ask"].timeout == 0.25
    assert council.file is None


def test_a_mistake_made_in_python_is_told_by_its_path() -> None:
    with pytest.raises(InvalidCouncil) as raised:
        check_document(to_document(konseho=1, name="x", steps=[Ask(agent="a", priority=99)]))
    assert str(raised.value).splitlines() == [
        "steps[0].priority: expected a whole number from 0 to 10, got 99",
        "steps[0].agent: unknown agent 'a' (there is no `agents` table)",
    ]


def test_what_no_file_could_hold_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="this is no council"):
        to_document(konseho=1, steps=[Ask(agent="a", fallback=Fallback(value=object()))])
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(UsageError, match="this is no council"):
        to_document(konseho=1, steps=endless)


def test_loading_a_council_imports_nothing_heavy(folder: Path) -> None:
    (folder / "c.yaml").write_text("konseho: 1\nname: x\n" + STEPS)
    code = (
        "import sys; from pathlib import Path; from konseho_cli.spec.load import load_council;"
        "load_council(Path('c.yaml'));"
        "print([m for m in ('asyncio', 'aiohttp', 'pydantic', 'rich', 'jsonschema_rs', 'difflib',"
        " 'genai_prices', 'ssl') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
