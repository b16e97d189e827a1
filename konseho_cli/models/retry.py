"""Simple retry: a busy server or a broken connection is asked again after a while."""

from __future__ import annotations

import asyncio

from msgspec import structs

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.hashing import rng
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call, Model, Reply, Request

ATTEMPTS = 3
_LONGEST_S = 60.0
"""Of a wait: more than this and the caller hears of it instead."""
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
        attempt = 0
        while True:
            try:
                return await self._model.generate(request, _numbered(call, attempt))
            except ModelUnavailable as error:
                attempt += 1
                wait_s = self._wait(error, call, attempt)
                reason = str(error)
            if call.on_retry:
                call.on_retry(reason, wait_s)
            with call.scope.span("backoff", attempt=attempt, reason=reason):
                await asyncio.sleep(wait_s)

    def _wait(self, error: ModelUnavailable, call: Call, attempt: int) -> float:
        """Seconds until the next attempt; raises the error where there is to be none."""
        if call.on_text and error.partial:
            raise _told(error, "part of the answer was shown already, so it is not asked again")
        if attempt >= self._attempts:
            raise _told(error, f"{attempt} attempts") if attempt > 1 else error
        chance = rng("backoff", call.seed, call.identity.parts(), attempt).random()
        asked = error.retry_after_s
        if asked is None:
            return chance * min(2.0**attempt, _LONGEST_BACKOFF_S)
        if asked > _LONGEST_S:
            raise _told(error, f"the server asks to wait for {show_duration(asked)}")
        return asked * (1 + _SPREAD * chance)


def _numbered(call: Call, attempt: int) -> Call:
    if attempt == 0:
        return call
    identity = call.identity
    return structs.replace(
        call, identity=structs.replace(identity, attempt=identity.attempt + attempt)
    )


def _told(error: ModelUnavailable, why: str) -> ModelUnavailable:
    """The same error with what came of it, raised from the original's own traceback."""
    told = ModelUnavailable(
        f"{error} ({why})",
        hint=error.hint,
        status=error.status,
        retry_after_s=error.retry_after_s,
        partial=error.partial,
    )
    told.__cause__ = error
    return told
