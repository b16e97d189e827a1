"""Findings about memory, and about prompts that carry too much."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from konseho_cli.core.units import show_count, show_size
from konseho_cli.engine.outcome import CallRecord, RunOutcome
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.candidate import Candidate
from konseho_cli.profiling.memory_profile import Leak, MemoryProfile

GROWTH = 100_000_000
"""Bytes: a step that adds more is a bottleneck."""
_LARGE_PROMPT = 16_000
"""Tokens: below it no prompt is called large."""
_RUNS = 100
"""A leak is told by what so many runs would take."""


def memory_findings(memory: MemoryProfile) -> Iterator[Candidate]:
    """Steps that add much memory."""
    for step in memory.steps:
        if step.growth > GROWTH:
            yield Candidate(
                finding=Finding(
                    topic="memory",
                    where=step.step,
                    what=f"{step.step} adds {show_size(step.growth)} of memory, to "
                    f"{show_size(step.peak)}",
                    advice="set `memory_limit: 50MB` and `compress_context: true` in a preset "
                    "(`--preset memory-constrained`)",
                    saves_bytes=step.growth - GROWTH // 2,
                    estimated=True,
                )
            )


def leak_findings(leak: Leak) -> Iterator[Candidate]:
    """Memory that no run gives back."""
    if leak.leaks:
        much = int(leak.slope * _RUNS)
        yield Candidate(
            finding=Finding(
                topic="leak",
                where="memory",
                what=f"each run leaves {show_size(int(leak.slope))} behind "
                f"({show_size(int(leak.low))} to {show_size(int(leak.high))}, {len(leak.after)} "
                "runs in one process)",
                advice="look for what is kept of each run: `konseho profile --memory --lines "
                f"FUNCTION` shows line by line; {_RUNS} runs leave {show_size(much)}",
                saves_bytes=much,
                estimated=True,
            )
        )


def context_findings(outcome: RunOutcome) -> Iterator[Candidate]:
    """Steps whose prompts carry far more than those of the others."""
    by_step: dict[str, list[CallRecord]] = {}
    for call in outcome.calls:
        if call.source == "model" and call.status == "ok":
            by_step.setdefault(call.step, []).append(call)
    for step, calls in by_step.items():
        sizes = [call.usage.input_tokens for call in calls]
        if median(sizes) > _LARGE_PROMPT:
            yield _context(step, sizes)


def _context(step: str, sizes: list[int]) -> Candidate:
    spared = sum(max(0, size - _LARGE_PROMPT // 2) for size in sizes)
    return Candidate(
        finding=Finding(
            topic="context",
            where=step,
            what=f"{step} sends {show_count(int(median(sizes)))} tokens with each of "
            f"{len(sizes)} calls",
            advice=f"set `window: {{tokens: {show_count(_LARGE_PROMPT // 2)}}}` on {step}, or a "
            "`prompt` that names only the outputs it needs",
            saves_tokens=spared,
        )
    )
