"""Councils from YAML, and what an agent weighs, against the bare C parser and plain dicts."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import yaml

from konseho_cli.bench.measure import Pair, Row
from konseho_cli.engine.plan import make_plan
from konseho_cli.spec.load import load_council


def document(agents: int) -> str:
    """A council file in which so many agents answer in parallel and a chair sums up."""
    names = [f"agent{number}" for number in range(agents)]
    roles = "\n".join(f"  {name}: {{role: You are number {name[5:]} of us.}}" for name in names)
    return (
        "konseho: 1\nname: bench\ntask: Monolith or services?\n"
        f"agents:\n{roles}\n  chair: {{role: You write the result.}}\n"
        f"steps:\n  - {{id: answers, kind: parallel, agents: [{', '.join(names)}]}}\n"
        "  - {id: result, kind: chair, agent: chair}\n"
    )


@contextmanager
def _file(agents: int) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bench.yaml"
        path.write_text(document(agents), encoding="utf-8")
        yield path


def _ours(path: Path) -> object:
    loaded = load_council(path)
    return loaded, make_plan(loaded.steps)


def _bare(path: Path) -> object:
    loader = yaml.CSafeLoader(path.read_text(encoding="utf-8"))
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _loading(agents: int, times: int) -> Callable[[float], Iterator[Pair]]:
    def prepare(scale: float) -> Iterator[Pair]:
        repeats = max(1, round(times * scale))

        def seconds(load: Callable[[Path], object]) -> float:
            start = perf_counter()
            for _ in range(repeats):
                load(path)
            return (perf_counter() - start) / repeats

        with _file(agents) as path:
            yield Pair(ours=lambda: seconds(_ours), peer=lambda: seconds(_bare))

    return prepare


@contextmanager
def _memory(scale: float) -> Iterator[Pair]:
    agents = max(10, round(10_000 * scale))

    def weight(load: Callable[[Path], object]) -> float:
        load(path)  # what is loaded once and stays, such as a module, is no agent's
        gc.collect()
        tracemalloc.start()
        try:
            kept = load(path)
            gc.collect()
            size = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        del kept
        return size / agents

    with _file(agents) as path:
        yield Pair(ours=lambda: weight(_ours), peer=lambda: weight(_bare))


ROWS = (
    Row(
        name="council_5",
        title="a council of 5 agents from YAML, checked and planned",
        peer="PyYAML's C loader on the same file",
        prepare=contextmanager(_loading(5, 50)),
    ),
    Row(
        name="council_1000",
        title="a council of 1,000 agents from YAML, checked and planned",
        peer="PyYAML's C loader on the same file",
        prepare=contextmanager(_loading(1000, 3)),
    ),
    Row(
        name="agent_memory",
        title="memory an agent, in a loaded council of 10,000",
        peer="the same file as plain dicts",
        prepare=_memory,
        costly=True,
    ),
)
