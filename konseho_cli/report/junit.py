"""A run as JUnit XML: a test case for the run, its gate and each target, for CI to count and show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.summary import reasons
from konseho_cli.report.text import encodable

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BROKEN = ("failed", "interrupted")
"""How a run ends that is an error, not a failure: nothing was measured to its end."""


def junit_xml(profiled: Profiled) -> str:
    """The run and its verdicts; ends with a newline."""
    return outcome_junit(profiled.outcome, profiled.verdicts)


def outcome_junit(outcome: RunOutcome, verdicts: Sequence[Verdict]) -> str:
    """The same of a run that was not profiled."""
    root = Element("testsuites", name="konseho")
    suites = [_suite(root, outcome, "run", list(_run_cases(outcome)))]
    if verdicts:
        cases = [_target_case(outcome, verdict) for verdict in verdicts]
        suites.append(_suite(root, outcome, "targets", cases))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.set("time", _seconds(outcome.duration_s))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(root: Element, outcome: RunOutcome, name: str, cases: Sequence[Element]) -> Element:
    suite = SubElement(
        root,
        "testsuite",
        name=_text(f"{outcome.council} {name}"),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=_seconds(outcome.duration_s if name == "run" else 0),
        timestamp=_date(outcome),
    )
    suite.extend(cases)
    return suite


def _run_cases(outcome: RunOutcome) -> Iterator[Element]:
    case = _case(outcome, "run", outcome.duration_s)
    if outcome.error is not None:
        how = "error" if outcome.status in _BROKEN else "failure"
        _remark(case, how, outcome.status, outcome.error, outcome.hint or "")
    said = [*reasons(outcome), *outcome.warnings]
    if said:
        SubElement(case, "system-out").text = _text("\n".join(said))
    yield case
    if outcome.gate is not None:
        gate = _case(outcome, "gate", 0)
        if not outcome.gate:
            _remark(gate, "failure", "gate", "the gate is false", "")
        yield gate


def _target_case(outcome: RunOutcome, verdict: Verdict) -> Element:
    took = verdict.value if verdict.unit == "s" and verdict.value is not None else 0
    case = _case(outcome, f"target {verdict.name}", took)
    said = f"measured {verdict.measured}, {verdict.bound} {verdict.target}"
    if verdict.elsewhere:
        SubElement(case, "skipped", message=_text(f"{said}: {verdict.elsewhere}"))
    elif verdict.missed and not verdict.own:
        SubElement(case, "skipped", message=_text(f"{said}: missed, but not the council's own"))
    elif not verdict.met:
        _remark(case, "failure", "target", f"{verdict.name}: {said}", "")
    else:
        SubElement(case, "system-out").text = _text(said)
    return case


def _case(outcome: RunOutcome, name: str, took: float) -> Element:
    return Element(
        "testcase", classname=_text(f"konseho.{outcome.council}"), name=name, time=_seconds(took)
    )


def _remark(case: Element, how: str, kind: str, message: str, more: str) -> None:
    SubElement(case, how, type=kind, message=_text(message)).text = _text(more or message)


def _text(text: str) -> str:
    """What XML 1.0 can hold of it."""
    return _NOT_XML.sub("\ufffd", encodable(text))


def _seconds(seconds: float) -> str:
    return f"{seconds:.6f}"


def _date(outcome: RunOutcome) -> str:
    wall = outcome.anchor.wall_s + (outcome.start - outcome.anchor.loop_ns) / 1e9
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds").removesuffix("+00:00")
