"""A profile as JSON, for programs: all of it, in seconds since the start of the run and dollars.

Fields are added, never renamed, while `konseho_profile` stays 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from konseho_cli.profiling.analysis import Analysis
from konseho_cli.profiling.memory_profile import Leak, MemoryProfile
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.profiling.recording import Recording
from konseho_cli.report.exit_status import exit_status
from konseho_cli.report.json import dump, outcome_document
from konseho_cli.report.when import iso

FORMAT = 1
_IN_NANOSECONDS = frozenset({
    "makespan", "duration", "slack", "drag", "queued", "queued_on_path", "service", "mean_wait",
    "last", "cost", "quorum_cost", "saved", "working", "overhead", "on_path", "p50", "p99",
    "worst", "call_overhead",
})  # fmt: skip
"""Fields of an analysis that are times; here they end with `_s`."""


def profile_json(profiled: Profiled) -> str:
    """The outcome as `konseho run --json` has it, and what was found out about it."""
    return dump(profile_document(profiled))


def profile_document(profiled: Profiled) -> dict[str, Any]:
    """The same as plain values."""
    status = exit_status(profiled.outcome, profiled.verdicts, strict=False)
    return {
        "konseho_profile": FORMAT,
        **outcome_document(profiled.outcome, profiled.verdicts, status),
        "folder": None if profiled.folder is None else str(profiled.folder),
        "analysis": _analysis(profiled.analysis),
        "findings": [msgspec.to_builtins(finding) for finding in profiled.findings],
        "predictions": [_prediction(prediction) for prediction in profiled.predictions],
        "profilers": [msgspec.to_builtins(cost) for cost in profiled.costs],
        "leak": None if profiled.leak is None else _leak(profiled.leak),
        "recordings": [_recording(recording) for recording in profiled.recordings],
    }


def _analysis(analysis: Analysis) -> dict[str, Any]:
    """Without the path, which is the outcome's `critical_path`."""
    written = {
        name: getattr(analysis, name) for name in analysis.__struct_fields__ if name != "path"
    }
    return dict(_seconds_of(msgspec.to_builtins(written)))


def _in_seconds(document: Any) -> Any:
    if isinstance(document, list | tuple):
        return [_in_seconds(each) for each in document]
    return dict(_seconds_of(document)) if isinstance(document, dict) else document


def _seconds_of(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if name in _IN_NANOSECONDS:
            yield f"{name}_s", value / 1e9
        elif name == "waiting":  # by kind, nothing else
            yield "waiting_s", {kind: waited / 1e9 for kind, waited in value.items()}
        else:
            yield name, _in_seconds(value)


def _prediction(prediction: Prediction) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(prediction),
        "cost": None if prediction.cost is None else float(prediction.cost),
        "saved_s": prediction.saved_s,
        "approximate": prediction.approximate,
    }


def _leak(leak: Leak) -> dict[str, Any]:
    return {**msgspec.to_builtins(leak), "leaks": leak.leaks}


def _recording(recording: Recording) -> dict[str, Any]:
    """What a profiler saw; the run and its spans are not said again."""
    cpu, samples = recording.cpu, recording.samples
    return {
        "profiler": recording.profiler,
        "version": recording.version,
        "made": iso(recording.made),
        "machine": msgspec.to_builtins(recording.machine),
        "run": recording.run.row.began.run,
        "replayed": recording.replayed,
        "cpu_s": recording.cpu_s,
        "cpu": None if cpu is None else msgspec.to_builtins(cpu),
        "memory": None if recording.memory is None else _memory(recording.memory),
        "samples": None if samples is None else msgspec.to_builtins(samples),
    }


def _memory(memory: MemoryProfile) -> dict[str, Any]:
    points = [{"at_s": point.at / 1e9, "resident": point.resident} for point in memory.points]
    return {
        **msgspec.to_builtins(memory),
        "points": points,
        "growth": memory.growth,
        "per_agent": memory.per_agent,
    }
