from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store import line as module
from konseho_cli.store.line import Line, Waiting


def waiting(record: Any) -> Waiting:
    loop = asyncio.new_event_loop()
    try:
        return Waiting([record], loop.create_future())
    finally:
        loop.close()


def test_who_waits_goes_before_what_has_time(kept: SimpleNamespace) -> None:
    line, first, second = Line(), waiting(kept.call()), waiting(kept.call(turn=1))
    line.add([kept.span()] * 2500)
    line.wait(first)
    line.wait(second)
    assert line.next() == [first, second]
    assert [len(line.next()) for _ in range(3)] == [1000, 1000, 0]
    line.hasten()
    assert (len(line.next()), line.empty) == (500, True)
    assert line.next() == []


def test_what_is_hastened_is_hastened_once(kept: SimpleNamespace) -> None:
    line = Line()
    line.add([kept.span()])
    assert line.next() == []
    line.hasten()
    assert line.next() == [kept.span()]
    line.add([kept.span()])
    assert line.next() == []


def test_where_far_too_much_has_time_it_goes_first(
    kept: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEHIND", 2000)
    line, first = Line(), waiting(kept.call())
    line.add([kept.span()] * 2500)
    line.wait(first)
    assert len(line.next()) == 1000
    assert line.next() == [first]


def test_memory_is_bounded_even_for_who_never_waits(
    kept: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    line = Line()
    line.add([kept.span()] * 10)
    with pytest.raises(StoreFailed, match="11 spans and events came faster"):
        line.add([kept.span()])
    assert line.empty
