"""Profiles of as many spans as one likes, and a browser to look at their pages with."""

from __future__ import annotations

import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from msgspec import structs

from konseho_cli.profiling.critical_path import critical_path
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.store.base import SpanKept
from tests.report.profiles import analysis, profiled, recording

ROOT = Path(__file__).resolve().parent.parent.parent
AGENT_SPANS = 3
"""An ask, its wait for the first token, and its stream."""
MS = 1_000_000


def chromium() -> ModuleType:
    """`docs/chromium.py`, which is in no package."""
    if "chromium" not in sys.modules:
        spec = importlib.util.spec_from_file_location("chromium", ROOT / "docs" / "chromium.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["chromium"] = module
        spec.loader.exec_module(module)
    return sys.modules["chromium"]


@cache
def crowd(spans: int) -> Profiled:
    """One step in which many agents speak, each a little slower than the one before."""
    agents = max(1, (spans - 4) // AGENT_SPANS)
    # Places in the causal order: all begin, all have a first token, one by one they end.
    first_token, ends = 4 + 2 * agents, 4 + 4 * agents
    last, over = (1_000 + agents) * MS, 4 + 6 * agents
    kept = [
        _span("run", 0, None, 0, 0, last, over + 3),
        _span("barrier", 1, 0, 0, 0, last, over + 2, waker=2),
        _span("step", 2, 0, 1, 0, last, over + 1, step="all", step_kind="parallel"),
        _span("barrier", 3, 2, 1, 0, last, over, waker=2 + 2 * agents),
    ]
    for agent in range(agents):
        ask, end, place = 4 + 2 * agent, (1_001 + agent) * MS, 2 * agent
        named = {"step": "all", "agent": f"agent_{agent}", "label": ""}
        kept += [
            _span("ask", ask, 3, agent + 2, 0, end, ends + place + 1, **named),
            _span("ttft", ask + 1, ask, agent + 2, 0, 400 * MS, first_token + place),
            _span("stream", first_token + place + 1, ask, agent + 2, 400 * MS, end, ends + place),
        ]
    whole = profiled()
    run = structs.replace(recording(), spans=tuple(kept))
    seen = structs.replace(analysis(run.outcome), path=critical_path(run.outcome.spans))
    return structs.replace(whole, recordings=(run, *whole.recordings[1:]), analysis=seen)


def _span(
    kind: str, number: int, parent: int | None, task: int, start: int, end: int, closed: int,
    waker: int | None = None, **said: str,
) -> SpanKept:  # fmt: skip
    return SpanKept(
        run="run1", id=number, parent=parent, task=task, kind=kind, start=start, end=end,
        closed=closed, waker=waker, attributes=json.dumps(said),
    )  # fmt: skip
