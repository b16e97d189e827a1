"""The words of a template: its filters and tests, wherever they stand, and nothing in quotes."""

from __future__ import annotations

import pytest

from konseho_cli.context.template_words import words_in
from konseho_cli.context.templates import BadTemplate, references


def test_filters_and_tests_are_found_in_expressions_and_blocks() -> None:
    template = (
        "{{ a | upper | join(', ') }} {% if a is not defined and b is none %}{% endif %}"
        "{% filter lower %}X{% endfilter %} {% for x in a | sort %}{% endfor %}"
    )
    assert sorted(words_in(template)) == [
        ("filter", "join"), ("filter", "lower"), ("filter", "sort"), ("filter", "upper"),
        ("test", "defined"), ("test", "none"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "template",
    ["a | b is c", "{{ 'x | nope is nope' }}", "{# | nope #}", "{% raw %}{{ a | nope }}{% endraw %}",
     '{{ "a \\" | nope" }}', "{{ this }}"],
)  # fmt: skip
def test_what_is_no_code_has_no_words(template: str) -> None:
    assert list(words_in(template)) == []


@pytest.mark.parametrize(
    ("template", "what"),
    [("{{ a | upperr }}", "no filter 'upperr'"), ("{{ a is defind }}", "no test 'defind'"),
     ("{{ a | batch(3) }}", "no filter 'batch'")],
)  # fmt: skip
def test_an_unknown_word_is_found_before_the_run(template: str, what: str) -> None:
    with pytest.raises(BadTemplate, match=what):
        references(template)


def test_every_filter_of_the_documents_is_known() -> None:
    for name in (
        "default",
        "d",
        "length",
        "list",
        "map",
        "join",
        "tojson",
        "round",
        "first",
        "items",
    ):
        references(f"{{{{ a | {name} }}}}")
