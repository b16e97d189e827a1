"""Which step waits for which, and why."""

from __future__ import annotations

import pytest

from konseho_cli.context.templates import BadTemplate
from konseho_cli.spec.edges import STEP_ABOVE, edges_of
from konseho_cli.steps.ask import Ask

KNOWN = frozenset({"a", "b", "c"})


def because(step: Ask, above: str | None = "a") -> dict[str, str]:
    """Step waited for → why."""
    return {edge.step: edge.because for edge in edges_of(step, above, KNOWN)}


def test_a_step_that_names_none_waits_for_the_step_above() -> None:
    assert because(Ask(agent="x")) == {"a": STEP_ABOVE}
    assert because(Ask(agent="x", prompt="{{ task }}")) == {"a": STEP_ABOVE}


def test_the_first_step_waits_for_nothing() -> None:
    assert because(Ask(agent="x"), above=None) == {}


def test_no_needs_at_all_start_at_once() -> None:
    assert because(Ask(agent="x", needs=())) == {}


def test_what_is_named_takes_the_place_of_the_step_above() -> None:
    step = Ask(agent="x", prompt="{{ b.text }}", when="{{ c }}")
    assert because(step) == {"b": "prompt", "c": "when"}


def test_needs_are_the_first_reason() -> None:
    assert because(Ask(agent="x", needs=("b",), prompt="{{ b }}")) == {"b": "needs"}


def test_a_broken_template_needs_its_names_given() -> None:
    step = Ask(agent="x", prompt="{{ b")
    with pytest.raises(BadTemplate):
        edges_of(step, "a", KNOWN)
    assert edges_of(step, None, KNOWN, {"prompt": frozenset({"c"})})[0].step == "c"
