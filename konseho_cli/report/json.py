"""An outcome as JSON, for programs. Fields are added, never renamed, while `konseho` stays 1."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from konseho_cli.engine.outcome import (
    CallRecord,
    Resumed,
    RunOutcome,
    StepOutcome,
    total_cost,
    total_usage,
)
from konseho_cli.engine.within import by_step, held_by, own_details
from konseho_cli.models.base import Usage
from konseho_cli.models.cache import CacheStats
from konseho_cli.profiling.time.critical_path import critical_path
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.text import encodable
from konseho_cli.telemetry.timings import Timing
from konseho_cli.version import __version__

FORMAT = 1
"""The version of all that `--json` writes."""


def dump(document: Any) -> str:
    """Indented JSON that any UTF-8 stream can hold."""
    return encodable(json.dumps(document, ensure_ascii=False, indent=2))


def outcome_json(outcome: RunOutcome, verdicts: Sequence[Verdict], exit_status: int) -> str:
    """The whole outcome."""
    return dump(outcome_document(outcome, verdicts, exit_status))


def outcome_document(
    outcome: RunOutcome, verdicts: Sequence[Verdict], exit_status: int
) -> dict[str, Any]:
    """The outcome as plain values. Times are seconds since the start of the run, costs dollars."""
    calls = by_step(outcome.calls)
    return {
        "konseho": FORMAT,
        "version": __version__,
        "run": outcome.run,
        "council": outcome.council,
        "status": outcome.status,
        "exit_status": exit_status,
        "simulated": outcome.simulated,
        "replayed": outcome.replayed,
        "resumed": None if outcome.resumed is None else _resumed(outcome.resumed),
        "answer": outcome.answer,
        "gate": outcome.gate,
        "error": outcome.error,
        "hint": outcome.hint,
        "reasons": list(outcome.reasons),
        "warnings": list(outcome.warnings),
        "models": list(outcome.models),
        "started": _date(outcome),
        "duration_s": _seconds(outcome.end - outcome.start),
        "creation_s": outcome.creation_s,
        "usage": _usage(outcome.usage),
        "cost": _dollars(outcome.cost),
        "cache": None if outcome.cache is None else _cache(outcome.cache),
        "results": None if outcome.results is None else _cache(outcome.results),
        "targets": [_verdict(verdict) for verdict in verdicts],
        "critical_path": _critical_path(outcome),
        "agents": _agents(outcome),
        "listeners": [msgspec.to_builtins(each) for each in outcome.listeners],
        "services": [msgspec.to_builtins(service) for service in outcome.services],
        "steps": [step_document(outcome, step, calls) for step in outcome.steps],
        "calls": [call_document(outcome, call) for call in outcome.calls],
        "timings": [_timing(timing) for timing in outcome.timings],
    }


def step_document(
    outcome: RunOutcome, step: StepOutcome, calls: Mapping[str, Sequence[CallRecord]]
) -> dict[str, Any]:
    """One step of it, without its calls, of which there are those `calls` by step."""
    return {
        **_step_figures(outcome, step, calls),
        "output": step.value,
        "parts": [{"label": part.label, "text": part.text} for part in step.parts],
        "details": own_details(step),
        "steps": [_inside(outcome, inner, calls) for inner in held_by(step)],
    }


def _inside(
    outcome: RunOutcome, step: StepOutcome, calls: Mapping[str, Sequence[CallRecord]]
) -> dict[str, Any]:
    """A step inside of another, whose output holds its own."""
    return {
        **_step_figures(outcome, step, calls),
        "details": own_details(step),
        "steps": [_inside(outcome, inner, calls) for inner in held_by(step)],
    }


def _step_figures(
    outcome: RunOutcome, step: StepOutcome, calls: Mapping[str, Sequence[CallRecord]]
) -> dict[str, Any]:
    own = calls.get(step.id, ())
    return {
        "id": step.id,
        "kind": step.kind,
        "status": step.status,
        "reasons": list(step.reasons),
        "start_s": _since(outcome, step.start),
        "end_s": _since(outcome, step.end),
        "calls": len(own),
        "usage": _usage(total_usage(own)),
        "cost": _dollars(total_cost(own)),
    }


def call_document(outcome: RunOutcome, call: CallRecord) -> dict[str, Any]:
    """One call of it."""
    return {
        "step": call.step,
        "agent": call.agent,
        "label": call.label,
        "model": call.model,
        "status": call.status,
        "error": call.error or None,
        "source": call.source,
        "start_s": _since(outcome, call.start),
        "end_s": _since(outcome, call.end),
        "usage": _usage(call.usage),
        "cost": _dollars(call.cost),
        "requests": call.requests,
        "retries": call.retries,
        "hedges": call.hedges,
        "wasted": _usage(call.wasted),
    }


def _agents(outcome: RunOutcome) -> dict[str, Any]:
    """What each agent took, by its id."""
    calls: dict[str, list[CallRecord]] = {}
    for call in outcome.calls:
        calls.setdefault(call.agent, []).append(call)
    return {
        agent: {
            "calls": len(own),
            "usage": _usage(total_usage(own)),
            "cost": _dollars(total_cost(own)),
        }
        for agent, own in calls.items()
    }


def _resumed(resumed: Resumed) -> dict[str, Any]:
    return {
        "steps": resumed.steps,
        "calls": resumed.calls,
        "tokens": resumed.tokens,
        "cost": _dollars(resumed.cost),
    }


def _cache(stats: CacheStats) -> dict[str, Any]:
    return {
        "hits": stats.hits,
        "memory_hits": stats.memory_hits,
        "shared": stats.shared,
        "misses": stats.misses,
        "writes": stats.writes,
        "saved_tokens": stats.saved_tokens,
        "saved_cost": _dollars(stats.saved_cost),
    }


def _critical_path(outcome: RunOutcome) -> dict[str, Any]:
    path = critical_path(outcome.spans)
    return {
        "headline": list(path.headline()),
        "segments": [
            {
                "kind": segment.kind,
                "step": segment.step,
                "agent": segment.agent,
                "label": segment.label,
                "start_s": _since(outcome, segment.start),
                "end_s": _since(outcome, segment.end),
            }
            for segment in path.segments
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "measured": verdict.value,
        "target": verdict.limit,
        "unit": verdict.unit,
        "met": None if verdict.elsewhere else verdict.met,
    }


def _timing(timing: Timing) -> dict[str, Any]:
    return {**msgspec.to_builtins(timing), "average_s": timing.average_s}


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "written_tokens": usage.written_tokens,
    }


def _dollars(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)


def _seconds(nanoseconds: int) -> float:
    return nanoseconds / 1e9


def _since(outcome: RunOutcome, at: int | None) -> float | None:
    return None if at is None else _seconds(at - outcome.start)


def _date(outcome: RunOutcome) -> str:
    wall = outcome.anchor.wall_s + _seconds(outcome.start - outcome.anchor.loop_ns)
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
