"""What templates and `needs` may name, and loops by their names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from konseho_cli.spec.loaded import Loaded

Load = Callable[[str], Loaded]
Said = Callable[[str], list[str]]


def steps(*bodies: str) -> str:
    """Steps `s0`, `s1`, …: asks with these further keys."""
    return "steps:\n" + "".join(
        f"- {{id: s{index}, kind: ask, agent: {{name: a}}{', ' if body else ''}{body}}}\n"
        for index, body in enumerate(bodies)
    )


def test_task_inputs_and_steps_are_known(load: Load) -> None:
    prompt = (
        'prompt: "{{ task }} {{ inputs.n }} {{ s0 }} {% for x in range(3) %}{{ x }}{% endfor %}"'
    )
    assert load("inputs: {n: {}}\n" + steps("", prompt)).warnings == ()


def test_an_unknown_name_is_told_with_the_nearest(said: Said) -> None:
    assert said(steps('prompt: "{{ tsak }}"')) == [
        "council.yaml:4:49: steps[0].prompt: unknown name 'tsak' (did you mean 'task'?)"
    ]


def test_where_nothing_is_near_the_known_names_are_listed(said: Said) -> None:
    assert said(steps('prompt: "{{ zzz }}"', "")) == [
        "council.yaml:4:49: steps[0].prompt: unknown name 'zzz' (known here: task, inputs, s1)"
    ]


def test_an_input_must_be_declared(said: Said) -> None:
    assert said("inputs: {diff: {}}\n" + steps('prompt: "{{ inputs.dif }}"')) == [
        "council.yaml:5:49: steps[0].prompt: unknown input 'dif' (did you mean 'diff'?)"
    ]


def test_a_step_does_not_read_itself(said: Said) -> None:
    assert said(steps('prompt: "{{ s0 }}"')) == [
        "council.yaml:4:49: steps[0].prompt: 's0' is this step itself"
    ]


def test_a_kind_gives_its_prompt_names_of_its_own(load: Load, said: Said) -> None:
    step = "steps: [{kind: parallel, agents: [{name: a}], %s: '{{ agent == 1 }}'}]\n"
    assert load(step % "prompt")
    assert "unknown name 'agent'" in said(step % "when")[0]


def test_a_template_that_does_not_parse_hides_no_other_mistake(said: Said) -> None:
    found = said(steps('prompt: "{{ s1 } x", when: "{{ nope }}", needs: [gone]'))
    assert [each.split(": ", 1)[1] for each in found] == [
        "steps[0].prompt: not a template: unexpected `}`, expected end of variable block",
        "steps[0].when: unknown name 'nope' (known here: task, inputs)",
        "steps[0].needs[0]: unknown step 'gone'",
    ]


def test_needs_name_other_steps(said: Said) -> None:
    assert said(steps("needs: [s0, t9]", "needs: []")) == [
        "council.yaml:4:49: steps[0].needs[0]: a step cannot wait for itself",
        "council.yaml:4:53: steps[0].needs[1]: unknown step 't9' (steps here: s1)",
    ]


def test_answer_and_gate_read_steps_task_and_inputs_alone(said: Said) -> None:
    found = said(steps("") + 'answer: "{{ s00 }} {{ item }}"\ngate: "{{ inputs.x and s0.ok }}"\n')
    assert [each.split(": ", 1)[1] for each in found] == [
        "answer: unknown name 'item' (known here: task, inputs, s0)",
        "answer: unknown name 's00' (did you mean 's0'?)",
        "gate: unknown input 'x' (declare it under `inputs`)",
    ]


@pytest.mark.parametrize("text", ["s0.ok", "yes", "is {{ s0 }} right"])
def test_a_gate_is_one_expression(said: Said, text: str) -> None:
    found = said(steps("") + f"gate: '{text}'\n")
    assert found[0].startswith(
        "council.yaml:5:7: gate: it must be one {{ expression }} that is true or false"
    )


def test_a_condition_is_one_expression_or_a_truth_value(load: Load, said: Said) -> None:
    assert load(steps("when: true", 'when: "{{ s0 == 1 }}"'))
    assert said(steps("", "when: s0")) == [
        "council.yaml:5:47: steps[1].when: it must be one {{ expression }} that is true or false "
        '(write "{{ s0 }}")'
    ]


def test_a_loop_is_named(said: Said) -> None:
    assert said(steps('prompt: "{{ s2 }}"', "needs: [s0]", "needs: [s1]")) == [
        "council.yaml:4:49: steps[0].prompt: these steps wait for each other: s0 -> s2 -> s1 -> s0"
    ]


def test_a_loop_through_the_step_above_says_how_to_open_it(said: Said) -> None:
    assert said(steps('prompt: "{{ s1 }}"', "")) == [
        "council.yaml:4:49: steps[0].prompt: these steps wait for each other: s0 -> s1 -> s0 "
        "('s1' names no step, so it waits for the step above; `needs: []` starts it at once)"
    ]


def test_every_loop_is_told(said: Said) -> None:
    assert len(said(steps("needs: [s1]", "needs: [s0]", "needs: [s3]", "needs: [s2]"))) == 2


def test_a_long_loop_is_shown_short(said: Said) -> None:
    bodies = [f"needs: [s{(index + 1) % 200}]" for index in range(200)]
    found = said(steps(*bodies))
    assert len(found) == 1
    assert "(190 more) -> s0" in found[0]


def test_a_reference_that_takes_the_place_of_the_step_above_is_a_warning(load: Load) -> None:
    loaded = load(steps("", "needs: []", 'prompt: "{{ s0 }}"'))
    assert [str(each) for each in loaded.warnings] == [
        "council.yaml:6:49: steps[2].prompt: it does not wait for 's1', the step above, since it "
        "names only 's0' (`needs: [s1]` makes it wait, `needs: []` says that this is meant)"
    ]


@pytest.mark.parametrize("body", ['prompt: "{{ s1 }}"', "", 'prompt: "{{ s0 }}", needs: []',
                                  'prompt: "{{ s0 }}", needs: [s1]'])  # fmt: skip
def test_there_is_no_warning_where_the_order_is_kept_or_meant(load: Load, body: str) -> None:
    assert load(steps("", "", body)).warnings == ()


def test_waiting_through_another_step_keeps_the_order(load: Load) -> None:
    assert load(steps("", "", "", 'prompt: "{{ s2 }}", needs: [s0]')).warnings == ()


def test_an_input_that_no_prompt_shows_is_a_warning(load: Load) -> None:
    text = "inputs: {diff: {}, notes: {}}\n"
    assert [str(each) for each in load(text + steps('prompt: "{{ inputs.diff }}"')).warnings] == [
        "council.yaml:3:20: inputs.notes: input 'notes' is not used"
    ]
    assert load(text + steps("")).warnings == ()  # the default prompt shows them all
    assert load(text + steps('prompt: "{{ inputs }}"')).warnings == ()


def test_too_much_code_is_not_parsed(said: Said) -> None:
    tag = "{{ " + "a+" * 400 + "a }}"
    found = said(steps(*[f'prompt: "{index}{tag}"' for index in range(200)]))
    assert found == [
        "council.yaml:3:1: steps: all templates together hold more than 100,000 characters of code"
    ]


VOTED = (
    "agents: {a: {role: x}, b: {role: y}}\n"
    "steps:\n"
    "- {id: both, kind: parallel, agents: [a, b]}\n"
    '- {id: v, kind: vote, candidates: "{{ both }}", voters: [a, b]}\n'
)


def test_a_key_that_a_steps_value_never_has_is_found_before_the_run(said: Said) -> None:
    assert said(VOTED + 'answer: "{{ v.winer }} {{ both.c }}"\n') == [
        "council.yaml:7:9: answer: 'both' has no 'c' (it has: a, b)",
        "council.yaml:7:9: answer: 'v' has no 'winer' (did you mean 'winner'?)",
    ]


def test_the_keys_that_it_has_and_the_methods_of_mappings_are_fine(load: Load) -> None:
    load(
        VOTED + 'answer: "{{ v.winner }} {{ both.a }} {{ both.items() | list }} {{ v.scores.b }}"\n'
    )


def test_an_unknown_filter_is_found_before_the_run(said: Said) -> None:
    assert said(steps('prompt: "{{ task | upperr }}"')) == [
        "council.yaml:4:49: steps[0].prompt: not a template: there is no filter 'upperr'"
    ]


def test_two_steps_of_one_id_are_no_circle(said: Said) -> None:
    asks = "kind: ask, agent: {name: a}"
    steps = "".join(f"- {{id: {name}, {asks}}}\n" for name in ("one", "two", "one"))
    (only,) = said(f"task: x\nsteps:\n{steps}")
    assert "duplicate step id 'one'" in only
