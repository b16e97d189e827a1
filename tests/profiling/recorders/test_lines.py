"""Functions line by line, under the real tracers."""

from __future__ import annotations

import sys

import pytest

from konseho_cli.core.errors import MissingExtra, UsageError
from konseho_cli.profiling.cpu_profile import LineTime
from konseho_cli.profiling.memory_profile import LineMemory
from konseho_cli.profiling.recorders import lines
from konseho_cli.profiling.recorders.leaks import leak

LEAK = "konseho_cli.profiling.recorders.leaks:leak"


def test_the_time_of_each_line_is_measured() -> None:
    with lines.lines_of("cpu", [LEAK]) as seen:
        leak(range(20))
    found = seen()
    assert {type(line) for line in found} == {LineTime}
    assert {line.function for line in found} == {"leak"}
    assert {line.file for line in found} == {"konseho_cli/profiling/recorders/leaks.py"}
    entry = next(line for line in found if "settled = after" in line.source)
    assert entry.hits == 1  # type: ignore[union-attr]
    assert sum(line.seconds for line in found) > 0  # type: ignore[union-attr]


def test_the_memory_of_each_line_is_measured() -> None:
    with lines.lines_of("memory", [LEAK]) as seen:
        leak(range(20))
    found = seen()
    assert {type(line) for line in found} == {LineMemory}
    assert all(line.resident > 2**20 for line in found)  # type: ignore[union-attr]
    assert not any(line.source.lstrip().startswith("def ") for line in found)
    assert sys.gettrace() is None or "konseho" not in repr(sys.gettrace())


def test_a_function_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError), lines.lines_of("memory", ["no.module:f"]):
        pass


def test_without_line_profiler_the_way_to_install_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "line_profiler", None)
    with pytest.raises(MissingExtra) as raised:
        lines.check_installed("cpu")
    assert raised.value.hint == "pip install 'konseho[lines]'"
    lines.check_installed("memory")
