"""A run that is kept, as a cassette whose attempts wait for slots again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from konseho_cli.models.base import Request
from konseho_cli.models.cassette import Attempt
from konseho_cli.models.cassette_file import Cassette
from konseho_cli.profiling.held import Held


def with_attempts(
    cassette: Cassette, calls: Sequence[Held], asked: Mapping[str, str]
) -> tuple[Cassette, int]:
    """`asked`: by agent, the model that it asks first.

    Also says how many calls a model had answered stay as they are: those that failed, were made
    again or were answered by a fallback take their time as it was, and wait for nothing.
    """
    attempts, left = [], 0
    for call in calls:
        if not call.is_from_model or call.answered.cancelled:
            continue
        model = asked.get(call.identity.agent)
        if call.reply is None or call.tries or call.model != model:
            left += 1
            continue
        attempts.append(_attempt(call, model))
    attempts.sort(key=lambda attempt: attempt.start)
    return structs.replace(cassette, attempts=tuple(attempts)), left


def _attempt(call: Held, model: str) -> Attempt:
    answered, first, whole = call.answered, min(call.first, call.service), call.service
    return Attempt(
        identity=answered.identity, hash=answered.hash, model=model,
        # Only what a message says of a request that differs is lost without it.
        request=answered.request or Request(model=model.partition(":")[2], messages=()),
        start=answered.start, duration=whole, reply=answered.reply,
        phases=(("ttft", 0, first), ("stream", first, whole)),
    )  # fmt: skip
