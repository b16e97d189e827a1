"""One question to one agent: the call, its record, its repair."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from msgspec import structs

from konseho_cli.core.errors import InvalidReply, KonsehoError, ModelError, ModelUnavailable
from konseho_cli.core.group import being_cancelled
from konseho_cli.engine.cast import Speaker
from konseho_cli.engine.outcome import CallRecord, cost_of
from konseho_cli.engine.state import RunState
from konseho_cli.models.base import JSON, Account, Call, Identity, Message, Reply, Request, Usage
from konseho_cli.models.structured import decode, repair_prompt
from konseho_cli.steps.fields import CacheUse
from konseho_cli.steps.results import Answer
from konseho_cli.telemetry.events import AskFinished, AskRetried, AskStarted, TextArrived
from konseho_cli.telemetry.spans import Scope


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, and which call of the run it is."""

    step: str
    """Id of the step, for people."""
    path: str
    """The step with its try, for the call's identity: `review`, `review~1`."""
    prompt: str
    schema: Mapping[str, JSON] | None
    item: str
    turn: int
    label: str
    priority: int
    cache: CacheUse | None
    deadline: float | None
    """When the step or the run ends at the latest, on the loop's clock in seconds."""


async def ask(
    state: RunState,
    scope: Scope,
    speaker: Speaker,
    question: Question,
    degrade: Callable[[str], None],
) -> Answer:
    """Ask, record, and repair once. Raises ModelError, BudgetReached."""
    request = speaker.ask(question.prompt, question.schema)
    with scope.span("ask", step=question.step, agent=speaker.id, label=question.label):
        reply = await _call(state, scope, speaker, question, request, repair=0)
        if state.holding.pressed:
            await state.holding.settle(scope, question.step)
        _note(reply, speaker, degrade)
        if question.schema is None:
            return Answer(agent=speaker.id, text=reply.text, value=reply.text)
        try:
            value = _read(reply, question.schema)
        except InvalidReply as error:
            again = _repair(request, reply, error, question.schema)
            reply = await _call(state, scope, speaker, question, again, repair=1)
            _note(reply, speaker, degrade)
            try:
                value = _read(reply, question.schema)
            except InvalidReply as still:
                what = f"{speaker.id}'s answer does not fit its schema, nor did its repair"
                raise InvalidReply(f"{what}: {still}") from None
        return Answer(agent=speaker.id, text=reply.text, value=value)


async def _call(
    state: RunState,
    scope: Scope,
    speaker: Speaker,
    question: Question,
    request: Request,
    repair: int,
) -> Reply:
    """One logical model call, with its record and its events on every way out."""
    call, number = _new_call(state, scope, speaker, question, repair), scope.current or 0
    _listen(state, call, speaker, question, number)
    start, account = state.recorder.now(), call.account
    status: Literal["ok", "failed", "cancelled"] = "failed"
    usage, name, problem = Usage(), speaker.model_name, ""
    under_way = state.rota.under_way
    under_way[speaker.id] += 1
    try:
        reply = await speaker.model.generate(request, call)
        status, usage, name = "ok", reply.usage, reply.model
        _learn(state, request, reply, account)
        _keep(state, speaker, question, reply.text)
        return reply
    except asyncio.CancelledError as stray:
        if not being_cancelled():
            problem = "something that it awaited was cancelled from outside"
            raise ModelUnavailable(f"{name}: {problem}") from stray
        status = "cancelled"
        raise
    except KonsehoError as error:
        problem = str(error)
        if isinstance(error, ModelError) and error.partial:
            _keep(state, speaker, question, error.partial, " (broken off)")
        raise
    finally:
        under_way[speaker.id] -= 1
        record = CallRecord(
            step=question.step,
            agent=speaker.id,
            label=question.label,
            model=name,
            status=status,
            usage=usage + account.wasted,
            cost=cost_of(state.premises.price, status, name, usage, account),
            start=start,
            end=state.recorder.now(),
            source=account.source,
            requests=account.requests or int(status == "ok" and account.source == "model"),
            retries=account.retries,
            hedges=account.hedges,
            wasted=account.wasted,
            error=problem,
        )
        _record(state, record, number)


def _learn(state: RunState, request: Request, reply: Reply, account: Account) -> None:
    """How many tokens the prompt took, or had taken when the answer was paid for."""
    if request.schema is None:  # how a schema is put to the model, nobody says
        usage = reply.usage + account.saved
        state.premises.tokens.observe(reply.model, request.size, usage)


def _new_call(
    state: RunState, scope: Scope, speaker: Speaker, question: Question, repair: int
) -> Call:
    identity = Identity(
        step=question.path, item=question.item, agent=speaker.id, turn=question.turn, repair=repair
    )
    return Call(
        identity=identity,
        scope=scope,
        label=question.label,
        model=speaker.model_name,
        seed=state.premises.seed,
        priority=question.priority,
        cache=question.cache,
        deadline=question.deadline,
    )


def _record(state: RunState, record: CallRecord, number: int) -> None:
    """Keep the record of a call that ended, and tell whoever listens."""
    state.calls.append(record)
    if state.wants(AskFinished):
        state.bus.emit(_finished(record, number))


def _keep(
    state: RunState, speaker: Speaker, question: Question, text: str, remark: str = ""
) -> None:
    """Note what was said, in case the step does not come to its end."""
    label = f"{speaker.id} {question.label}" if question.label else speaker.id
    if state.top:  # the steps around hold it until the outermost has ended
        label = f"{question.step.removeprefix(f'{state.top}.')} / {label}"
    state.holding.say(state.top or question.step, speaker.id, f"{label}{remark}", text)


def _listen(state: RunState, call: Call, speaker: Speaker, question: Question, number: int) -> None:
    """Say that the call starts, and hook up what is told while it runs, where anybody listens."""
    bus, step, agent = state.bus, question.step, speaker.id
    if state.wants(AskStarted):
        bus.emit(
            AskStarted(at=bus.now(), step=step, agent=agent, call=number, label=question.label)
        )
    if state.wants(TextArrived) and question.schema is None:
        call.on_text = lambda text: bus.emit(
            TextArrived(at=bus.now(), step=step, agent=agent, call=number, text=text)
        )
    if state.wants(AskRetried):
        call.on_retry = lambda reason, wait_s: bus.emit(
            AskRetried(
                at=bus.now(), step=step, agent=agent, call=number, reason=reason, wait_s=wait_s
            )
        )


def _finished(record: CallRecord, number: int) -> AskFinished:
    return AskFinished(
        at=record.end,
        step=record.step,
        agent=record.agent,
        call=number,
        status=record.status,
        input_tokens=record.usage.input_tokens,
        output_tokens=record.usage.output_tokens,
        model=record.model,
        cost=record.cost,
        error=record.error,
        source=record.source,
    )


def _note(reply: Reply, speaker: Speaker, degrade: Callable[[str], None]) -> None:
    for note in reply.notes:
        degrade(f"{speaker.id}: {note}")
    if reply.finish == "length":
        degrade(f"{speaker.id}: the answer was cut off by max_tokens")


def _read(reply: Reply, schema: Mapping[str, JSON]) -> JSON:
    try:
        return decode(reply.text, schema)
    except InvalidReply as error:
        if reply.finish == "length":
            raise InvalidReply(f"it was cut off by max_tokens: {error}") from None
        raise


def _repair(
    request: Request, reply: Reply, error: InvalidReply, schema: Mapping[str, JSON]
) -> Request:
    again = (
        *request.messages,
        Message("assistant", reply.text),
        Message("user", repair_prompt(error, schema)),
    )
    return structs.replace(request, messages=again)
