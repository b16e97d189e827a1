from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.context.conversation import Turn, as_input, newest, task_after

texts = st.text(max_size=30)
turns = st.lists(st.builds(Turn, user=texts, answer=texts), max_size=8)


@given(turns, st.integers(0, 200))
def test_what_is_kept_is_the_end_of_what_was_said_and_fits(said, room):
    kept = newest(said, room)
    assert len(kept) <= len(said)
    if kept and sum(turn.size for turn in kept) <= room:
        assert list(kept) == said[len(said) - len(kept) :]
        before = said[: len(said) - len(kept)]
        assert not before or before[-1].size + sum(turn.size for turn in kept) > room
    else:
        assert len(kept) == (1 if said and said[-1].size > room > 0 else 0)


def test_a_turn_that_alone_is_too_long_loses_its_middle():
    (turn,) = newest([Turn(user="why?", answer="a" * 500 + "b" * 500)], 200)
    assert turn.user == "why?"
    assert turn.answer.startswith("a" * 50)
    assert turn.answer.endswith("b" * 50)
    assert "[… 900 characters are left out …]" in turn.answer


@given(turns, texts)
def test_the_task_begins_with_what_is_said_now_and_holds_every_turn_in_its_order(said, now):
    task = task_after(said, now)
    assert task.startswith(now)
    place = len(now)
    for turn in said:
        for text in (turn.user, turn.answer):
            place = task.index(text, place) + len(text)


def test_without_a_conversation_the_task_is_what_is_said():
    assert task_after([], "Tabs?") == "Tabs?"


def test_what_is_left_out_is_said():
    said = [Turn(user="a", answer="b")]
    assert "earlier" not in task_after(said, "c")
    assert "One earlier turn is left out." in task_after(said, "c", left_out=1)
    assert "3 earlier turns are left out." in task_after(said, "c", left_out=3)


def test_the_wording_is_the_documented_one():
    assert task_after([Turn(user="Tabs?", answer="Spaces.")], "And for Go?") == (
        "And for Go?\n\nThat is what is said now, and what is to be answered. What was said before "
        "follows, oldest first: it\nis there to be understood, not to be answered again.\n\n"
        "<conversation>\n<user>\nTabs?\n</user>\n<answer>\nSpaces.\n</answer>\n</conversation>"
    )


def test_as_data_it_is_a_list_of_pairs():
    assert as_input([Turn(user="a", answer="b")]) == [{"user": "a", "answer": "b"}]
