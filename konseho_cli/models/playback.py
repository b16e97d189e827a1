"""What a replay looks up: which recorded attempt or answer a call of now stands for. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from konseho_cli.core.errors import ReplayMiss
from konseho_cli.models.base import Identity, Request
from konseho_cli.models.cassette import (
    Answered,
    Attempt,
    hidden_request,
    identity_of,
    request_hash,
)
from konseho_cli.models.cassette_file import Cassette
from konseho_cli.models.difference import difference, differing_fields
from konseho_cli.models.redact import Redactor

R = TypeVar("R", Attempt, Answered)

_AGAIN = "record it again, or let --replay-miss call ask a model"


class Playback:
    """One replay of a cassette: each attempt is used once.

    By identity first, then by the request alone: a step that got another name still finds its
    answers, in the order in which they were recorded.
    """

    def __init__(self, cassette: Cassette, redactor: Redactor) -> None:
        self.cassette = cassette
        self._redactor = redactor
        self._attempts = _Shelf(cassette.attempts)
        self._answers = _Shelf(each for each in cassette.answers if not each.cancelled)
        self._dropped: dict[tuple[str | int, ...], Answered] = {
            each.identity: each for each in cassette.answers if each.cancelled
        }
        self._used: set[int] = set()
        """By `id` of the attempt; the cassette keeps them all alive."""

    def has_attempts(self, identity: Identity) -> bool:
        """Whether a model was asked for this logical call."""
        return identity.logical in self._attempts.calls

    def attempt(self, identity: Identity, model: str, request: Request) -> Attempt:
        """The recorded attempt. Raises ReplayMiss where there is none, or another request."""
        asked = hidden_request(request, self._redactor)
        key = request_hash(asked)
        own = self._unused(self._attempts.named.get(identity.parts(), ()))
        for attempt in own:
            if attempt.hash == key and attempt.model == model:
                return self._use(attempt)
        if own:
            raise self._differs(own, identity, model, asked)
        dropped = self._dropped.get(identity.logical.parts())
        if dropped is not None and dropped.hash == key:
            return _never_sent(dropped, model, asked)
        if not self.has_attempts(identity):
            for attempt in self._unused(self._attempts.hashed.get(key, ())):
                if attempt.model == model:
                    return self._use(attempt)
        raise self._missing(identity)

    def second(self, first: Attempt) -> Attempt | None:
        """The hedge that answered where this request did not, if nobody has asked for it."""
        if first.identity[-1]:
            return None
        found = self._unused(self._attempts.named.get((*first.identity[:-1], 1), ()))
        return next((attempt for attempt in found if attempt.reply is not None), None)

    def use(self, attempt: Attempt) -> None:
        """It has been given."""
        self._use(attempt)

    def answer(self, identity: Identity, request: Request) -> Answered | None:
        """The answer of a logical call that no model was asked for; None: there is none.

        Raises ReplayMiss where it was another request.
        """
        if self.has_attempts(identity):
            return None
        own = self._answers.named.get(identity.parts(), ())
        if not own and (identity.logical in self._answers.calls or not self._answers.hashed):
            return None
        asked = hidden_request(request, self._redactor)
        key = request_hash(asked)
        for answered in own:
            if answered.hash == key:
                return answered
        if own:
            recorded = own[0].request
            what = f"{place(identity)}: the request differs from the recorded one"
            shown = "" if recorded is None else f"\n{difference(recorded, asked)}"
            raise ReplayMiss(f"{what}{shown}", hint=_AGAIN)
        dropped = self._dropped.get(identity.logical.parts())
        if dropped is not None and dropped.hash == key:
            return None  # what was said elsewhere, as in another iteration, is not its answer
        free = [each for each in self._answers.hashed.get(key, ()) if each.request is not None]
        return free[0] if free and not self._attempts.hashed.get(key) else None

    def _unused(self, attempts: Iterable[Attempt]) -> list[Attempt]:
        return [attempt for attempt in attempts if id(attempt) not in self._used]

    def _use(self, attempt: Attempt) -> Attempt:
        self._used.add(id(attempt))
        return attempt

    def _differs(
        self, own: Sequence[Attempt], identity: Identity, model: str, asked: Request
    ) -> ReplayMiss:
        recorded = next((each for each in own if each.model == model), own[0])
        fields = list(differing_fields(recorded.request, asked))
        shown = difference(recorded.request, asked)
        if recorded.model != model and "model" not in fields:
            fields.insert(0, "model")
            shown = "\n".join(filter(None, (f"model: {recorded.model!r} → {model!r}", shown)))
        what = f"{place(identity)}: the request differs from the recorded one"
        return ReplayMiss(f"{what} ({', '.join(fields)})\n{shown}", hint=_AGAIN)

    def _missing(self, identity: Identity) -> ReplayMiss:
        file = self.cassette.file
        recorded = self._attempts.calls.get(identity.logical)
        if recorded is not None:
            what = f"{file} holds {recorded} of its attempts, and this is another one"
        elif identity.step_id not in self._attempts.steps | self._answers.steps:
            what = f"{file} holds no call of that step"
        else:
            what = f"{file} does not hold this call"
        return ReplayMiss(f"{place(identity)}: {what}", hint=_AGAIN)


class _Shelf(Generic[R]):
    """Records by what they are looked up by."""

    def __init__(self, records: Iterable[R]) -> None:
        self.named: defaultdict[tuple[str | int, ...], list[R]] = defaultdict(list)
        self.hashed: defaultdict[str, list[R]] = defaultdict(list)
        self.calls: Counter[Identity] = Counter()
        """Logical calls, each with how many records it has."""
        self.steps: set[str] = set()
        for record in records:
            identity = identity_of(record.identity)
            self.named[record.identity].append(record)
            self.hashed[record.hash].append(record)
            self.calls[identity.logical] += 1
            self.steps.add(identity.step_id)


def _never_sent(dropped: Answered, model: str, asked: Request) -> Attempt:
    """An attempt of a call that was cancelled before it came to that: it is still waited for."""
    return Attempt(
        identity=dropped.identity, hash=dropped.hash, model=model, request=asked,
        start=dropped.start, duration=dropped.duration, cancelled=True,
    )  # fmt: skip


def place(identity: Identity) -> str:
    """Which call of the run, for people."""
    parts = [f"step '{identity.step}'", f"agent '{identity.agent}'", f"turn {identity.turn + 1}"]
    if identity.item:
        parts.append(f"item '{identity.item:.40}'")
    if identity.repair:
        parts.append("repair")
    if identity.attempt:
        parts.append(f"attempt {identity.attempt + 1}")
    return ", ".join(parts)
