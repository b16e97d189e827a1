"""What is read of the steps that others hold, and of steps that may be skipped."""

from __future__ import annotations

import pytest

from konseho_cli.context.template_words import minds_null
from konseho_cli.spec.lookup import look_up
from konseho_cli.steps.shapes import ANYTHING, Shape, flat

ROUTE = """
agents: {ann: {}, bob: {}}
steps:
- id: triage
  kind: route
  agent: ann
  branches:
    bug:
    - {id: look, kind: ask, agent: bob%s}
    - {id: fix, kind: ask, agent: bob, prompt: "%s"}
    feature:
    - {id: build, kind: ask, agent: bob}
- {id: end, kind: ask, agent: bob%s}
"""


def route(
    *, look: str = "", fix: str = "x", end: str = "", answer: str = "{{ triage.answer }}"
) -> str:
    """A route with two branches and a step behind it."""
    return ROUTE % (look, fix, end) + f'answer: "{answer}"\n'


def test_every_name_below_a_branch_is_checked(said) -> None:
    asked = 'prompt: "{{ triage.branches.bgu }} {{ triage.branches.bug.fxi }} {{ triage.chosn }}"'
    assert [one.partition("prompt: ")[2] for one in said(route(end=f", {asked}"))] == [
        "'triage.branches' has no 'bgu' (did you mean 'bug'?)",
        "'triage.branches.bug' has no 'fxi' (did you mean 'fix'?)",
        "'triage' has no 'chosn' (did you mean 'chosen'?)",
    ]


def test_a_mistake_inside_a_branch_has_its_place(said) -> None:
    (one,) = said(route(fix="{{ loko }}"))
    assert one.startswith("council.yaml:12:")
    assert "steps[0].branches.bug[1].prompt: unknown name 'loko' (did you mean 'look'" in one


def test_branches_do_not_read_each_other(said) -> None:
    (one,) = said(route(fix="{{ build }}"))
    assert "unknown name 'build'" in one


def test_what_a_loop_holds_is_checked_too(said) -> None:
    text = """
steps:
- id: polish
  kind: loop
  steps:
  - {id: draft, kind: ask, agent: {name: ann}, prompt: "{{ previous.drfat }}"}
answer: "{{ polish.last.darft }}"
"""
    assert [one.partition(": ")[2] for one in said(text)] == [
        "steps[0].steps[0].prompt: 'previous' has no 'drfat' (did you mean 'draft'?)",
        "answer: 'polish.last' has no 'darft' (did you mean 'draft'?)",
    ]


READ = "{{ triage.branches.bug.fix }}"


def test_reading_a_branch_that_may_be_untaken_is_warned_of(load) -> None:
    (one,) = load(route(end=f', prompt: "{READ}"')).warnings
    assert "steps[1].prompt: 'triage.branches.bug.fix' is null where it is skipped" in str(one)
    assert "give this step a `when`, or write {{ triage.branches.bug.fix | default(…) }}" in str(
        one
    )


@pytest.mark.parametrize(
    "end",
    [
        ", prompt: \"{{ triage.branches.bug.fix | default('none') }}\"",
        ', prompt: "{% if triage.branches.bug.fix %}{{ triage.branches.bug.fix }}{% endif %}"',
        f', when: "{{{{ \'bug\' in triage.chosen }}}}", prompt: "{READ}"',
        ", when: '{{ triage.branches.bug.fix is not none }}'",
        ', prompt: "{{ triage.answer }} {{ triage.branches }}"',
        "",
    ],
)
def test_who_says_what_becomes_of_a_null_is_not_warned(load, end) -> None:
    assert load(route(end=end)).warnings == ()


def test_an_answer_is_warned_of_likewise(load) -> None:
    (one,) = load(route(answer=READ)).warnings
    assert "answer: 'triage.branches.bug.fix' is null" in str(one)


@pytest.mark.parametrize("holder", ["", ", when: '{{ inputs.n > 1 }}'"])
def test_the_same_rule_holds_for_every_step_with_a_when(load, holder) -> None:
    text = f"""
inputs: {{n: {{type: number, default: 1}}}}
steps:
- {{id: maybe, kind: ask, agent: {{name: ann}}, when: "{{{{ inputs.n > 1 }}}}"}}
- id: polish
  kind: loop{holder.replace(", ", chr(10) + "  ")}
  steps:
  - {{id: draft, kind: ask, agent: ann, prompt: "{{{{ maybe }}}}"}}
"""
    warnings = [str(one) for one in load(text).warnings]
    assert len(warnings) == (0 if holder else 1)
    assert all("'maybe' is null where it is skipped" in one for one in warnings)


def test_a_step_with_a_when_inside_a_branch_is_warned_of_there(load) -> None:
    (one,) = load(route(look=", when: '{{ task == 1 }}'", fix="{{ look }}")).warnings
    assert "steps[0].branches.bug[1].prompt: 'look' is null" in str(one)


def test_looking_up_stops_where_nothing_is_known() -> None:
    shape = Shape(keys={"a": flat(["b"]), "c": Shape(skipped=True)})
    assert look_up("s.a.b.x.y", shape).missing == ""
    assert look_up("s.a.items", shape).missing == ""
    assert look_up("s.a.x", shape).within == "s.a"
    assert look_up("s.c.x.y", shape).null == "s.c"
    assert look_up("s.a.b", ANYTHING).null == ""


@pytest.mark.parametrize(
    ("template", "minds"),
    [
        ("{{ a.b }}", False),
        ("{{ a.b | upper }}", False),
        ("{{ 'if none' }}", False),
        ("if none", False),
        ("{{ a | default('x') }}", True),
        ("{{ a|d }}", True),
        ("{% if a %}{{ a }}{% endif %}", True),
        ("{{ a if a else 'x' }}", True),
        ("{{ a is not none }}", True),
    ],
)
def test_a_template_minds_null_where_it_says_so_in_code(template, minds) -> None:
    assert minds_null(template) is minds
