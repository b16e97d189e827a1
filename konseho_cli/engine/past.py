"""What a run that goes on knows already: steps that ended, calls that were answered. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import structs

from konseho_cli.context.showing import SUMMARY
from konseho_cli.core.errors import InvalidReply, StoreFailed
from konseho_cli.core.packing import unpack
from konseho_cli.engine.outcome import Resumed, StepOutcome, Took, any_simulated
from konseho_cli.engine.picked import Picked, picked
from konseho_cli.engine.plan import Plan
from konseho_cli.engine.spent import Spent
from konseho_cli.engine.within import is_inside
from konseho_cli.models.base import Identity, Request, Usage, is_asked, place_of
from konseho_cli.models.budget import own_name
from konseho_cli.models.cassette import (
    Answered,
    hidden_request,
    identity_of,
    request_hash,
    unpacked,
)
from konseho_cli.models.journal import Kept
from konseho_cli.models.redact import Redactor
from konseho_cli.models.structured import decode
from konseho_cli.steps.fields import OnError
from konseho_cli.steps.results import Part
from konseho_cli.store.base import IDENTITY, CallKept, StepKept, StoredRun

_FINISHED = ("ok", "degraded", "skipped")


class Past:
    """The sessions of a run before this one.

    A run that was cut off goes on as if it had not been: what failed and was lived with stays so.
    A run that *failed* tries again what failed: its failed steps and all that wait for these run
    again, and in these no failure of a call counts.
    """

    def __init__(
        self, stored: StoredRun, plan: Plan, *, on_error: OnError = "halt", changed: bool = False
    ) -> None:
        """`on_error`: of steps that do not say. `changed`: the council is not the one that ran, so
        every step runs again, with the calls whose requests are still the same.
        """
        began, ended = stored.row.began, stored.row.ended
        self.stored = stored
        self.sessions = began.session
        self.failed = ended is not None and ended.status == "failed"
        self.mended = began.session if self.failed else began.mended
        """Failures of calls up to this session count for nothing."""
        self.offset = max(0 if ended is None else ended.duration, latest_end(stored))
        """Nanoseconds that the sessions before took."""
        self._calls: dict[tuple[str | int, ...], list[CallKept]] = {}
        for call in stored.calls:
            self._calls.setdefault(call.identity, []).append(call)
        self._kept = {} if changed else self._finished(plan, on_error)
        self.is_whole = len(self._kept) == len(plan.steps)
        """Whether nothing is left to be run."""

    @property
    def again(self) -> tuple[str, ...]:
        """The steps that ended, and run again all the same."""
        return tuple(step.step for step in self.stored.steps if step.step not in self._kept)

    def ended(self, place: str) -> bool:
        """Whether the step at this place, or the one around it, is not run again."""
        return place.partition(".")[0] in self._kept

    def knows(self, place: str, agent: str) -> bool:
        """Whether nobody needs to be asked there: the step has ended, or the answer is kept."""
        return self.ended(place) or any(
            (call.step, call.agent, call.status) == (place, agent, "ok")
            for call in self.stored.calls
        )

    @property
    def resumed(self) -> Resumed:
        """What is not done again, in numbers."""
        answered = [
            next(call for call in reversed(calls) if call.status == "ok")
            for calls in self._calls.values()
            if any(call.status == "ok" for call in calls)
        ]
        spent, before = _spent(answered), self.spent()
        calls = self.stored.calls
        took = Took(
            calls=sum(is_asked(call.model) for call in calls),
            tokens=before.tokens, duration_s=self.offset / 1e9,
            cost=None if any(call.cost is None for call in calls) else before.cost,
        )  # fmt: skip
        return Resumed(
            steps=len(self._kept), calls=len(answered), tokens=spent.tokens, cost=spent.cost,
            before=took,
        )  # fmt: skip

    @property
    def simulated(self) -> bool:
        """Whether any of what is there came from the embedded simulator."""
        return any_simulated(self.stored.calls)

    @property
    def picked(self) -> Picked:
        """Who was picked for an item or to moderate, so that nobody else is asked again."""
        calls = sorted(self.stored.calls, key=lambda call: call.start)
        return picked((call.path, call.item, call.turn, call.agent) for call in calls)

    def finished(self, began: int) -> dict[str, StepOutcome]:
        """The steps that are not run again; `began` is the run's first moment on this clock.

        Raises StoreFailed.
        """
        return {name: step_outcome(step, began) for name, step in self._kept.items()}

    def answered(self, identity: Identity, request: Request, redactor: Redactor) -> Kept | None:
        """What the same call came to, the latest first; None: a model must be asked."""
        wanted: str | None = None
        for call in reversed(self._alike(identity, redactor)):
            if call.status == "cancelled":
                continue
            try:
                kept = unpacked(call.body)
            except ValueError:
                continue
            if kept.failure is not None and kept.failure.is_limit:
                continue  # what is left of the limits now decides
            wanted = wanted or request_hash(hidden_request(request, redactor))
            if kept.hash == wanted:
                mended = call.session <= self.mended
                return None if mended and _is_failure(kept, request) else _given(kept)
        return None

    def _alike(self, identity: Identity, redactor: Redactor) -> Sequence[CallKept]:
        """The calls of this identity; of a summary, whichever step asked for it."""
        if identity.item == SUMMARY:
            return [
                call
                for call in self.stored.calls
                if call.item == SUMMARY and call.agent == identity.agent
            ]
        known = structs.replace(identity, item=redactor.hide(identity.item))
        return self._calls.get(known.parts()[: len(IDENTITY)], ())

    def spent(
        self, *, step: str | None = None, agent: str | None = None, known: Container[str] = ()
    ) -> Spent:
        """What the calls of one step, of one agent (`known`: all of them), or all calls took."""
        own = None if agent is None else agent.rpartition(".")[2]  # cheap to compare, many calls
        return _spent(
            call
            for call in self.stored.calls
            if (step is None or is_inside(call.step, step))
            and (
                agent is None
                or (call.agent == own and own_name(own, place_of(call.step), known) == agent)
            )
        )

    def _finished(self, plan: Plan, on_error: OnError) -> dict[str, StepKept]:
        """In the order of the file."""
        lived_with = {
            planned.id
            for planned in plan.steps
            if not self.failed and (planned.step.on_error or on_error) == "continue"
        }
        known = {
            step.step: step
            for step in self.stored.steps
            if step.status in _FINISHED or (step.status == "failed" and step.step in lived_with)
        }
        kept: dict[str, StepKept] = {}
        for planned in plan.steps:
            step = known.get(planned.id)
            if step is not None and all(other in known for other in planned.sees):
                kept[planned.id] = step
        return kept


def latest_end(stored: StoredRun) -> int:
    """Nanoseconds from the run's first moment to the last end of a call or a step."""
    ends = [step.end for step in stored.steps if step.end is not None]
    return max([0, *ends, *(call.end for call in stored.calls)])


