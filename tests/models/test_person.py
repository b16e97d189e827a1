"""People behind the same protocol as models, and nothing around them that is for models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from konseho_cli.core.errors import ModelRefused, NoAnswer
from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Identity, Message, Reply, Request
from konseho_cli.models.cassette import Failure
from konseho_cli.models.http import Http
from konseho_cli.models.person import Answering, Question
from konseho_cli.models.prices import Prices
from konseho_cli.models.registry import ModelChoice, parse_model_name
from konseho_cli.models.stack import Shared, build
from konseho_cli.telemetry.spans import Recorder

SCHEMA = {"type": "string", "enum": ["yes", "no"]}


def say(
    answer: Callable[[Question], Any] | None,
    *,
    schema: Any = None,
    shared: Callable[[], dict[str, Any]] = dict,
    **choice: Any,
) -> tuple[Reply | Exception, Call]:
    """One question through the whole stack, in virtual time."""
    found: list[Call] = []

    async def main(loop: VirtualLoop) -> Reply | Exception:
        desk = None if answer is None else Answering(answer)
        around = Shared(env={}, http=Http(), desk=desk, **shared())
        model = build(ModelChoice(provider="human", **{"model": "", **choice}), around)
        identity = Identity(step="ask", agent="ann")
        call = Call(identity=identity, scope=Recorder(loop).root(), model="human")
        found.append(call)
        request = Request(
            model="", messages=(Message("system", "You know."), Message("user", "Why?")),
            schema=schema,
        )  # fmt: skip
        try:
            return await model.generate(request, call)
        except (ModelRefused, NoAnswer) as error:
            return error

    return run_virtual(main), found[0]


def test_a_person_gets_the_question_and_gives_the_reply() -> None:
    asked: list[Question] = []
    reply, call = say(lambda question: asked.append(question) or "Because.", model="Ana")
    assert isinstance(reply, Reply)
    assert (reply.text, reply.model, reply.usage.total) == ("Because.", "human:Ana", 0)
    (question,) = asked
    assert (question.step, question.agent, question.who) == ("ask", "ann", "Ana")
    assert (question.role, question.prompt) == ("You know.", "Why?")
    assert (call.account.source, call.account.requests) == ("human", 0)


def test_whoever_has_no_name_of_their_own_goes_by_the_agents() -> None:
    reply, _ = say(lambda question: question.who)
    assert isinstance(reply, Reply)
    assert (reply.text, reply.model) == ("ann", "human")


def test_the_wait_is_a_span_of_its_own_kind() -> None:
    async def slowly(question: Question) -> str:
        await asyncio.sleep(60)
        return "Now."

    _, call = say(slowly)
    (span,) = call.scope.recorder.spans
    assert (span.kind, span.end - span.start) == ("human", 60_000_000_000)


def test_a_person_costs_nothing_and_needs_no_key() -> None:
    reply, _ = say(lambda question: "free")
    assert isinstance(reply, Reply)
    assert Prices().cost(reply.model, reply.usage) == 0


def test_a_document_is_a_value_or_nothing() -> None:
    reply, _ = say(lambda question: "yes", schema=SCHEMA)
    assert isinstance(reply, Reply)
    assert json.loads(reply.text) == "yes"
    refused, _ = say(lambda question: "maybe", schema=SCHEMA)
    assert isinstance(refused, ModelRefused)
    assert "the answer of ann does not fit" in str(refused)


@pytest.mark.parametrize("said", [5, "", "  ", ["a"]])
def test_free_text_is_text(said: Any) -> None:
    refused, _ = say(lambda question: said)
    assert isinstance(refused, ModelRefused)


@pytest.mark.parametrize("answer", [None, lambda question: None], ids=["no desk", "no answer"])
def test_nobody_or_nothing_is_no_answer(answer: Any) -> None:
    error, call = say(answer)
    assert isinstance(error, NoAnswer)
    assert call.account.source == "model", "so that nobody takes it for an answer of theirs"


def test_patience_ends_by_the_timeout_of_the_model() -> None:
    async def never(question: Question) -> None:
        assert question.deadline == 90.0
        await asyncio.get_running_loop().create_future()

    error, _ = say(never, timeout_s=90.0)
    assert str(error) == "ann did not answer in 1 m 30 s"


def test_no_slot_is_held_while_somebody_thinks() -> None:
    slots = Slots(1)

    def look(question: Question) -> str:
        assert slots.try_acquire(), "a model could be asked now"
        return "done"

    reply, _ = say(look, shared=lambda: {"slots": slots})
    assert isinstance(reply, Reply)


def test_a_model_stands_in_only_where_that_is_stated() -> None:
    sim = ModelChoice(provider="sim", model="instant")
    reply, call = say(lambda question: None, fallback=(sim,))
    assert isinstance(reply, Reply)
    assert reply.model == "sim:instant"
    assert reply.notes == ("fallback to sim:instant: ann did not answer",)
    assert call.account.source == "model"


def test_the_name_stands_alone_or_with_a_persons() -> None:
    assert parse_model_name("human") == ("human", "")
    assert parse_model_name("human:Ana María") == ("human", "Ana María")


def test_no_answer_is_kept_as_what_it_was() -> None:
    kept = Failure.of(NoAnswer("ann gave no answer"))
    assert type(kept.raised()) is NoAnswer
