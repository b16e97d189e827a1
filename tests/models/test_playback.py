"""Which recorded attempt a call of now stands for: pure."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.errors import ReplayMiss
from konseho_cli.models.base import Identity, Message, Reply, Request
from konseho_cli.models.cassette import Answered, Attempt, Header, request_hash
from konseho_cli.models.cassette_file import Cassette
from konseho_cli.models.playback import Playback
from konseho_cli.models.redact import Redactor

NAME = "openai:m"
HEADER = Header(konseho_cassette=1, version="0", council="c", run="r", seed=7, started=1.0)


def ask(text: str, **fields: Any) -> Request:
    return Request(model="m", messages=(Message("user", text),), **fields)


def who(agent: str = "ann", step: str = "s", **fields: Any) -> Identity:
    return Identity(step=step, agent=agent, **fields)


def attempt(identity: Identity, request: Request, text: str, model: str = NAME) -> Attempt:
    return Attempt(
        identity=identity.parts(), hash=request_hash(request), model=model, request=request,  # type: ignore[arg-type]
        start=0, duration=1, reply=Reply(text=text, model=model),
    )  # fmt: skip


def answer(identity: Identity, request: Request, text: str, *, held: bool = True) -> Answered:
    return Answered(
        identity=identity.parts(), hash=request_hash(request), source="cache",  # type: ignore[arg-type]
        start=0, duration=1, reply=Reply(text=text, model=NAME), request=request if held else None,
    )  # fmt: skip


def playback(*records: Attempt | Answered, secret: str = "") -> Playback:
    cassette = Cassette(
        file="run.jsonl",
        header=HEADER,
        attempts=tuple(each for each in records if isinstance(each, Attempt)),
        answers=tuple(each for each in records if isinstance(each, Answered)),
    )
    return Playback(cassette, Redactor(secret))


def said(played: Playback, identity: Identity, request: Request, model: str = NAME) -> str:
    reply = played.attempt(identity, model, request).reply
    assert reply is not None
    return reply.text


def missed(played: Playback, identity: Identity, request: Request, model: str = NAME) -> str:
    with pytest.raises(ReplayMiss) as caught:
        played.attempt(identity, model, request)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return str(caught.value)


def test_a_call_finds_its_own_attempt_among_equal_requests() -> None:
    same = ask("same")
    played = playback(attempt(who("ann"), same, "a"), attempt(who("bob"), same, "b"))
    assert said(played, who("bob"), same) == "b"
    assert said(played, who("ann"), same) == "a"


def test_each_attempt_of_a_call_is_its_own() -> None:
    request = ask("same")
    second = who(attempt=1)
    played = playback(attempt(second, request, "second"), attempt(who(), request, "first"))
    assert [said(played, each, request) for each in (who(), second)] == ["first", "second"]


def test_a_fallback_with_the_same_identity_is_told_apart_by_its_model() -> None:
    request = ask("same")
    played = playback(
        attempt(who(), request, "first"), attempt(who(), request, "other", "anthropic:m")
    )
    assert said(played, who(), request, "anthropic:m") == "other"
    assert said(played, who(), request) == "first"


def test_a_step_with_another_name_finds_its_attempts_in_recorded_order() -> None:
    request = ask("same")
    played = playback(
        attempt(who("ann", "old"), request, "1"),
        attempt(who("bob", "old"), request, "2"),
        attempt(who("cid", "old"), ask("else"), "3"),
    )
    assert said(played, who("x", "new"), request) == "1"
    assert said(played, who("y", "new"), request) == "2"
    assert "does not hold" in missed(played, who("z", "old"), request)


def test_a_changed_prompt_shows_what_changed() -> None:
    played = playback(attempt(who(), ask("one\ntwo\nthree"), "x"))
    text = missed(played, who(), ask("one\n2\nthree", temperature=0.5))
    assert "step 's', agent 'ann', turn 1: the request differs" in text
    assert "(messages, temperature)" in text
    assert "temperature: None → 0.5" in text
    assert "-two\n+2\n" in text


def test_another_model_is_a_difference() -> None:
    played = playback(attempt(who(), ask("x"), "x"))
    text = missed(played, who(), ask("x"), "sim")
    assert "(model)\nmodel: 'openai:m' → 'sim'" in text


def test_a_call_that_was_not_recorded_is_named() -> None:
    played = playback(attempt(who(), ask("x"), "x"))
    place = who("bob", "pick", turn=1, item="piece", repair=1, attempt=1)
    text = missed(played, place, ask("y"))
    assert "step 'pick', agent 'bob', turn 2, item 'piece', repair, attempt 2" in text
    assert "run.jsonl holds no call of that step" in text
    assert "does not hold this call" in missed(played, who("bob"), ask("y"))


def test_one_attempt_more_than_was_recorded_is_named() -> None:
    played = playback(attempt(who(), ask("x"), "x"))
    text = missed(played, who(attempt=1), ask("x"))
    assert "holds 1 of its attempts, and this is another one" in text


def test_a_key_that_has_changed_since_changes_nothing() -> None:
    recorded = ask("use *** here")
    played = playback(attempt(who(), recorded, "x"), secret="sk-new-0123456789")
    assert said(played, who(), ask("use sk-new-0123456789 here")) == "x"


# ------------------------------------------------------------------------------ logical answers


def test_attempts_go_before_the_logical_answer() -> None:
    request = ask("x")
    played = playback(attempt(who(), request, "x"), answer(who(), request, "x", held=False))
    assert played.answer(who(), request) is None


def test_an_answer_without_attempts_is_given_and_may_be_given_again() -> None:
    request = ask("x")
    played = playback(answer(who(), request, "cached"))
    for _ in range(2):
        found = played.answer(who(), request)
        assert found is not None
        assert found.reply is not None
        assert found.reply.text == "cached"
    assert played.answer(who("bob"), ask("y")) is None


def test_an_answer_to_another_request_shows_the_difference() -> None:
    played = playback(answer(who(), ask("x"), "cached"))
    with pytest.raises(ReplayMiss, match=r"-x\n\+y"):
        played.answer(who(), ask("y"))


def test_an_answer_is_found_by_its_request_where_its_step_has_another_name() -> None:
    request = ask("x")
    played = playback(answer(who(step="old"), request, "cached"))
    assert played.answer(who(step="new"), request) is not None
    explained = playback(
        attempt(who("bob"), request, "x"), answer(who(step="old"), request, "cached")
    )
    assert explained.answer(who(step="new"), request) is None


def test_a_call_that_was_cancelled_in_a_queue_is_cut_off_wherever_it_is() -> None:
    request = ask("x")
    gone = structs.replace(answer(who(), request, ""), reply=None, cancelled=True)
    played = playback(attempt(who("bob"), request, "not ann's"), gone)
    assert played.answer(who(), request) is None
    for number in range(2):
        assert played.attempt(who(attempt=number), NAME, request).cancelled
    assert "does not hold" in missed(played, who(), ask("y"))


def test_hedges_and_attempts_belong_to_one_logical_call() -> None:
    request = ask("x")
    played = playback(attempt(structs.replace(who(), attempt=2, hedge=1), request, "x"))
    assert played.has_attempts(who())
    assert not played.has_attempts(who("bob"))
