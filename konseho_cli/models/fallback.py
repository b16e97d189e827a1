"""Models in order: where one cannot answer, the next is asked, and the answer says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf

import msgspec
from msgspec import structs

from konseho_cli.core.errors import (
    InvalidReply,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    NotAsked,
)
from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.service import Service

_ABOUT_THE_REQUEST = frozenset({400, 413, 422})
"""Statuses of refusals that another model would repeat, more likely than not."""


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the chain."""

    name: str
    """`provider:model`."""
    model: Model
    adapt: Callable[[Request], Request]
    """Makes a request for the first model one for this."""
    service: Service
    """Where it is noted that it failed, for all chains that it is part of."""
    cooldown_s: float = 60.0


class WithFallback:
    """The first model that can answer does; one that has just failed is passed over for a while."""

    __slots__ = ("_chain",)

    def __init__(self, chain: Sequence[Alternative]) -> None:
        self._chain = tuple(chain)

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises the last model's error, naming every model, where none could."""
        failures: list[ModelError] = []
        reasons: list[str] = []
        for alternative in self._in_order(reasons):
            try:
                reply = await alternative.model.generate(alternative.adapt(request), call)
            except (ModelUnavailable, ModelRefused, InvalidReply) as error:
                failures.append(error)
                reasons.append(str(error))
                if not _another_may_help(error):
                    break
                _rest(alternative, error)
            else:
                alternative.service.rests_until = -inf
                if alternative is self._chain[0]:
                    return reply
                notes = tuple(f"fallback to {alternative.name}: {reason}" for reason in reasons)
                return structs.replace(reply, notes=(*notes, *reply.notes)) if notes else reply
        raise _all(failures)

    def _in_order(self, reasons: list[str]) -> Sequence[Alternative]:
        """Who is asked; those that rest come last, and are spoken of where another answers."""
        now = asyncio.get_running_loop().time()
        resting = [each for each in self._chain if each.service.rests_until > now]
        if not resting:
            return self._chain
        awake = [each for each in self._chain if each.service.rests_until <= now]
        if awake and awake[0] is not self._chain[0]:
            reasons += (
                f"{each.name} is passed over since it failed: {each.service.rests_for}"
                for each in self._chain[: self._chain.index(awake[0])]
            )
        return [*awake, *resting] if awake else self._chain


def _rest(alternative: Alternative, error: ModelError) -> None:
    if isinstance(error, (InvalidReply, NotAsked)):
        return  # it is well and only did not answer this, or was not asked
    service, now = alternative.service, asyncio.get_running_loop().time()
    pause_s = max(alternative.cooldown_s, error.retry_after_s or 0.0)
    service.rests_until, service.rests_for = now + pause_s, str(error)


def _another_may_help(error: ModelError) -> bool:
    if error.partial:
        return False  # part of another answer is there; what becomes of it is the step's affair
    return not (isinstance(error, ModelRefused) and error.status in _ABOUT_THE_REQUEST)


def _all(failures: Sequence[ModelError]) -> ModelError:
    last = failures[-1]
    if len(failures) == 1:
        return last
    return last.retold(f"no model could answer: {'; '.join(map(str, failures))}")
