from __future__ import annotations

import json


def test_the_plan_is_shown_with_its_reasons(konseho, council):
    ran = konseho("show", council())
    assert ran.status == 0
    assert "after both  the step above" in ran.out
    assert "3 calls" in ran.out
    assert ran.err == ""


def test_a_council_with_a_gate_is_shown_though_no_model_is_chosen(konseho):
    ran = konseho("show", "code-review")
    assert ran.status == 0
    assert "no model chosen" in ran.out


def test_the_models_are_those_that_a_run_would_use(konseho):
    ran = konseho("show", "code-review", "--model", "openai:gpt-5-mini")
    assert "openai:gpt-5-mini" in ran.out


def test_json_is_for_programs(konseho, council):
    document = json.loads(konseho("show", council(), "--json").out)
    assert [step["id"] for step in document["steps"]] == ["both", "last"]


def test_the_flowchart_is_mermaid(konseho, council):
    assert konseho("show", council(), "--mermaid").out.startswith("flowchart TD\n")


def test_the_prompts_are_those_that_the_agents_get(konseho, council):
    ran = konseho("show", council(), "Speak up.", "--prompts")
    assert "=== both/ann ===" in ran.out
    assert "[role] You are Ann." in ran.out
    assert "Speak up." in ran.out
    assert "(what bob says in both)" in ran.out.split("=== last/ann ===")[1]


def test_prompts_go_into_json_too(konseho, council):
    document = json.loads(konseho("show", council(), "--prompts", "--json").out)
    assert [(each["step"], each["agent"]) for each in document["prompts"]] == [
        ("both", "ann"), ("both", "bob"), ("last", "ann"),
    ]  # fmt: skip


def test_a_flowchart_has_no_prompts(konseho, council):
    assert konseho("show", council(), "--mermaid", "--prompts").status == 2


def test_every_shipped_council_can_be_listed_and_shown_with_its_prompts(konseho):
    names = [each["name"] for each in json.loads(konseho("list", "--json").out)["councils"]]
    assert "quickstart" in names
    for name in names:
        ran = konseho("show", name, "--prompts", "--json")
        document = json.loads(ran.out)
        rehearsed = {prompt["step"].partition(".")[0] for prompt in document["prompts"]}
        assert rehearsed == {step["id"] for step in document["steps"]}


def test_the_list_has_a_line_for_each_council(konseho):
    lines = konseho("list").out.splitlines()
    assert any(line.startswith("quickstart ") for line in lines)
