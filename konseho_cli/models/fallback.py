"""Models in order: where one cannot answer, the next is asked, and the answer says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import structs

from konseho_cli.core.errors import InvalidReply, ModelError, ModelRefused, ModelUnavailable
from konseho_cli.models.base import Call, Model, Reply, Request

_ABOUT_THE_REQUEST = frozenset({400, 413, 422})
"""Statuses of refusals that another model would repeat, more likely than not."""


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the chain."""

    name: str
    """`provider:model`."""
    model: Model
    adapt: Callable[[Request], Request]
    """Makes a request for the first model one for this."""


class WithFallback:
    """The first model that can answer does."""

    __slots__ = ("_chain",)

    def __init__(self, chain: Sequence[Alternative]) -> None:
        self._chain = tuple(chain)

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises the last model's error, naming every model, where none could."""
        failures: list[ModelError] = []
        for alternative in self._chain:
            try:
                reply = await alternative.model.generate(alternative.adapt(request), call)
            except (ModelUnavailable, ModelRefused, InvalidReply) as error:
                failures.append(error)
                if not _another_may_help(error, call):
                    break
            else:
                notes = tuple(f"fallback to {alternative.name}: {failure}" for failure in failures)
                return structs.replace(reply, notes=(*notes, *reply.notes)) if notes else reply
        raise _all(failures)


def _another_may_help(error: ModelError, call: Call) -> bool:
    if call.on_text and error.partial:
        return False  # half of another answer has been shown
    return not (isinstance(error, ModelRefused) and error.status in _ABOUT_THE_REQUEST)


def _all(failures: Sequence[ModelError]) -> ModelError:
    last = failures[-1]
    if len(failures) == 1:
        return last
    told = type(last)(
        f"no model could answer: {'; '.join(map(str, failures))}",
        hint=last.hint,
        status=last.status,
        retry_after_s=last.retry_after_s,
        partial=last.partial,
    )
    told.__cause__ = last
    return told
