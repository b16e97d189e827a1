"""Loops in a graph of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def find_cycle(edges: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """One loop of a graph (`a`, `b`, `a`), or None. Iterative: depth is the user's choice."""
    done: set[str] = set()
    for start in edges:
        found = None if start in done else _walk(start, edges, done)
        if found is not None:
            return found
    return None


def _walk(start: str, edges: Mapping[str, Iterable[str]], done: set[str]) -> tuple[str, ...] | None:
    path = {start: iter(edges[start])}  # in the order walked; its last key is where we are
    while path:
        name, rest = next(reversed(path.items()))
        for other in rest:
            if other in path:
                walked = list(path)
                return (*walked[walked.index(other) :], other)
            if other in edges and other not in done:
                path[other] = iter(edges[other])
                break
        else:
            del path[name]
            done.add(name)
    return None
