"""A profile for https://speedscope.app: lanes of the run, stacks of py-spy, functions of cProfile.

Written after the format's own schema, https://www.speedscope.app/file-format-schema.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from konseho_cli.profiling.cpu_profile import CpuProfile
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.profiling.sampled import Samples
from konseho_cli.report.text import encodable
from konseho_cli.report.tracks import Lane, lanes
from konseho_cli.version import __version__

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def speedscope_json(profiled: Profiled) -> str:
    """All of it in one file: a profile a lane, then one a thread of py-spy, then cProfile's."""
    outcome, frames = profiled.outcome, _Frames()
    profiles = [_evented(lane, outcome.start, outcome.end, frames) for lane in lanes(outcome.spans)]
    for recording in profiled.recordings:
        if recording.samples is not None:
            profiles += _sampled(recording.samples, frames)
        if recording.cpu is not None:
            profiles.append(_flat(recording.cpu, frames))
    document = {
        "$schema": SCHEMA,
        "exporter": f"konseho@{__version__}",
        "name": f"{outcome.council} {outcome.run}",
        "activeProfileIndex": 0,
        "shared": {"frames": frames.all},
        "profiles": profiles,
    }
    return encodable(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


class _Frames:
    """Frames by number: each is in the file once."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self._numbers: dict[tuple[str, str, int], int] = {}

    def number(self, name: str, file: str = "", line: int = 0) -> int:
        """Of a frame, which is added where it is new."""
        key = (name, file, line)
        if key not in self._numbers:
            self._numbers[key] = len(self.all)
            place = {"file": file, **({"line": line} if line > 0 else {})} if file else {}
            self.all.append({"name": name or "?", **place})
        return self._numbers[key]


def _evented(lane: Lane, start: int, end: int, frames: _Frames) -> dict[str, Any]:
    """Times count from the start of the run."""
    return {
        "type": "evented",
        "name": lane.title,
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": max([end, *(placed.span.end for placed in lane.spans)]) - start,
        "events": [
            {
                "type": "O" if mark.begins else "C",
                "frame": frames.number(mark.placed.title),
                "at": mark.at - start,
            }
            for mark in lane.marks()
        ],
    }


def _sampled(samples: Samples, frames: _Frames) -> Iterator[dict[str, Any]]:
    """How often each stack was seen, as seconds; which came first, nobody kept."""
    numbers = [frames.number(frame.name, frame.file, frame.line) for frame in samples.frames]
    for thread in dict.fromkeys(stack.thread for stack in samples.stacks):
        stacks = [stack for stack in samples.stacks if stack.thread == thread]
        yield _weighted(
            f"py-spy: {thread}" if thread else "py-spy",
            ([numbers[frame] for frame in stack.frames] for stack in stacks),
            [stack.samples / samples.rate for stack in stacks],
        )


def _flat(cpu: CpuProfile, frames: _Frames) -> dict[str, Any]:
    """Own time by part and function: cProfile keeps no stacks."""
    functions = [function for function in cpu.functions if function.own_s > 0]
    return _weighted(
        "cProfile: own time",
        (
            [frames.number(each.group), frames.number(each.name, each.file, each.line)]
            for each in functions
        ),
        [function.own_s for function in functions],
    )


def _weighted(name: str, stacks: Iterable[list[int]], weights: list[float]) -> dict[str, Any]:
    return {
        "type": "sampled", "name": name, "unit": "seconds", "startValue": 0,
        "endValue": sum(weights), "samples": list(stacks), "weights": weights,
    }  # fmt: skip
