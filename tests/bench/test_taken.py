from __future__ import annotations

from msgspec import structs

from konseho_cli.bench.taken import with_attempts
from konseho_cli.models.base import Reply
from konseho_cli.models.cassette import FORMAT, Answered, Failure, Header, identity_of
from konseho_cli.models.cassette_file import Cassette
from konseho_cli.profiling.held import Held, Try

HEADER = Header(
    konseho_cassette=FORMAT, version="0", council="test", run="run", seed=0, started=0.0
)  # fmt: skip
EMPTY = Cassette(file="run 3fk2", header=HEADER, attempts=(), answers=())
ASKED = {"ann": "sim", "bob": "sim"}


def held(agent="ann", *, start=0, **fields):
    identity = ("one", 0, "", agent, 0, 0, 0, 0, 0)
    answered = Answered(
        identity=identity, hash="h", source="model", start=start, duration=9,
        reply=Reply(text="said", model="sim"),
    )  # fmt: skip
    call = Held(
        identity=identity_of(identity), answered=answered, model="sim", service=5, first=2
    )  # fmt: skip
    return structs.replace(call, **fields)


def failed(call):
    failure = Failure(error="ModelUnavailable", message="busy")
    return structs.replace(
        call, answered=structs.replace(call.answered, reply=None, failure=failure)
    )  # fmt: skip


def test_a_call_is_an_attempt_of_its_service_time_alone():
    cassette, left = with_attempts(EMPTY, [held("bob", start=7), held(start=3)], ASKED)
    assert left == 0
    assert [(each.identity[3], each.start) for each in cassette.attempts] == [
        ("ann", 3),
        ("bob", 7),
    ]
    (attempt, _) = cassette.attempts
    assert (attempt.hash, attempt.model, attempt.duration) == ("h", "sim", 5)
    assert attempt.phases == (("ttft", 0, 2), ("stream", 2, 5))
    assert attempt.reply == Reply(text="said", model="sim")


def test_what_one_attempt_cannot_tell_stays_as_it_was_and_is_counted():
    again = held(tries=(Try(service=1, backoff=1, reason="busy"),))
    by_another = held(model="openai:gpt-5-mini")
    cassette, left = with_attempts(EMPTY, [again, by_another, failed(held())], ASKED)
    assert (cassette.attempts, left) == ((), 3)


def test_what_asked_no_model_stays_as_it_was():
    call = held()
    cached = structs.replace(call, answered=structs.replace(call.answered, source="cache"))
    assert with_attempts(EMPTY, [cached], ASKED) == (EMPTY, 0)
