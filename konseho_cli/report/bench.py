"""What `konseho bench` measured: as text, Markdown, JUnit XML and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import msgspec

from konseho_cli.bench.baseline import FORMAT, Baseline, machine
from konseho_cli.bench.results import Against, Result, Unit
from konseho_cli.bench.statistics import Summary
from konseho_cli.core.units import show_count, show_money, show_size
from konseho_cli.report.json import dump
from konseho_cli.report.markdown import inline
from konseho_cli.report.text import cells, one_line
from konseho_cli.report.when import local
from konseho_cli.version import __version__

_BESIDE = 100
"""Columns of a line that has a figure and its description, above which these are two."""
MARKS = {"met": "✔", "missed": "✘", "inconclusive": "≈", None: " "}
_OUTCOMES = {"passed": "✔", "regression": "✘", "inconclusive": "≈"}


class Benched(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured at one time."""

    subject: str
    """The council's name, or `konseho`."""
    council: str
    """Its hash; empty for the stated targets."""
    made: float
    against: str
    """What it was compared with; empty: with nothing."""
    results: tuple[Result, ...]
    status: int
    remarks: tuple[str, ...] = ()


def lines(result: Result) -> list[str]:
    """What it took, what it is held to, and how it compares with before."""
    spread = "" if result.exact or result.ours is None else f" ±{result.ours.spread:3.0%}"
    times = ""
    if result.ratio is not None and result.peer is not None:
        bare = amount(result.unit, result.peer.median)
        times = f"{result.ratio.median:5.2f} × {bare}, {result.peer_name}"
    took = f"{_median(result):>9}{spread:<6}{'   ' if times else ''}{times}".rstrip()
    told = "; ".join((one_line(result.title), *filter(None, (_held(result),))))
    figure = f"{result.name:<17}{took}"
    beside = f"{figure}   {told}"
    is_short = not times and cells(beside) <= _BESIDE
    found = [beside] if is_short else [figure, f"{'':<17}{told}"]
    if result.against is not None:
        found.append(f"{'':<17}{against_text(result.unit, result.against)}")
    return found


def against_text(unit: Unit, against: Against) -> str:
    """`✘ slower: 1.12 × 4.1 ms, 95 % sure of 1.09 to 1.15, 34 pairs`."""
    if against.verdict == "not compared":
        return f"{MARKS['inconclusive']} not compared: {one_line(against.note)}"
    mark = _OUTCOMES[against.outcome]
    if against.verdict == "new":
        return f"{mark} new: there is nothing to compare it with"
    if against.verdict == "equal":
        return f"{mark} equal: {amount(unit, against.before)} before"
    what = f"{mark} {'weak, ' if against.weak else ''}{against.verdict}"
    if against.outcome == "passed" and against.verdict == "inconclusive" and against.ratio:
        what = f"{mark} {'weak, ' if against.weak else ''}no difference seen"
    figures = [] if against.ratio is None else [
        f"{against.ratio:.3f} × {amount(unit, against.before)}"
    ]  # fmt: skip
    if against.low is not None and against.high is not None:
        figures += [f"{against.low:.3f} to {against.high:.3f}", f"{against.pairs} pairs"]
    text = f"{what}: {', '.join(figures)}" if figures else what
    return f"{text} ({one_line(against.note)})" if against.note else text


def footer(benched: Benched) -> str:
    """The last line: what it comes to."""
    results = benched.results
    counts = [
        (met := sum(each.stated == "met" for each in results), f"target{'s' * (met != 1)} met"),
        (sum(each.stated == "missed" for each in results), "missed"),
        (sum(_outcome(each) == "regression" for each in results), "slower than before"),
        (
            sum(_outcome(each) == "passed" and each.is_compared for each in results),
            "no slower than before",
        ),
        (sum(each.is_unclear for each in results), "inconclusive"),
        (sum(_is_left(each) for each in results), "not compared"),
    ]
    found = [f"{count} {what}" for count, what in counts if count]
    if benched.against and not any(each.is_compared for each in results):
        found.append("nothing was compared")
    said = " · ".join(found)
    mark = {0: "✔", 4: "≈"}.get(benched.status, "✘")
    return f"{mark} {one_line(benched.subject)} · {said or 'nothing is held to a target'}"


def bench_text(benched: Benched) -> str:
    """All lines, the footer last."""
    body = [line for result in benched.results for line in lines(result)]
    return "\n".join([*body, tail(benched)])


def tail(benched: Benched) -> str:
    """What follows the figures: remarks, and the footer."""
    return "\n".join([*map(one_line, benched.remarks), footer(benched)])


def bench_markdown(benched: Benched) -> str:
    """A table, as for a pull request."""
    title = f"## bench: {inline(benched.subject)}"
    title += f" against {inline(benched.against)}" if benched.against else ""
    rows = [
        f"| {result.name} | {_median(result)} | {_spread(result)} | {_held(result)} "
        f"| {inline(_compared(result))} |"
        for result in benched.results
    ]
    table = ["| | median | spread | held to | before |", "|---|---:|---:|---|---|", *rows]
    remarks = [f"- {inline(remark)}" for remark in benched.remarks]
    return "\n".join([title, "", *table, "", *remarks, inline(footer(benched))])


