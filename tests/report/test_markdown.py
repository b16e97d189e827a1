from __future__ import annotations

from msgspec import structs

from konseho_cli.profiling.verdicts import verdicts
from konseho_cli.report.markdown import outcome_markdown
from konseho_cli.spec.document import Targets


def test_the_report_reads_as_it_should(outcome, golden):
    golden("outcome.md", outcome_markdown(outcome, verdicts(outcome, Targets(calls=2))))


def test_a_run_without_an_answer_says_so(failed):
    report = outcome_markdown(failed, ())
    assert "## Answer\n\nThere is none." in report


def test_a_structured_answer_stays_inside_its_fence(outcome):
    tricky = structs.replace(outcome, answer={"text": "```` end"})
    assert '`````json\n{\n  "text": "```` end"\n}\n`````' in outcome_markdown(tricky, ())


def test_a_simulated_answer_is_never_mistaken_for_a_real_one(outcome):
    simulated = structs.replace(outcome, simulated=True)
    assert "Simulated" in outcome_markdown(simulated, ())
    assert "Simulated" not in outcome_markdown(outcome, ())
