"""Templates: typed where they are one expression, JSON elsewhere, strict, and bounded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from konseho_cli.context.templates import (
    MAX_COMPILED,
    MAX_OUTPUT,
    BadTemplate,
    compiled,
    evaluate,
    expression_in,
    references,
    render,
)
from konseho_cli.core.errors import TemplateFailed

NAMES = {"task": "x", "pick": {"winner": "tea", "scores": [3, 1]}, "yes": True, "nothing": None}


def test_one_expression_keeps_its_type() -> None:
    assert evaluate("{{ pick.scores }}", NAMES) == [3, 1]
    assert evaluate(" {{ yes and pick.winner == 'tea' }} ", NAMES) is True
    assert evaluate("{{ nothing }}", NAMES) is None
    assert evaluate("{{ pick.items() | list }}", NAMES) == [["winner", "tea"], ["scores", [3, 1]]]


def test_elsewhere_structures_print_as_json_and_text_as_it_is() -> None:
    assert render("{{ task }}: {{ pick }} {{ yes }} {{ nothing }}", NAMES) == (
        'x: {"winner": "tea", "scores": [3, 1]} true null'
    )
    assert render("<{{ '<b>' }}>", {}) == "<<b>>"


def test_two_expressions_are_text() -> None:
    assert expression_in("{{ a }}{{ b }}") is None
    assert evaluate("{{ task }}{{ task }}", NAMES) == "xx"


@pytest.mark.parametrize(
    "template", ["{{ nope }}", "a {{ nope }}", "{{ pick.nope }}", "{{ pick.a.b }}"]
)
def test_what_is_undefined_is_an_error(template: str) -> None:
    with pytest.raises(TemplateFailed, match="undefined"):
        evaluate(template, NAMES)


def test_references_are_dotted_and_leave_out_what_every_template_has() -> None:
    template = "{% set x = a.b %}{% for i in range(3) %}{{ loop.index }}{{ x }}{{ c }}{% endfor %}"
    assert references(template) == {"a.b", "c"}


@pytest.mark.parametrize("template", ["{{ a", "{% if %}", "{{ a. }}", "{% for %}"])
def test_what_does_not_parse_is_said_in_one_line(template: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        references(template)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(10000) %}{{ big }}{% endfor %}",
        "{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ big | replace('a', big) }}",
        "{{ range(90000) | join(big) }}",
        "{{ lines | indent(1000000000) }}",
        "{{ range(10) | batch(1000000000, 'x') }}",
        "{{ '%999999999d' | format(1) }}",
        "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
        "{{ debug() }}",
        "{{ 1e308 * 10 }}",
    ],
)
def test_what_would_never_end_or_fill_the_memory_is_refused(template: str) -> None:
    names = {"big": "a" * 100_000, "lines": "a\n" * 1000}
    with pytest.raises(TemplateFailed):
        evaluate(template, names)


def test_the_bounded_filters_do_what_they_did() -> None:
    names = {"text": "a\n\nb", "items": ["x", 1, None]}
    assert render("{{ text | indent(2) }}", names) == "a\n\n  b"
    assert render("{{ text | indent(2, true) }}", names) == "  a\n\n  b"
    assert render("{{ items | join(', ') }}", names) == "x, 1, null"
    assert render("{{ text | replace('a', 'c') }}", names) == "c\n\nb"


@pytest.mark.parametrize(
    "template",
    ["{{ 1 | join }}", "{{ 'x' | join(1) }}.", "{{ 'x' | indent('y') }}", "{{ [1] | replace }}"],
)
def test_a_filter_that_is_given_something_else_is_an_error_of_the_template(template: str) -> None:
    with pytest.raises(TemplateFailed):
        evaluate(template, {})


def test_threads_do_not_count_each_others_output() -> None:
    big = {"big": "a" * (MAX_OUTPUT // 4)}
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: len(render("{{ big }}.", big)), range(40)))
    assert set(results) == {MAX_OUTPUT // 4 + 1}


def test_how_many_templates_are_kept_parsed_can_be_seen() -> None:
    before = compiled()
    render("{{ once }} and no more", {"once": 1})
    render("{{ once }} and no more", {"once": 2})
    assert compiled() == before + 1 <= MAX_COMPILED


def test_half_a_character_is_told_as_such() -> None:
    with pytest.raises(BadTemplate, match="half a character"):
        references("{{ task }} \ud800")
    for template in ("{{ task }}", "a {{ task }}"):
        with pytest.raises(TemplateFailed, match="half a character"):
            evaluate(template + "\ud800", {"task": "x"})


@pytest.mark.parametrize("value", [None, {"a": None}])
def test_default_takes_the_place_of_null_and_of_what_is_not_there(value):
    names = {"step": value}
    path = "step" if value is None else "step.a"
    assert evaluate(f"{{{{ {path} | default('none') }}}}", names) == "none"
    assert render(f"so {{{{ {path} | d('none') }}}}", names) == "so none"
    assert evaluate("{{ nobody | default(3) }}", {}) == 3


@pytest.mark.parametrize(("kept", "given"), [(0, 0), (False, False), ("", ""), ([], [])])
def test_default_leaves_what_is_there_unless_it_is_asked_for_truth(kept, given):
    assert evaluate("{{ step | default('none') }}", {"step": kept}) == given
    assert evaluate("{{ step | default('none', true) }}", {"step": kept}) == "none"


def test_what_is_read_of_a_null_is_told_with_the_way_out():
    for read in (evaluate, render):
        text = "{{ draft.text }}" if read is evaluate else "so {{ draft.text }} it is"
        with pytest.raises(TemplateFailed) as failed:
            read(text, {"draft": None})
        assert "draft is null" in (failed.value.hint or "")
        assert "draft.text | default(" in (failed.value.hint or "")
