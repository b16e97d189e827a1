"""Retry: a busy server or a broken connection is asked again after a while."""

from __future__ import annotations

import asyncio
from math import inf

from msgspec import structs

from konseho_cli.core.errors import KonsehoError, ModelUnavailable, NotAsked
from konseho_cli.core.hashing import rng
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.gate import LONGEST_S

ATTEMPTS = 3
PATIENCE = 10
"""How often a server that is too busy is asked again: that is no failed attempt."""
PATIENCE_S = 120.0
"""And how long, from the first time."""
_LONGEST_BACKOFF_S = 30.0
_SPREAD = 0.1
"""Added to a wait that the server asked for, at most: not everybody comes back at once."""


class Retried:
    """A model that is asked up to `attempts` times while it is unavailable."""

    __slots__ = ("_attempts", "_model")

    def __init__(self, model: Model, attempts: int = ATTEMPTS) -> None:
        self._model = model
        self._attempts = attempts

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, at the last attempt at the latest. Raises what that raised."""
        failures = throttled = 0
        patient_until = inf
        while True:
            again = failures + throttled
            try:
                return await self._model.generate(request, _numbered(call, again))
            except NotAsked:
                raise  # nothing has changed since
            except ModelUnavailable as error:
                again += 1
                now = asyncio.get_running_loop().time()
                if error.status == 429 and throttled < PATIENCE and now < patient_until:
                    throttled += 1
                    patient_until = min(patient_until, now + PATIENCE_S)
                else:
                    failures += 1
                wait_s = self._wait(error, call, failures, again)
                reason = str(error)
                _admit(call, error)
            if call.on_retry:
                call.on_retry(reason, wait_s)
            with call.scope.span("backoff", attempt=again, reason=reason):
                await asyncio.sleep(wait_s)
            call.account.retries += 1

    def _wait(self, error: ModelUnavailable, call: Call, failures: int, again: int) -> float:
        """Seconds until the next attempt; raises the error where there is to be none."""
        if error.partial:
            raise _told(error, "part of the answer had come already, so it is not asked again")
        if failures >= self._attempts:
            raise _told(error, f"{again} attempts") if again > 1 else error
        chance = rng("backoff", call.seed, call.identity.parts(), again).random()
        asked = error.retry_after_s
        if asked is None:
            wait_s = chance * min(2.0**again, _LONGEST_BACKOFF_S)
        elif asked > LONGEST_S:
            raise _told(error, f"the server asks to wait for {show_duration(asked)}")
        else:
            wait_s = asked * (1 + _SPREAD * chance)
        if call.deadline is not None:
            left_s = call.deadline - asyncio.get_running_loop().time()
            if wait_s >= left_s:
                left = show_duration(max(0.0, left_s))
                raise _told(error, f"with {left} left, it is not asked again")
        return wait_s


def _admit(call: Call, error: ModelUnavailable) -> None:
    """Ask for one more request. Raises BudgetReached with what it was wanted for."""
    if call.admit is None:
        return
    try:
        call.admit()
    except KonsehoError as refusal:
        told = type(refusal)(f"{refusal}, after {error}", hint=refusal.hint)
        raise told from error


def _numbered(call: Call, again: int) -> Call:
    if again == 0:
        return call
    identity = call.identity
    return structs.replace(
        call, identity=structs.replace(identity, attempt=identity.attempt + again)
    )


def _told(error: ModelUnavailable, why: str) -> ModelUnavailable:
    """The same error with what came of it."""
    return error.retold(f"{error} ({why})")
