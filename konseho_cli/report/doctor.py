"""What `konseho doctor` found, as aligned lines and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

import msgspec

from konseho_cli.report.frame import Line, Piece, Style
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import one_line, plural
from konseho_cli.version import __version__

State = Literal["ok", "absent", "warning", "error"]
"""`absent`: not there, and nothing needs it; `warning`: Konseho works, but not all of it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    group: str
    name: str
    state: State = "ok"
    said: str
    mend: str | None = None
    """What to do about it; None where there is nothing to do."""


def is_broken(findings: Sequence[Finding]) -> bool:
    """Whether something is that Konseho needs."""
    return any(finding.state == "error" for finding in findings)


def findings_lines(findings: Sequence[Finding], symbols: Symbols, width: int) -> tuple[Line, ...]:
    """A group a paragraph; below what is not well, the way to mend it; the sum last."""
    shown = list(_folded(findings))
    names = max(len(finding.name) for finding in shown)
    lines: list[Line] = []
    for group, members in groupby(shown, key=lambda finding: finding.group):
        lines.append((Piece(group, "strong"),))
        for member in members:
            lines += _member(member, names, symbols, max(width, names + 40))
        lines.append(())
    return (*lines, _sum(findings, symbols))


def _folded(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Packages that are well are one line: nobody reads thirteen."""
    fine = [each for each in findings if each.group == "Packages" and each.state == "ok"]
    for finding in findings:
        if finding not in fine:
            yield finding
        elif finding is fine[0]:
            said = ", ".join(f"{each.name} {each.said.partition(',')[0]}" for each in fine)
            yield Finding(group="Packages", name="there", said=said)


def _member(finding: Finding, names: int, symbols: Symbols, width: int) -> Iterator[Line]:
    signs = {
        "ok": symbols.check, "absent": symbols.skipped, "warning": symbols.degraded,
        "error": symbols.failed,
    }  # fmt: skip
    style: Style = "accent" if finding.state in ("warning", "error") else "plain"
    begin = f"  {signs[finding.state]} {finding.name:<{names}}  "
    room = width - len(begin)
    said = textwrap.wrap(one_line(finding.said), room, break_long_words=False) or [""]
    yield (Piece(begin + said[0], style),)
    for more in said[1:]:
        yield (Piece(" " * len(begin) + more, style),)
    mend = textwrap.wrap(
        one_line(finding.mend or ""), room - 3, break_long_words=False, break_on_hyphens=False
    )
    for number, line in enumerate(mend):
        lead = f"{symbols.arrow:<3}" if not number else "   "
        yield (Piece(" " * len(begin) + lead + line),)


def _sum(findings: Sequence[Finding], symbols: Symbols) -> Line:
    broken = sum(finding.state == "error" for finding in findings)
    warned = sum(finding.state == "warning" for finding in findings)
    warnings = plural(warned, "warning")
    if broken:
        what = f"{plural(broken, 'thing')} that Konseho needs {'is' if broken == 1 else 'are'}"
        more = f", {warnings}" if warned else ""
        return (Piece(f"{symbols.failed} {what} broken{more}", "accent"),)
    if warned:
        return (Piece(f"{symbols.check} Konseho works; {warnings}", "strong"),)
    return (Piece(f"{symbols.check} all is well", "strong"),)


def findings_json(findings: Sequence[Finding]) -> str:
    """The same for programs, each package by itself."""
    return dump(
        {
            "konseho": FORMAT,
            "version": __version__,
            "ok": not is_broken(findings),
            "findings": [msgspec.to_builtins(finding) for finding in findings],
        }
    )
