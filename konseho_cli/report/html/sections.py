"""The words and tables of a page: plain values, as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from konseho_cli.core.units import show_count, show_duration, show_money, show_size
from konseho_cli.profiling.cpu_profile import CpuProfile
from konseho_cli.profiling.findings.ranking import saving
from konseho_cli.profiling.memory_profile import MemoryProfile
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.profiling.time.analysis import Analysis, Share
from konseho_cli.profiling.time.step_rows import step_rows
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.when import local

MOST_ROWS = 200
"""Of a table; the page says what it leaves out."""
SIGNS = {"ok": "✔", "degraded": "▲", "failed": "✘", "limit": "■", "interrupted": "■"}
NAMES = {
    "spans": "Konseho's own spans", "cpu": "cProfile", "memory": "memory_profiler",
    "sample": "py-spy",
}  # fmt: skip


def sections(profiled: Profiled) -> dict[str, Any]:
    """Every section by name; empty or None where there is nothing to say."""
    analysis, cpu, memory = profiled.analysis, profiled.of("cpu"), profiled.of("memory")
    return {
        "head": _head(profiled),
        "findings": _findings(profiled),
        "path": _path(analysis),
        "groupings": _groupings(analysis),
        "steps": _steps(analysis),
        "whatifs": [_whatif(each) for each in profiled.predictions],
        "queues": _queues(analysis),
        "stragglers": _stragglers(analysis),
        "memory": _memory(memory.memory) if memory and memory.memory else None,
        "leak": _leak(profiled),
        "cpu": _cpu(cpu.cpu) if cpu and cpu.cpu else None,
        "flames_from": _flames_from(profiled),
        "targets": _targets(profiled),
        "about": _about(profiled),
        "costs": _costs(profiled),
    }


def _ns(nanoseconds: float) -> str:
    return show_duration(max(0.0, nanoseconds) / 1e9)


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1
) -> dict[str, Any] | None:
    """A table whose first `words` columns are words, and the rest figures."""
    if not rows:
        return None
    return {
        "heads": [{"name": name, "figure": place >= words} for place, name in enumerate(heads)],
        "rows": [
            [{"text": text, "figure": place >= words} for place, text in enumerate(row)]
            for row in rows[:MOST_ROWS]
        ],
        "left_out": max(0, len(rows) - MOST_ROWS),
    }


def _head(profiled: Profiled) -> dict[str, Any]:
    outcome, analysis = profiled.outcome, profiled.analysis
    took = outcome.whole
    first = profiled.recordings[0]
    measured = [verdict for verdict in profiled.verdicts if not verdict.elsewhere]
    met = sum(verdict.met for verdict in measured)
    return {
        "council": outcome.council,
        "status": "limit reached" if outcome.status == "limit" else outcome.status,
        "good": outcome.status == "ok",
        "sign": SIGNS[outcome.status],
        "error": outcome.error or "",
        "reasons": list(outcome.reasons[:MOST_ROWS]),
        "run": outcome.run,
        "when": local(first.run.row.began.started),
        "models": list(outcome.models[:6]),
        "simulated": outcome.simulated,
        "replayed": first.replayed or "",
        "figures": [
            {"name": "time", "value": show_duration(outcome.duration_s)},
            {"name": "cost", "value": _money(took.cost)},
            {"name": "calls", "value": f"{took.calls:,}"},
            {"name": "tokens", "value": show_count(took.tokens)},
            *([{"name": "overhead a call", "value": _ns(analysis.call_overhead)}]
              if analysis.call_overhead else []),
            *([] if analysis.efficiency is None
              else [{"name": "parallel efficiency", "value": f"{analysis.efficiency * 100:.0f} %"}]),
            *([] if not measured
              else [{"name": "targets met", "value": f"{met} of {len(measured)}",
                     "bad": any(verdict.refuses for verdict in measured)}]),
        ],
        "stops": _stops(analysis),
    }  # fmt: skip


def _stops(analysis: Analysis) -> list[str]:
    stops = analysis.path.headline()
    return list(stops if len(stops) <= 8 else (*stops[:4], f"{len(stops) - 7} more", *stops[-3:]))


def _money(cost: Decimal | None) -> str:
    return "unknown" if cost is None else show_money(cost)


def _findings(profiled: Profiled) -> list[dict[str, Any]]:
    return [
        {
            "what": each.what, "advice": each.advice, "topic": each.topic,
            "saves": saving(each),
        }
        for each in profiled.findings[:MOST_ROWS]
    ]  # fmt: skip


def _path(analysis: Analysis) -> dict[str, Any] | None:
    """Its stretches in order; of very many, the longest."""
    parts = [part for part in analysis.path.segments if part.duration]
    kept = sorted(parts, key=lambda part: -part.duration)[:MOST_ROWS]
    start = parts[0].start if parts else 0
    rows = [
        (part.step, part.agent, part.label, part.kind, _ns(part.start - start), _ns(part.duration))
        for part in sorted(kept, key=lambda part: part.start)
    ]
    heads = ("step", "agent", "of", "kind", "begins at", "takes")
    table = _table(heads, rows, words=4)
    return table and table | {"left_out": len(parts) - len(kept)}


def _groupings(analysis: Analysis) -> list[dict[str, Any]]:
    """The path by kind, step, agent and model; a grouping of one says nothing."""
    groups = (
        ("kind", analysis.by_kind), ("step", analysis.by_step), ("agent", analysis.by_agent),
        ("model", analysis.by_model),
    )  # fmt: skip
    found = (
        (name, _shares(name, shares))
        for name, shares in groups
        if len(shares) > 1 or name == "kind"
    )
    return [{"name": name, "table": table} for name, table in found if table]


def _shares(name: str, shares: Sequence[Share]) -> dict[str, Any] | None:
    rows = [
        (
            each.name or "none",
            ", ".join(each.most[:3]),
            _ns(each.duration),
            f"{each.share * 100:.1f} %",
        )
        for each in shares
    ]
    return _table((name, "most of it", "time", "share"), rows, words=2)


_INDENT = "\u2003"
"""A space that HTML does not swallow."""


def _steps(analysis: Analysis) -> dict[str, Any] | None:
    rows = [
        (
            f"{_INDENT * row.depth}{row.text}", row.time.kind, _ns(row.time.duration),
            _ns(row.time.working), _ns(max(row.time.waiting.values(), default=0)),
            _ns(row.time.overhead), _ns(row.time.on_path),
        )
        for row in step_rows(analysis.steps)
    ]  # fmt: skip
    heads = ("step", "kind", "takes", "model at work", "waits", "Konseho's own", "on the path")
    return _table(heads, rows, words=2)


def _whatif(each: Prediction) -> dict[str, Any]:
    change = each.after_s / each.before_s - 1 if each.before_s else 0.0
    about = "≈ " if each.approximate else ""
    return {
        "change": each.change,
        "options": " ".join(each.options),
        "after": f"{about}{show_duration(each.after_s)}",
        "saved": f"{change * 100:+.0f} %".replace("-", "−"),
        "cost": _money(each.cost),
        "guessed": f"{each.guessed:,} of {each.calls:,}" if each.guessed else "",
        "limit": each.limit_reached,
    }


def _queues(analysis: Analysis) -> dict[str, Any] | None:
    rows = [
        (
            each.name, _count(each.capacity), f"{each.arrivals:,}", f"{each.waited:,}",
            _ns(each.mean_wait), _ns(each.service), f"{each.in_use:.2f}", f"{each.in_queue:.2f}",
            _ns(each.queued_on_path), "" if each.suggested is None else f"{each.suggested:,}",
        )
        for each in analysis.resources
    ]  # fmt: skip
    heads = (
        "resource", "capacity", "arrivals", "waited", "mean wait", "mean service", "in use",
        "in queue", "on the path", "nobody waits at",
    )  # fmt: skip
    return _table(heads, rows)


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _stragglers(analysis: Analysis) -> dict[str, Any] | None:
    rows = [
        (each.step, each.label, each.agent, f"{each.answers:,}", _ns(each.last), _ns(each.cost),
         _ns(each.quorum_cost))
        for each in analysis.stragglers
        if each.cost
    ]  # fmt: skip
    heads = (
        "step",
        "round",
        "last",
        "answers",
        "after",
        "behind the one before",
        "behind a majority",
    )
    return _table(heads, rows, words=3)


def _memory(memory: MemoryProfile) -> dict[str, Any]:
    rows = [(each.step, show_size(each.peak), _signed(each.growth)) for each in memory.steps]
    return {
        "peak": show_size(memory.peak),
        "growth": show_size(memory.growth),
        "agent": show_size(round(memory.per_agent)),
        "before": show_size(memory.before),
        "table": _table(("step", "peak", "growth"), rows),
    }


def _signed(size: int) -> str:
    return f"−{show_size(-size)}" if size < 0 else show_size(size)


def _leak(profiled: Profiled) -> dict[str, Any] | None:
    leak = profiled.leak
    if leak is None:
        return None
    return {
        "leaks": leak.leaks,
        "runs": len(leak.after),
        "slope": _signed(round(leak.slope)),
        "low": _signed(round(leak.low)),
        "high": _signed(round(leak.high)),
    }


def _cpu(cpu: CpuProfile) -> dict[str, Any]:
    rows = [
        (each.name, f"{each.file}:{each.line}" if each.line else each.file, each.group,
         f"{each.calls:,}", show_duration(each.own_s), show_duration(each.total_s))
        for each in cpu.functions
    ]  # fmt: skip
    groups = [
        (each.name, f"{each.calls:,}", show_duration(each.own_s), f"{each.share * 100:.1f} %")
        for each in cpu.groups
    ]
    heads = ("function", "where", "part", "calls", "own", "with what it called")
    return {
        "computed": show_duration(max(0.0, cpu.total_s - cpu.waiting_s)),
        "waiting": show_duration(cpu.waiting_s),
        "threads": cpu.threads,
        "notes": list(cpu.notes),
        "groups": _table(("part", "calls", "own time", "share"), groups),
        "functions": _table(heads, rows, words=3),
    }


def _flames_from(profiled: Profiled) -> str:
    sampled = profiled.of("sample")
    if sampled is not None and sampled.samples is not None and sampled.samples.total:
        return (
            f"{sampled.samples.total:,} stacks that py-spy saw, {sampled.samples.rate:,} a second"
        )
    return (
        "cProfile's functions by their own time; it keeps no stacks, so they stand under their part"
    )


def _targets(profiled: Profiled) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name.replace("_", " "), "measured": each.measured, "bad": each.missed,
            "target": f"{'at least ' if each.least else ''}{each.target}", **_verdict(each),
        }
        for each in profiled.verdicts
    ]  # fmt: skip


def _verdict(each: Verdict) -> dict[str, str]:
    if each.elsewhere:
        return {"sign": "", "word": each.elsewhere}
    if each.met:
        return {"sign": "✔", "word": "met"}
    return {"sign": "✘", "word": "unknown" if each.value is None else "missed"}


def _about(profiled: Profiled) -> list[tuple[str, str]]:
    first, outcome = profiled.recordings[0], profiled.outcome
    machine = first.machine
    facts = [
        ("run", outcome.run),
        ("council", first.run.row.began.file or outcome.council),
        ("task", first.run.row.began.task),
        ("began", local(first.run.row.began.started)),
        ("models", ", ".join(outcome.models)),
        ("replayed from", first.replayed or ""),
        ("Konseho", first.version),
        ("Python", machine.python),
        ("machine", f"{machine.platform}, {machine.cpus} CPUs" if machine.cpus else ""),
        ("CPU time", show_duration(first.cpu_s) if first.cpu_s else ""),
        ("profilers", ", ".join(NAMES[each.profiler] for each in profiled.recordings)),
        ("recordings", str(profiled.folder or "")),
    ]
    return [(name, value) for name, value in facts if value]


def _costs(profiled: Profiled) -> dict[str, Any] | None:
    rows = [
        (NAMES[each.profiler], f"{each.cpu:.2f} ×", f"{each.wall:.2f} ×", f"{each.pairs:,}")
        for each in profiled.costs
    ]
    return _table(("profiler", "CPU time", "wall time of a replay", "pairs"), rows)
