from __future__ import annotations

import json

from konseho_cli.engine.plan import make_plan
from konseho_cli.report.mermaid import plan_mermaid
from konseho_cli.report.plan import Shown, calls_text, plan_json, plan_text, reason
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Estimate
from konseho_cli.steps.fields import Window
from konseho_cli.steps.loop import Loop
from konseho_cli.steps.route import Route


def shown(spec, plan):
    models = {"ann": "openai:a", "bob": "openai:a", "cid": "sim", "dee": "openai:a"}
    return Shown(spec=spec, plan=plan, models=models, simulated_by_default=False)


def test_the_plan_reads_as_it_should(spec, plan, golden):
    golden("plan.txt", plan_text(shown(spec, plan), UNICODE) + "\n")


def test_the_plan_for_programs_is_the_one_that_they_rely_on(spec, plan, golden):
    golden(
        "plan.json",
        plan_json(
            shown(spec, plan), [{"step": "review", "agent": "ann", "system": "", "prompt": "What?"}]
        )
        + "\n",
    )


def test_a_plain_terminal_gets_plain_letters(spec, plan):
    assert plan_text(shown(spec, plan), ASCII).isascii()


def test_a_condition_is_shown_with_its_step(spec):
    plan = make_plan({"maybe": Ask(agent="ann", when="{{ inputs.n > 2 }}", needs=())})
    assert "only when {{ inputs.n > 2 }}" in plan_text(shown(spec, plan), UNICODE)


def test_every_edge_says_why_it_is_there():
    inside = Ask(id="draft", agent="ann", prompt="{{ outline }}")
    loop = Loop(steps=(inside,), until="{{ draft and outline }}")
    (step,) = make_plan({"polish": loop}).steps
    assert reason(step, "needs") == "needs names it"
    assert reason(step, "prompt") == "its prompt names it"
    assert reason(step, "the step above") == "the step above"
    assert reason(step, "steps") == "a step in it reads it"
    assert reason(step, "until") == "its until reads it"


def test_what_a_step_holds_is_a_subtree_with_its_own_reasons():
    draft = Ask(id="draft", agent="ann")
    judge = Ask(id="judge", agent="bob", prompt="{{ draft }}")
    loop = Loop(id="polish", steps=(draft, judge), until="{{ judge == 'good' }}", max=3)
    spec = CouncilSpec(konseho=1, steps=(loop, Ask(id="end", agent="ann")), name="nested")
    plan = make_plan({step.id: step for step in spec.steps})
    assert plan_text(shown(spec, plan), UNICODE).splitlines()[1:9] == [
        "├─ polish  loop  2–6 calls",
        "│    → starts at once",
        "│    → until {{ judge == 'good' }}, 3 times at most",
        "│  ├─ draft  ask  1 call  ann",
        "│  │    → starts with polish",
        "│  └─ judge  ask  1 call  bob",
        "│       → after draft  its prompt names it",
        "└─ end     ask   1 call     ann",
    ]
    outer = json.loads(plan_json(shown(spec, plan)))["steps"][0]
    assert [(step["place"], step["block"]) for step in outer["steps"]] == [
        ("polish.draft", "steps"), ("polish.judge", "steps"),
    ]  # fmt: skip
    drawn = plan_mermaid(plan)
    assert 'subgraph step_polish["<b>polish</b><br/>loop"]' in drawn
    assert "step_polish_IN_draft -->" in drawn


def test_calls_are_counted_as_far_as_they_are_known():
    assert calls_text(Estimate(fewest=1, most=1), UNICODE) == "1 call"
    assert calls_text(Estimate(fewest=2, most=8), UNICODE) == "2–8 calls"
    assert calls_text(Estimate(fewest=3, most=None), UNICODE) == "3 calls or more"


def test_json_has_prompts_only_where_they_were_asked_for(spec, plan):
    assert "prompts" not in json.loads(plan_json(shown(spec, plan)))


def test_a_window_is_shown_with_its_step(spec):
    windows = {
        "one": Window(messages=1),
        "two": Window(messages=6, tokens=8_000, summary="bob"),
        "three": Window(tokens=500),
    }
    steps = {"first": Ask(agent="ann")} | {
        name: Ask(agent="ann", window=window) for name, window in windows.items()
    }
    plan = make_plan(steps)
    text = plan_text(shown(spec, plan), UNICODE)
    assert "shows the newest output\n" in text
    assert "shows the newest 6 outputs, 8.0k tokens together; bob sums up the rest\n" in text
    assert "shows 500 tokens of earlier outputs\n" in text
    (window,) = [each["window"] for each in json.loads(plan_json(shown(spec, plan)))["steps"][2:3]]
    assert window == {"tokens": 8_000, "messages": 6, "summary": "bob"}


def test_a_branch_in_which_nothing_happens_says_so(spec):
    stay = Route(choose="none", branches={"go": (Ask(id="say", agent="ann"),), "none": ()})
    text = plan_text(shown(spec, make_plan({"way": stay})), UNICODE)
    assert "none:" in text
    assert "nothing is done" in text
