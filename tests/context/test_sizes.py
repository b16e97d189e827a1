from __future__ import annotations

import tracemalloc

from konseho_cli.context.sizes import size_of


def test_it_is_what_python_takes_for_it() -> None:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    value = {f"agent{number}": [f"{number} " * 5_000, {"weight": 1.5}] for number in range(100)}
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 0.9 < size_of(value) / taken < 1.1


def test_a_structure_may_be_deep() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert size_of(deep) > 100_000
