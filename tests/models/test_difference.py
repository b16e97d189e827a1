"""What a person sees of a request that is not the recorded one."""

from __future__ import annotations

from konseho_cli.models.base import Message, Request
from konseho_cli.models.difference import difference, differing_fields


def ask(*texts: str, **fields: object) -> Request:
    messages = tuple(Message("user", text) for text in texts)
    return Request(model="m", messages=messages, **fields)  # type: ignore[arg-type]


def test_only_what_differs_is_named() -> None:
    assert differing_fields(ask("x"), ask("x")) == ()
    assert differing_fields(ask("x", seed=1), ask("y", seed=2)) == ("messages", "seed")


def test_a_changed_line_is_shown_with_its_surroundings() -> None:
    then = "\n".join(str(number) for number in range(100))
    shown = difference(ask("same", then), ask("same", then.replace("\n50\n", "\nfifty\n")))
    assert shown.splitlines() == [
        "message 2: user", "@@ -49,5 +49,5 @@", " 48", " 49", "-50", "+fifty", " 51", " 52",
    ]  # fmt: skip


def test_messages_that_came_or_went_are_said_to_be_new_or_recorded() -> None:
    assert difference(ask("a"), ask("a", "b")).splitlines()[0] == "message 2: user, new"
    assert difference(ask("a", "b"), ask("a")).splitlines()[0] == "message 2: user, recorded"


def test_a_message_of_somebody_else_is_a_difference() -> None:
    then = Request(model="m", messages=(Message("user", "a"),))
    now = Request(model="m", messages=(Message("system", "a"),))
    assert difference(then, now) == "message 1: user → system"


def test_a_long_difference_is_cut() -> None:
    shown = difference(ask("a\n" * 500 + "x" * 5000), ask("b\n" * 500)).splitlines()
    assert len(shown) == 25
    assert shown[-1].startswith("… ")
    assert max(map(len, shown)) <= 121
