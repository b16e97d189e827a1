"""A run as JUnit XML: a test case for the run, its gate and each target, for CI to count and show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal
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
    name, made, took = outcome.council, _made(outcome), outcome.duration_s
    suites = [suite(f"{name} run", list(_run_cases(outcome)), made=made, took=took)]
    if verdicts:
        cases = [_target_case(outcome, verdict) for verdict in verdicts]
        suites.append(suite(f"{name} targets", cases, made=made))
    return document(suites, took=took)


def document(suites: Sequence[Element], *, took: float) -> str:
    """All of it as text; `took`: seconds."""
    root = Element("testsuites", name="konseho")
    root.extend(suites)
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(each.get(count, "0")) for each in suites)))
    root.set("time", _seconds(took))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def suite(name: str, cases: Sequence[Element], *, made: float, took: float = 0) -> Element:
    """`made`: seconds since the epoch; `took`: seconds."""
    found = Element(
        "testsuite",
        name=_text(name),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=_seconds(took),
        timestamp=_date(made),
    )
    found.extend(cases)
    return found


def _run_cases(outcome: RunOutcome) -> Iterator[Element]:
    run = case(outcome.council, "run", outcome.duration_s)
    if outcome.error is not None:
        how: Literal["failure", "error"] = "error" if outcome.status in _BROKEN else "failure"
        remark(run, how, outcome.status, outcome.error, outcome.hint or "")
    said = [*reasons(outcome), *outcome.warnings]
    if said:
        say(run, "\n".join(said))
    yield run
    if outcome.gate is not None:
        gate = case(outcome.council, "gate", 0)
        if not outcome.gate:
            remark(gate, "failure", "gate", "the gate is false")
        yield gate


def _target_case(outcome: RunOutcome, verdict: Verdict) -> Element:
    took = verdict.value if verdict.unit == "s" and verdict.value is not None else 0
    target = case(outcome.council, f"target {verdict.name}", took)
    said = f"measured {verdict.measured}, {verdict.bound} {verdict.target}"
    if verdict.elsewhere:
        skip(target, f"{said}: {verdict.elsewhere}")
    elif verdict.missed and not verdict.own:
        skip(target, f"{said}: missed, but not the council's own")
    elif not verdict.met:
        remark(target, "failure", "target", f"{verdict.name}: {said}")
    else:
        say(target, said)
    return target


def case(subject: str, name: str, took: float) -> Element:
    """One test case; `took`: seconds."""
    return Element(
        "testcase", classname=_text(f"konseho.{subject}"), name=_text(name), time=_seconds(took)
    )


def remark(
    case: Element, how: Literal["failure", "error"], kind: str, message: str, more: str = ""
) -> None:
    """It did not pass."""
    SubElement(case, how, type=kind, message=_text(message)).text = _text(more or message)


def skip(case: Element, why: str) -> None:
    """It neither passed nor failed."""
    SubElement(case, "skipped", message=_text(why))


def say(case: Element, text: str) -> None:
    """What it has to say beside that."""
    SubElement(case, "system-out").text = _text(text)


def _text(text: str) -> str:
    """What XML 1.0 can hold of it."""
    return _NOT_XML.sub("\ufffd", encodable(text))


def _seconds(seconds: float) -> str:
    return f"{seconds:.6f}"


def _made(outcome: RunOutcome) -> float:
    return outcome.anchor.wall_s + (outcome.start - outcome.anchor.loop_ns) / 1e9


def _date(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="seconds").removesuffix("+00:00")
