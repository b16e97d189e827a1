"""Code in templates: measured as minijinja reads it, and never too low."""

from __future__ import annotations

import pytest

from konseho_cli.context.template_size import MAX_TAG, code_in, too_large
from konseho_cli.context.templates import BadTemplate, references

SIZES = {
    "text {{ a }} text": [3],
    "{% if a %}x{% endif %}": [6, 7],
    "{{ {'a': {'b': 1}} }}": [13],
    '{{ "}}" + a }}': [7],
    r"{{ 'it\'s' }}": [3],
    "{# {{ a }} #}b": [],
    "{% raw %}{{ a }}{% endraw %}": [],
    "{{ a": [2],
    "{{ a } }}": [7],
    "{ a } %}": [],
}  # fmt: skip


@pytest.mark.parametrize(("template", "sizes"), SIZES.items())
def test_each_tag_is_measured_without_its_texts(template: str, sizes: list[int]) -> None:
    assert code_in(template) == sizes


@pytest.mark.parametrize(
    "chain",
    ["{{ a" + "+a" * 100_000 + " }}", "{{ a" + ".a" * 100_000, "{{ '}}' " + "|f" * 100_000 + " }}",
     "{{ " + "not " * 100_000 + "a }}", "{{ a" + "+'{{'" * 100_000 + "}}",
     "{% if a %}" + "{% elif b %}" * 50_000 + "{% endif %}"],
)  # fmt: skip
def test_a_chain_that_would_overflow_the_stack_is_refused(chain: str) -> None:
    with pytest.raises(BadTemplate, match=r"longer than 1,000 characters|more than 100 elif"):
        references(chain)


def test_long_text_with_short_code_is_allowed() -> None:
    assert too_large("prose: it's “so” % } { " * 10_000 + "{{ task }}") is None
    assert too_large("{{ '" + "x" * 50_000 + "' }}") is None


def test_the_longest_expression_that_is_allowed_parses() -> None:
    assert references("{{" + "a+" * (MAX_TAG // 2 - 1) + "a}}") == {"a"}
