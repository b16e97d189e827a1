"""Depth is counted without recursion, and only as far as it matters."""

from __future__ import annotations

from konseho_cli.core.nesting import nests_deeper


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_a_value_may_nest_as_deep_as_it_may_and_no_deeper() -> None:
    assert not nests_deeper(nested(64), 64)
    assert nests_deeper(nested(65), 64)
    assert nests_deeper({"a": nested(100_000)})


def test_width_is_not_depth() -> None:
    assert not nests_deeper([[1]] * 10_000, 2)
    assert not nests_deeper("text", 0)
