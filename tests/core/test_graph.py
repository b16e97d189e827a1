"""Loops in a graph."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.graph import find_cycle


def test_a_loop_is_named_from_its_first_name_back_to_it() -> None:
    assert find_cycle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ("b", "c", "b")


def test_a_name_that_leads_to_itself_is_a_loop() -> None:
    assert find_cycle({"a": ["a"]}) == ("a", "a")


def test_names_that_lead_nowhere_are_no_loop() -> None:
    assert find_cycle({"a": ["b", "elsewhere"], "b": []}) is None


def test_a_very_long_chain_needs_no_recursion() -> None:
    assert find_cycle({str(n): [str(n + 1)] for n in range(50_000)}) is None


@given(st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=4)))
def test_a_loop_is_found_exactly_where_names_reach_themselves(graph: dict[int, list[int]]) -> None:
    edges = {str(name): [str(other) for other in others] for name, others in graph.items()}
    reach = {name: set(others) for name, others in edges.items()}
    for _ in edges:
        for found in reach.values():
            found.update(*(reach.get(other, ()) for other in tuple(found)))
    loop = find_cycle(edges)
    assert (loop is not None) == any(name in found for name, found in reach.items())
    if loop is not None:
        assert loop[0] == loop[-1]
        assert all(other in edges[name] for name, other in pairwise(loop))
