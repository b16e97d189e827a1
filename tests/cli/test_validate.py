from __future__ import annotations

import json

BROKEN = "steps: [{kind: ask, agent: ghost}]"


def test_a_council_that_is_fine_is_not_spoken_of(konseho, council):
    ran = konseho("validate", council())
    assert (ran.status, ran.out, ran.err) == (0, "", "")


def test_every_mistake_of_every_file_is_told_at_once(konseho, council, tmp_path):
    broken = council(agents="agents: {ann: {role: x, wieght: 2}}")
    ran = konseho("validate", broken, tmp_path / "missing.yaml", "quickstart")
    assert ran.status == 2
    assert "unknown" in ran.out
    assert "'bob'" in ran.out
    assert "missing.yaml: the file does not exist" in ran.out
    assert "in 2 of 3 files" in ran.err


def test_problems_have_their_places(konseho, council):
    ran = konseho("validate", council(agents="agents: {ann: {role: x}}"))
    assert "small.yaml:7:" in ran.out
    assert "steps[0].agents[1]" in ran.out


def test_a_misspelt_shipped_council_is_a_problem_with_a_suggestion(konseho):
    ran = konseho("validate", "quickstrat")
    assert ran.status == 2
    assert "did you mean 'quickstart'?" in ran.out


def test_json_has_every_file_and_every_place(konseho, council):
    broken = council(agents="agents: {ann: {role: x}}")
    ran = konseho("validate", "--json", broken, "quickstart")
    document = json.loads(ran.out)
    assert ran.status == 2
    assert document["valid"] is False
    first, second = document["files"]
    assert first["problems"][0]["line"] == 7
    assert first["problems"][0]["path"] == "steps[0].agents[1]"
    assert second["valid"] is True


def test_a_warning_breaks_nothing(konseho, council):
    needless = council("  - {id: loose, kind: ask, agent: bob, prompt: '{{ both.ann }}'}")
    ran = konseho("validate", needless)
    assert ran.status == 0
    assert ran.out == ""
    assert "warning: " in ran.err
