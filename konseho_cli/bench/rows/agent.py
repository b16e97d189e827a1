"""Agents in Markdown: read through the shared prompt cache, and without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from konseho_cli.agents.markdown import read_agent
from konseho_cli.agents.prompt_cache import SharedPromptCache
from konseho_cli.bench.measure import Pair, Row

_AGENTS = 100
_ROLE = (
    "You review changes. You say what is wrong, where it is, and what would put it right.\n" * 25
)
"""Two kilobytes, as subagents have them."""


@contextmanager
def _files(count: int) -> Iterator[Sequence[Path]]:
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"agent{number}.md" for number in range(count)]
        for number, path in enumerate(paths):
            front = (
                f"name: agent-{number}\ndescription: Reviews part {number} of a change.\n"
                "model: sonnet\ntools: Read, Grep, Glob\ntemperature: 0.2\n"
            )
            path.write_text(f"---\n{front}---\n\n{_ROLE}", encoding="utf-8")
        yield [path.resolve() for path in paths]


def _cache() -> SharedPromptCache:
    # A wall clock ahead of time: the files count as changed long ago, as agents' files are.
    return SharedPromptCache(wall_ns=lambda: time.time_ns() + 3600 * 10**9)


def _seconds(paths: Sequence[Path], load: Callable[[Path], object], repeats: int = 1) -> float:
    start = perf_counter()
    for _ in range(repeats):
        for path in paths:
            load(path)
    return (perf_counter() - start) / repeats


@contextmanager
def _cached(scale: float) -> Iterator[Pair]:
    with _files(max(1, round(_AGENTS * scale))) as paths:
        cache = _cache()
        cache.preload(paths)
        yield Pair(
            ours=lambda: _seconds(paths, cache.agent, 10), peer=lambda: _seconds(paths, read_agent)
        )


@contextmanager
def _cold(scale: float) -> Iterator[Pair]:
    with _files(max(1, round(_AGENTS * scale))) as paths:
        yield Pair(
            ours=lambda: _seconds(paths, _cache().agent),
            peer=lambda: _seconds(paths, Path.read_bytes),
        )


ROWS = (
    Row(
        name="agent_cached",
        title="100 Markdown agents through the warm cache",
        peer="reading and parsing them",
        prepare=_cached,
    ),
    Row(
        name="agent_cold",
        title="100 Markdown agents, read and parsed for the first time",
        peer="their bare bytes",
        prepare=_cold,
    ),
)
"""All rows, in the order of the table."""