def step_outcome(step: StepKept, began: int) -> StepOutcome:
    """A step as it ended; `began` is the run's first moment. Raises StoreFailed."""
    try:
        body: Mapping[str, object] = unpack(step.body)
        parts = msgspec.convert(body["parts"], tuple[Part, ...])
        details = msgspec.convert(body["details"], dict[str, object])
        value = body["value"]
    except (ValueError, KeyError, TypeError) as error:
        what = f"what is kept of step '{step.step}' of run {step.run} cannot be read: {error}"
        raise StoreFailed(what) from error
    return StepOutcome(
        id=step.step, kind=step.kind, status=step.status, value=value, parts=parts, details=details,
        reasons=step.reasons,
        start=None if step.start is None else began + step.start,
        end=None if step.end is None else began + step.end,
    )  # fmt: skip


def _is_failure(kept: Answered, request: Request) -> bool:
    """Whether it failed, or is a repair that did not fit its schema any better."""
    if kept.failure is not None:
        return True
    if kept.reply is None or request.schema is None or not identity_of(kept.identity).repair:
        return False
    try:
        decode(kept.reply.text, request.schema)
    except InvalidReply:
        return True
    return False


def _given(kept: Answered) -> Kept | None:
    """An answer again, at no cost; or the failure."""
    if kept.failure is not None:
        return Kept(error=kept.failure.raised(), source="journal")
    if kept.reply is None:
        return None
    usage = kept.reply.usage + kept.saved
    return Kept(reply=structs.replace(kept.reply, usage=Usage()), source="journal", saved=usage)


def _spent(calls: Iterable[CallKept]) -> Spent:
    counted = list(calls)
    return Spent(
        calls=sum(call.requests for call in counted),
        tokens=sum(call.input_tokens + call.output_tokens for call in counted),
        cost=sum((call.cost for call in counted if call.cost is not None), Decimal(0)),
    )
