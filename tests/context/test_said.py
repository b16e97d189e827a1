from __future__ import annotations

from konseho_cli.context.entries import Entries
from konseho_cli.context.output import Output, Place
from konseho_cli.context.said import Said
from konseho_cli.context.settings import EARLIER_FROM, ContextSettings

HALF = "x" * (EARLIER_FROM // 2)


def test_a_little_stays_a_list() -> None:
    said = Said()
    assert not said.keep("one", "ann", "ann proposal", "I propose")
    assert not said.keep("one", "ann", "ann round 1", "I agree")
    assert said.take("one") == [("ann proposal", "I propose"), ("ann round 1", "I agree")]
    assert said.take("one") == []


def test_what_is_over_counts_no_more() -> None:
    said = Said()
    for _ in range(5):
        assert not said.keep("one", "ann", "ann", HALF)
        said.take("one")


def test_much_becomes_versions_and_can_be_read_where_it_is() -> None:
    said, entries = Said(), Entries(ContextSettings())
    said.keep("one", "ann", "ann proposal", HALF)
    assert said.keep("one", "bob", "bob proposal", HALF + "!")
    said.move(entries)
    assert not said.keep("one", "ann", "ann round 1", "short")
    words = said.take("one")
    assert words[2] == ("ann round 1", Place(("one", "said", "ann"), 1))
    output = Output(entries, "one", None, words, {})
    assert output.get_parts() == [
        ("ann proposal", HALF), ("bob proposal", HALF + "!"), ("ann round 1", "short"),
    ]  # fmt: skip
    said.forget(words)
    assert entries.versions(("one", "said", "ann")) == 0
