"""Agents found by name among 1,000 files, and how often their roles are there already."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from konseho_cli.agents.discovery import discover
from konseho_cli.agents.places import Place
from konseho_cli.agents.prompt_cache import SharedPromptCache
from konseho_cli.agents.registry import Registry
from konseho_cli.bench.measure import Pair, Row, seconds_of

_FILES = 1000
_ROLE = "You review changes. You say what is wrong, where, and what would put it right.\n" * 25
"""Two kilobytes, as subagents have them."""
_HARD_IN = 10
"""Of so many files one has front matter that only the YAML parser reads."""
_AGENTS, _LOADS, _CHANGED_IN = 12, 100, 30


@contextmanager
def _folder(count: int) -> Iterator[Path]:
    """A council's folder with agents; a tenth of them lie in a folder below."""
    with TemporaryDirectory() as folder:
        agents = Path(folder).resolve() / "agents"
        (agents / "team").mkdir(parents=True)
        for number in range(count):
            place = agents / "team" if number % 10 == 9 else agents
            _write(place / f"agent-{number}.md", number)
        yield agents


def _write(file: Path, number: int, role: str = _ROLE) -> None:
    folded = ">-\n  " if number % _HARD_IN == 0 else ""
    front = (
        f"name: agent-{number}\ndescription: {folded}Reviews part {number} of a change.\n"
        "model: sonnet\ntools: Read, Grep, Glob\ntemperature: 0.2\n"
    )
    file.write_text(f"---\n{front}---\n\n{role}", encoding="utf-8")


def _later() -> int:
    """A wall clock ahead of time: the files count as changed long ago, as agents' files are."""
    return time.time_ns() + 3600 * 10**9


def _bare(agents: Path, *, read: bool) -> None:
    """What nothing that looks at every file can do without."""
    for folder, _, names in os.walk(agents):
        for name in names:
            path = f"{folder}/{name}"
            os.stat(path)
            if read:
                handle = os.open(path, os.O_RDONLY)
                os.read(handle, 4096)
                os.close(handle)


@contextmanager
def _cold(scale: float) -> Iterator[Pair]:
    with _folder(_FILES) as agents:
        place = Place(level="project", folder=agents)
        yield Pair(
            ours=lambda: seconds_of(lambda: discover([place], None, _later)),
            peer=lambda: seconds_of(lambda: _bare(agents, read=True)),
        )


@contextmanager
def _indexed(scale: float) -> Iterator[Pair]:
    with _folder(_FILES) as agents:
        place, index = Place(level="project", folder=agents), agents.parent / "agents.index"
        discover([place], index, _later)
        yield Pair(
            ours=lambda: seconds_of(lambda: discover([place], index, _later)),
            peer=lambda: seconds_of(lambda: _bare(agents, read=False)),
        )


@contextmanager
def _cached(scale: float) -> Iterator[Pair]:
    with _folder(_FILES) as agents:
        registry, name = Registry(now_ns=_later), f"agent-{_FILES // 2}"
        registry.agent(name, agents.parent, {})
        yield Pair(
            ours=lambda: seconds_of(lambda: registry.agent(name, agents.parent, {})),
            peer=lambda: seconds_of(lambda: _bare(agents, read=False)),
        )


@contextmanager
def _missed(scale: float) -> Iterator[Pair]:
    """A long-lived process: 12 agents loaded 100 times, one of them edited every 30 loads."""
    with _folder(_AGENTS) as agents:
        files = sorted(agents.rglob("*.md"))

        def ours() -> float:
            return _share_of_misses(SharedPromptCache(wall_ns=_later), files)

        def peer() -> float:
            return _share_of_misses(SharedPromptCache(wall_ns=_later, ttl_s=0), files)

        yield Pair(ours=ours, peer=peer)


def _share_of_misses(cache: SharedPromptCache, files: list[Path]) -> float:
    for load in range(_LOADS):
        if load % _CHANGED_IN == _CHANGED_IN - 1:
            number = load // _CHANGED_IN
            _write(files[number], number, _ROLE + f"Edited {perf_counter()}.\n")
        for file in files:
            cache.agent(file)
    return 1 - cache.stats.hit_rate


ROWS = (
    Row(
        name="discovery",
        title="1,000 Markdown agents discovered, nothing known of them",
        peer="the state and the first 4 KiB of every file",
        prepare=_cold,
    ),
    Row(
        name="discovery_indexed",
        title="the same in a new process, by its index: every file's state is asked for",
        peer="the state of every file",
        prepare=_indexed,
    ),
    Row(
        name="discovery_cached",
        title="one of 1,000 agents by name, in a process that discovered them within a minute",
        peer="the state of every file",
        prepare=_cached,
    ),
    Row(
        name="prompt_misses",
        title="of 1,200 loads of 12 agents, one of which is edited now and then, the share parsed",
        peer="the same without a cache",
        prepare=_missed,
    ),
)
