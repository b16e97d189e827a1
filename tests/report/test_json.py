from __future__ import annotations

import json

from msgspec import structs

from konseho_cli.profiling.verdicts import verdicts
from konseho_cli.report.json import dump, outcome_document, outcome_json
from konseho_cli.spec.document import Targets
from konseho_cli.version import __version__


def test_the_document_is_the_one_that_programs_rely_on(outcome, golden):
    held = verdicts(outcome, Targets(calls=2))
    golden("outcome.json", outcome_json(outcome, held, 1).replace(__version__, "VERSION") + "\n")


def test_a_failed_run_has_its_error_and_no_answer(failed):
    document = outcome_document(failed, (), 3)
    assert document["answer"] is None
    assert document["status"] == "failed"
    assert document["exit_status"] == 3
    assert document["error"] == "step 'verdict' failed: 503: busy"


def test_the_segments_of_the_critical_path_sum_to_the_duration(outcome):
    document = outcome_document(outcome, (), 0)
    spent = sum(
        segment["end_s"] - segment["start_s"] for segment in document["critical_path"]["segments"]
    )
    assert round(spent, 9) == document["duration_s"]


def test_a_cost_that_nobody_knows_is_null(outcome):
    unknown = next(call for call in outcome.calls if call.status == "ok")
    import msgspec

    calls = (*outcome.calls, msgspec.structs.replace(unknown, cost=None))
    assert outcome_document(structs.replace(outcome, calls=calls), (), 0)["cost"] is None


def test_half_a_character_does_not_break_the_output():
    text = dump({"answer": "\ud83d half"})
    assert json.loads(text.encode("utf-8")) == {"answer": "? half"}
