"""A profile as Markdown: verdict, critical path, findings, what-ifs, targets, queues, CPU, memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from konseho_cli.core.units import show_change, show_duration, show_percent, show_size
from konseho_cli.profiling.cpu_profile import CpuProfile
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.ranking import saving
from konseho_cli.profiling.memory_profile import MemoryProfile
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.profiling.time.analysis import Resource, Share
from konseho_cli.profiling.time.step_rows import step_rows
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.markdown import held, inline, path_markdown, status_markdown, table
from konseho_cli.report.text import encodable, plural

MOST_ROWS = 20
"""Of a table; the JSON has all."""


def profile_markdown(profiled: Profiled) -> str:
    """All of it; parts that were not measured are left out. Ends with a newline."""
    blocks = [
        f"# Profile of {inline(profiled.outcome.council)}",
        status_markdown(profiled.outcome),
        *path_markdown(profiled.outcome),
        _how(profiled),
        *_path(profiled),
        *_findings(profiled.findings),
        *_predictions(profiled.predictions, profiled.outcome.run),
        *_targets(profiled.verdicts),
        *_queues(profiled.analysis.resources),
        *_steps(profiled),
        *(block for each in profiled.recordings if each.cpu for block in _cpu(each.cpu)),
        *(block for each in profiled.recordings if each.memory for block in _memory(each.memory)),
        *_leak(profiled),
    ]
    return encodable("\n\n".join(blocks) + "\n")


def _how(profiled: Profiled) -> str:
    """Which run was looked at, where, with what, and at what cost."""
    first = profiled.recordings[0]
    source = f", replayed from run `{first.replayed}`" if first.replayed else ""
    machine, where = first.machine, ""
    if machine.cpus:  # a run that is kept does not say where it ran
        python = f"Python {inline(machine.python)} on {inline(machine.platform)}"
        where = f", {python}, {plural(machine.cpus, 'CPU')}"
    lines = [f"- run `{first.run.row.began.run}`{source}; Konseho {inline(first.version)}{where}"]
    lines += [
        f"- {cost.profiler}: CPU {cost.cpu:.2f} ×, wall {cost.wall:.2f} × of a run without it "
        f"({cost.pairs} pairs)"
        for cost in profiled.costs
    ]
    overhead = show_duration(profiled.analysis.call_overhead / 1e9)
    return "\n".join((*lines, f"- Konseho's own time: {overhead} a call"))


def _path(profiled: Profiled) -> Iterator[str]:
    analysis = profiled.analysis
    if not analysis.makespan:
        return
    yield f"## Critical path: {show_duration(analysis.makespan / 1e9)}"
    parts = (("kind", analysis.by_kind), ("step", analysis.by_step), ("agent", analysis.by_agent))
    for name, shares in parts:
        rows = [_share(share) for share in shares[:MOST_ROWS]]
        if rows:
            yield table((name, "time>", "share>", "most of it"), rows)


def _share(share: Share) -> Sequence[str]:
    return (
        inline(share.name) or "none",
        show_duration(share.duration / 1e9),
        show_percent(share.share),
        inline(" · ".join(share.most)),
    )


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        yield "## Findings"
        yield "\n".join(f"{at}. {_finding(each)}" for at, each in enumerate(findings, 1))


def _finding(finding: Finding) -> str:
    worth = saving(finding)
    return f"**{inline(finding.what)}.** {inline(finding.advice)}{f' ({worth})' if worth else ''}"


def _predictions(predictions: Sequence[Prediction], run: str) -> Iterator[str]:
    if not predictions:
        return
    yield "## What if"
    rows = [
        (
            inline(each.change),
            f"{'≈ ' if each.approximate else ''}{show_duration(each.after_s)}",
            show_change(-each.saved_s / each.before_s) if each.before_s else "",
            f"`konseho whatif {run} {inline(' '.join(each.options))}`",
        )
        for each in predictions
    ]
    yield table(("change", "time then>", "change>", "command"), rows)


def _targets(verdicts: Sequence[Verdict]) -> Iterator[str]:
    if verdicts:
        yield "## Targets"
        rows = [
            (inline(each.name), each.measured, f"{each.bound} {each.target}", held(each))
            for each in verdicts
        ]
        yield table(("target", "measured>", "stated>", "verdict"), rows)


def _queues(resources: Sequence[Resource]) -> Iterator[str]:
    waited = [resource for resource in resources if resource.waited]
    if not waited:
        return
    yield "## Queues"
    rows = [
        (
            inline(each.name),
            "" if each.capacity is None else f"{each.capacity:,}",
            f"{each.waited:,} of {each.arrivals:,}",
            show_duration(each.queued / 1e9),
            show_duration(each.queued_on_path / 1e9),
            show_duration(each.service / 1e9),
            "" if each.suggested is None else f"{each.suggested:,}",
        )
        for each in waited[:MOST_ROWS]
    ]
    heads = (
        "resource", "capacity>", "had to wait>", "queued>", "on the path>", "held for>",
        "nobody waits at>",
    )  # fmt: skip
    yield table(heads, rows)


_INDENT = "&emsp;"


def _steps(profiled: Profiled) -> Iterator[str]:
    steps = profiled.analysis.steps
    if not steps:
        return
    yield "## Steps"
    rows = [
        (
            _INDENT * row.depth + inline(row.text),
            inline(row.time.kind),
            show_duration(row.time.duration / 1e9),
            show_duration(row.time.working / 1e9),
            show_duration(row.time.overhead / 1e9),
            show_duration(row.time.on_path / 1e9),
        )
        for row in step_rows(steps)[:MOST_ROWS]
    ]
    yield table(("step", "kind", "time>", "models work>", "konseho>", "on the path>"), rows)


def _cpu(cpu: CpuProfile) -> Iterator[str]:
    yield f"## CPU: {show_duration(cpu.total_s - cpu.waiting_s)} computed"
    rows = [
        (
            inline(each.name),
            show_duration(each.own_s),
            show_percent(each.share),
            f"{each.calls:,}",
        )
        for each in cpu.groups[:MOST_ROWS]
    ]
    if rows:
        yield table(("part", "own time>", "share>", "calls>"), rows)
    if cpu.notes:
        yield "\n".join(f"- {inline(note)}" for note in cpu.notes)


def _memory(memory: MemoryProfile) -> Iterator[str]:
    each = show_size(round(memory.per_agent))
    yield (
        f"## Memory: {show_size(memory.peak)} at most\n\n"
        f"{show_size(memory.growth)} more than before the run, {each} an agent."
    )
    rows = [
        (inline(step.step), show_size(step.peak), _signed(step.growth))
        for step in memory.steps[:MOST_ROWS]
    ]
    if rows:
        yield table(("step", "peak>", "growth>"), rows)


def _signed(size: int) -> str:
    return f"−{show_size(-size)}" if size < 0 else show_size(size)


def _leak(profiled: Profiled) -> Iterator[str]:
    leak = profiled.leak
    if leak is not None:
        word = "It leaks" if leak.leaks else "No leak is certain"
        low, high = _signed(round(leak.low)), _signed(round(leak.high))
        runs = len(leak.after)
        slope = _signed(round(leak.slope))
        yield f"## Memory from run to run\n\n{word}: {slope} a run ({low} to {high}, {runs} runs)."
