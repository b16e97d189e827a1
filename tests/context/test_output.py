from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.context.entries import Entries
from konseho_cli.context.output import LONG, Output, filled
from konseho_cli.context.settings import ContextSettings
from konseho_cli.context.version import ABSENT

TEXTS = st.text(max_size=5) | st.builds(
    lambda sign, more: sign * (LONG + more), st.sampled_from("abc"), st.integers(-2, 3)
)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def small() -> Entries:
    return Entries(ContextSettings(memory_limit=1))


@given(VALUES, st.lists(st.tuples(st.text(), TEXTS)), st.dictionaries(st.text(), VALUES))
def test_what_went_in_comes_out(
    value: Any, parts: list[tuple[str, str]], details: dict[str, Any]
) -> None:
    entries = small()
    output = Output(entries, "step", value, parts, details)
    assert (output.peek("value"), output.peek_parts()) == (value, parts)
    for _ in range(2):
        assert output.get("value") == value
        assert output.get_parts() == parts
        assert output.get("details") == details
        entries.settle()
    assert output.peek("value") is ABSENT
    for key in output.keys:
        entries.drop(key)
    assert (entries.resident, entries.spilled) == (0, 0)


def test_what_is_said_twice_is_kept_once() -> None:
    entries = small()
    text = "x" * 100_000
    Output(entries, "step", {"ann": text}, [("ann", text)], {"rounds": [{"ann": "x" * 100_000}]})
    assert entries.resident < 110_000


def test_an_agents_positions_are_versions_of_one_entry() -> None:
    entries = small()
    rounds = [
        {"ann": f"{number}" + "a" * LONG, "bob": f"{number}" + "b" * LONG} for number in range(5)
    ]
    output = Output(entries, "argue", None, [], {"rounds": rounds})
    assert entries.versions(("argue", "text", "details", "rounds", "ann")) == 5
    assert ("argue", "text", "details", "rounds", "bob") in output.keys


def test_what_is_given_out_can_be_changed_without_harm() -> None:
    entries = Entries(ContextSettings())
    output = Output(entries, "step", {"ann": {"text": "x" * LONG}}, [], {})
    output.get("value")["ann"]["text"] = "mine"
    assert output.get("value") == {"ann": {"text": "x" * LONG}}


def test_holes_are_filled_in_a_copy() -> None:
    rest = {"a": [None, {"b": None}], "c": [1]}
    assert filled(rest, [(["a", 0], "x"), (["a", 1, "b"], "y")]) == {
        "a": ["x", {"b": "y"}],
        "c": [1],
    }
    assert rest == {"a": [None, {"b": None}], "c": [1]}
    assert filled(None, [([], "x")]) == "x"
