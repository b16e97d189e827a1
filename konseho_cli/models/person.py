"""`human`: a person who answers as models do, asked through a port that the caller hands in.

A person costs nothing, holds no slot that models need, and is never retried, hedged or cached.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, Protocol

import msgspec

from konseho_cli.core.deadline import earliest, ending_at
from konseho_cli.core.errors import InvalidReply, ModelRefused, NoAnswer
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import JSON, PERSON, Call, Model, Reply, Request
from konseho_cli.models.structured import decode


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is asked, and for which part of the run."""

    step: str
    """Id of the step."""
    agent: str
    """Id of the agent whom the person is."""
    who: str
    """As people call them: the NAME of `human:NAME`, else the agent."""
    label: str = ""
    """The item, round or turn that it is about."""
    role: str = ""
    """What the agent's system prompt says of their part."""
    prompt: str
    schema: Mapping[str, JSON] | None = None
    """JSON Schema that the answer must meet; None for free text."""
    deadline: float | None = None
    """When nobody waits for the answer any more, on the loop's clock in seconds; None: never."""


class Desk(Protocol):
    """Where questions to people are put."""

    def attends(self, step: str, agent: str) -> bool:
        """Whether somebody is there who could answer for this agent in this step."""
        ...

    async def ask(self, question: Question) -> JSON:
        """The answer: text, or a value for the schema. May be cancelled; raises NoAnswer."""
        ...


Answer = Callable[[Question], JSON | Awaitable[JSON]]
"""What Python code may answer with; None: no answer."""


class Answering:
    """A desk behind which is a function of the caller's."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def attends(self, step: str, agent: str) -> bool:
        """It is asked for everybody."""
        return True

    async def ask(self, question: Question) -> JSON:
        """What the function gives, awaited where it has to be. Raises NoAnswer."""
        said = self._answer(question)
        if isawaitable(said):
            said = await said
        if said is None:
            raise NoAnswer(f"{question.who} did not answer")
        return said


class Person:
    """A Model that asks a desk."""

    __slots__ = ("_desk", "_name", "_own", "_patience_s")

    def __init__(self, name: str, desk: Desk | None, patience_s: float | None = None) -> None:
        """`name`: the NAME of `human:NAME`, or empty. `patience_s`: seconds for one question."""
        self._own = name
        self._name = f"{PERSON}:{name}" if name else PERSON
        self._desk = desk
        self._patience_s = patience_s

    async def generate(self, request: Request, call: Call) -> Reply:
        """The person's answer. Raises NoAnswer; ModelRefused for one that does not fit."""
        question = self._question(request, call)
        with call.scope.span("human", who=question.who):
            said = await self._ask(question)
        text = _text(question, said)
        call.account.source = "human"
        if call.on_text:
            call.on_text(text)
        return Reply(text=text, model=self._name)

    async def _ask(self, question: Question) -> JSON:
        if self._desk is None:
            raise NoAnswer(f"nobody is there to answer for {question.who}")
        if self._patience_s is None:
            return await self._desk.ask(question)
        late = NoAnswer(f"{question.who} did not answer in {show_duration(self._patience_s)}")
        end = asyncio.get_running_loop().time() + self._patience_s
        question = msgspec.structs.replace(question, deadline=earliest(end, question.deadline))
        async with ending_at(end, lambda: late):
            return await self._desk.ask(question)

    def _question(self, request: Request, call: Call) -> Question:
        identity = call.identity
        said = {message.role: message.text for message in request.messages}
        return Question(
            step=identity.step_id,
            agent=identity.agent,
            who=self._own or identity.agent,
            label=call.label,
            role=said.get("system", ""),
            prompt=request.messages[-1].text,
            schema=request.schema,
            deadline=call.deadline,
        )


class Recalled:
    """A person in a replay, played by the tape: what it gives is theirs."""

    __slots__ = ("_model",)

    def __init__(self, model: Model) -> None:
        self._model = model

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises what the tape raises."""
        reply = await self._model.generate(request, call)
        call.account.source = "human"
        return reply


def fitting(schema: Mapping[str, JSON] | None, value: JSON) -> str:
    """The value as a reply's text. Raises InvalidReply where it does not meet the schema."""
    if schema is None:
        if not isinstance(value, str):
            raise InvalidReply(f"text is expected, not {_shown(value)}")
        if not value.strip():
            raise InvalidReply("it is empty")
        return value
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidReply(f"it is no JSON: {error}") from None
    decode(text, schema)
    return text


def _text(question: Question, said: Any) -> str:
    try:
        return fitting(question.schema, said)
    except InvalidReply as error:
        raise ModelRefused(f"the answer of {question.who} does not fit: {error}") from None


def _shown(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"
