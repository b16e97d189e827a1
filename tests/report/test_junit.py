from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.junit import junit_xml, outcome_junit
from tests.report.profiles import profiled

_OUTCOME = profiled().outcome


def verdict(**fields: object) -> Verdict:
    usual = {
        "name": "time", "target": "1.0 s", "measured": "2.0 s", "met": False, "limit": 1.0,
        "value": 2.0, "unit": "s",
    }  # fmt: skip
    return Verdict(**{**usual, **fields})  # type: ignore[arg-type]


def cases(text: str) -> dict[str, Element]:
    return {case.get("name", ""): case for case in fromstring(text).iter("testcase")}


def test_a_target_that_is_missed_is_a_failure_with_what_was_measured(outcome):
    found = cases(outcome_junit(outcome, (verdict(),)))
    failure = found["target time"].find("failure")
    assert failure.get("message") == "time: measured 2.0 s, allowed 1.0 s"
    assert found["target time"].get("time") == "2.000000"


def test_a_target_that_is_measured_elsewhere_is_skipped(outcome):
    held = verdict(met=True, measured="not measured here", value=None, elsewhere="make bench")
    skipped = cases(outcome_junit(outcome, (held,)))["target time"].find("skipped")
    assert skipped.get("message") == "measured not measured here, allowed 1.0 s: make bench"


def test_a_run_that_failed_is_an_error_and_what_it_took_is_there(failed):
    case = cases(outcome_junit(failed, ()))["run"]
    assert "busy" in case.find("error").get("message")
    assert float(case.get("time")) == round(failed.duration_s, 6)


def test_a_limit_that_was_reached_is_a_failure(failed):
    reached = structs.replace(failed, status="limit")
    assert cases(outcome_junit(reached, ()))["run"].find("failure") is not None


def test_a_false_gate_is_a_failure_of_its_own(outcome):
    found = cases(outcome_junit(structs.replace(outcome, gate=False), ()))
    assert found["gate"].find("failure").get("message") == "the gate is false"
    assert cases(outcome_junit(outcome, ()))["gate"].find("failure") is None


def test_the_counts_are_those_of_the_cases():
    root = fromstring(junit_xml(profiled()))
    assert root.tag == "testsuites"
    for suite in root:
        inside = suite.findall("testcase")
        assert int(suite.get("tests")) == len(inside)
        for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(count)) == sum(case.find(tag) is not None for case in inside)
    assert root.get("tests") == str(len(list(root.iter("testcase"))))
    assert root.get("failures") == "1"


@given(st.text(alphabet=st.characters(), max_size=40))
def test_any_text_is_xml(text: str) -> None:
    held = (verdict(name="x", measured=text),)
    found = fromstring(outcome_junit(structs.replace(_OUTCOME, council=text), held))
    assert found.find("testsuite").get("name").endswith("run")
