from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.exports.github import MOST_SUMMARY, Place, bounded, workflow_commands
from tests.report.profiles import profiled

_OUTCOME = profiled().outcome
_LONG = "| é | a row of a table |\n" * 60_000


def missed(measured: str = "2.0 s", **fields: object) -> Verdict:
    usual = {
        "name": "time",
        "target": "1.0 s",
        "met": False,
        "limit": 1.0,
        "value": 2.0,
        "unit": "s",
    }
    return Verdict(**{**usual, "measured": measured, **fields})  # type: ignore[arg-type]


def test_a_missed_target_is_an_error_on_the_line_that_states_it(outcome):
    places = {"": Place("c.yaml"), "time": Place("c.yaml", 42)}
    assert workflow_commands(outcome, (missed(),), places).splitlines()[0] == (
        "::error file=c.yaml,line=42,title=test%3A target missed::time: 2.0 s, allowed 1.0 s"
    )


def test_a_false_gate_and_a_failure_are_errors_on_the_council(outcome, failed):
    wrong = structs.replace(outcome, gate=False, steps=())
    assert workflow_commands(wrong, (), {"": Place("c.yaml")}) == (
        "::error file=c.yaml,title=test%3A gate::the gate is false\n"
    )
    assert "::error title=test%3A failed::" in workflow_commands(failed, (), {})


def test_what_degraded_a_run_is_a_warning(outcome):
    text = workflow_commands(outcome, (), {"": Place("c.yaml")})
    assert text.startswith("::warning file=c.yaml,title=degraded::review: ")


def test_a_run_that_went_well_says_nothing(outcome):
    fine = structs.replace(outcome, steps=())
    held = (missed(met=True), missed(met=True, elsewhere="make bench"))
    assert workflow_commands(fine, held, {}) == ""


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_text_begins_a_command_of_its_own(text: str, file: str) -> None:
    outcome = structs.replace(_OUTCOME, council=text, error=None, gate=None)
    lines = workflow_commands(outcome, (missed(f"{text}\n::error::mine"),), {"": Place(file)})
    assert lines.count("\n") == 1
    assert lines.splitlines()[0].startswith("::error file=")
    head = lines.removeprefix("::error ").split("::")[0]
    assert head.count(",") == 1


@given(st.integers(0, MOST_SUMMARY + 10))
@settings(deadline=None)
def test_a_summary_is_never_more_than_github_shows(taken: int) -> None:
    found = bounded(_LONG, taken)
    assert len(found) + min(taken, MOST_SUMMARY) <= MOST_SUMMARY
    found.decode()
    assert not found or found.endswith(b"*\n")


def test_a_short_summary_is_whole() -> None:
    assert bounded("# é\n") == "# é\n".encode()