def bench_junit(benched: Benched) -> str:
    """One test case a figure: a failure where it is refused, skipped where noise decides."""
    from konseho_cli.report.exports import junit  # it loads what a profile is made of

    name, cases = f"bench.{benched.subject}", []
    for result in benched.results:
        took = result.ours.median if result.unit == "s" and result.ours else 0
        case = junit.case(name, result.name, took)
        said = "\n".join(lines(result))
        if result.is_refused:
            junit.remark(case, "failure", "bench", _why(result), said)
        elif result.is_unclear:
            junit.skip(case, _why(result))
        if not result.is_refused:
            junit.say(case, said)
        cases.append(case)
    return junit.document([junit.suite(name, cases, made=benched.made)], took=0)


def bench_json(benched: Benched) -> str:
    """Versioned; seconds, bytes, dollars, counts, and shares of 1."""
    return dump({
        "version": FORMAT,
        "konseho": __version__,
        "subject": benched.subject,
        "council": benched.council,
        "made": benched.made,
        "machine": machine(),
        "against": benched.against or None,
        "rows": [_row(result) for result in benched.results],
        "remarks": list(benched.remarks),
        "exit_status": benched.status,
    })  # fmt: skip


def history_text(found: Sequence[tuple[str, Baseline]]) -> str:
    """A line a baseline and figure, with the change since the one before."""
    names = list(dict.fromkeys(each.name for _, kept in found for each in kept.figures))
    width = max(len(one_line(name)) for name, _ in found)
    told: list[str] = []
    for name in names:
        told.append(one_line(name))
        earlier: float | None = None
        for label, kept in found:
            figure = next((each for each in kept.figures if each.name == name), None)
            if figure is None or figure.median is None:
                continue
            change = f"{figure.median / earlier - 1:+7.1%}" if earlier else ""
            told.append(
                f"  {local(kept.made)}  {one_line(label):<{width}}  "
                f"{amount(figure.unit, figure.median):>9}  {change:>7}  {one_line(kept.version)}".rstrip()
            )
            earlier = figure.median
    return "\n".join(told)


def history_json(found: Sequence[tuple[str, Baseline]]) -> str:
    """The same for programs, samples included."""
    kept = [{"name": name, **msgspec.to_builtins(each)} for name, each in found]
    return dump({"version": FORMAT, "baselines": kept})


def amount(unit: Unit, number: float) -> str:
    """A figure with its unit."""
    if unit == "B":
        return show_size(round(number))
    if unit == "$":
        return show_money(Decimal(str(number)))
    if unit in ("calls", "tokens"):
        return show_count(round(number))
    return f"{number * 100:.3g} %" if unit == "%" else _seconds(number)


def _seconds(seconds: float) -> str:
    """Three figures, since here a tenth of a microsecond counts."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns" if seconds else "0 s"


def _median(result: Result) -> str:
    return "unknown" if result.ours is None else amount(result.unit, result.ours.median)


def _spread(result: Result) -> str:
    return "" if result.exact or result.ours is None else f"±{result.ours.spread:.0%}"


def _held(result: Result) -> str:
    target = result.target
    sign = "≤" if result.exact else "<"
    stated = _limits(result.unit, target.stated, target.stated_ratio, sign)
    aim = _limits(result.unit, target.aim, target.aim_ratio, sign)
    return ", ".join(
        f"{word} {limits} {MARKS[verdict]}"
        for word, limits, verdict in (("target", stated, result.stated), ("aim", aim, result.aim))
        if limits
    )


def _limits(unit: Unit, limit: float | None, times: float | None, sign: str) -> str:
    found = [f"{sign} {amount(unit, limit)}"] if limit is not None else []
    found += [f"< {times:g} ×"] if times is not None else []
    return " and ".join(found)


def _compared(result: Result) -> str:
    return "" if result.against is None else against_text(result.unit, result.against)


def _is_left(result: Result) -> bool:
    return result.against is not None and not result.is_compared


def _outcome(result: Result) -> str | None:
    return None if result.against is None else result.against.outcome


def _why(result: Result) -> str:
    found = [_held(result)] if result.stated in ("missed", "inconclusive") else []
    if _outcome(result) in ("regression", "inconclusive"):
        found.append(_compared(result))
    return "; ".join(found)


def _row(result: Result) -> dict[str, Any]:
    target = result.target
    return {
        "name": result.name,
        "title": result.title,
        "unit": result.unit,
        "exact": result.exact,
        "ours": _summary(result.ours),
        "samples": list(result.samples),
        "peer": result.peer_name or None,
        "bare": _summary(result.peer),
        "ratio": _summary(result.ratio),
        "stated": target.stated,
        "stated_ratio": target.stated_ratio,
        "aim": target.aim,
        "aim_ratio": target.aim_ratio,
        "verdict": result.stated,
        "aim_verdict": result.aim,
        "against": None if result.against is None else asdict(result.against),
    }


def _summary(summary: Summary | None) -> dict[str, float] | None:
    if summary is None:
        return None
    return {"median": summary.median, "low": summary.low, "high": summary.high}
