"""Several branches at once: quorum, early end, and who decided that it was enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from konseho_cli.core.errors import BudgetReached, KonsehoError, OwnLimitReached, StepFailed
from konseho_cli.core.group import Group, being_cancelled
from konseho_cli.steps.base import Branch, StepContext, Wait
from konseho_cli.steps.crowd import Turns, is_over
from konseho_cli.steps.results import Gathered
from konseho_cli.telemetry.spans import Scope, Span

T = TypeVar("T")


MOST_NAMES = 3
"""Of those that failed alike, in one reason."""


class Strand(StepContext, Protocol):
    """A step's context as gathering needs it: with its place among the spans."""

    @property
    def scope(self) -> Scope:
        """Where this strand records its spans."""
        ...

    def branch(self) -> Strand:
        """The context of a task that this one starts."""
        ...


async def gather(
    ctx: Strand,
    branches: Mapping[str, Branch[T]],
    *,
    quorum: int,
    wait: Wait,
    enough: Callable[[Mapping[str, T]], bool] | None,
    batch: int | None = None,
    after: Mapping[str, Collection[str]] | None = None,
) -> Gathered[T]:
    """Run branches until all settled, or until the rest is not needed any more.

    At most `batch` run at a time: whoever ends lets in the next, and nobody waits for a whole
    batch to end. A branch with others in `after` begins when the last of these has ended.

    Raises StepFailed when fewer than `quorum` can succeed; what still runs is then cancelled.
    """
    if not branches:
        return Gathered(done={}, failed={})
    done: dict[str, T] = {}
    failed: dict[str, KonsehoError] = {}
    decided: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def strand(name: str, branch: Branch[T], own: Strand) -> None:
        try:
            try:
                done[name] = await branch(own)
            except BudgetReached:
                raise
            except KonsehoError as error:
                failed[name] = error
            if not decided.done():
                if is_over(done, failed, len(branches), quorum=quorum, wait=wait, enough=enough):
                    decided.set_result(own.scope.latest)
                else:
                    queue.turns.ended(name)
                    start(own.scope.latest)
        except BaseException as error:
            if being_cancelled():
                raise
            if not decided.done():
                decided.set_exception(error)  # the owner raises it

    group, queue = Group(), _Queue(ctx, branches, batch, after or {})

    def start(waker: int | None = None) -> None:
        for name, own in queue.leave(waker):
            group.start(strand(name, branches[name], own))

    start()
    try:
        with ctx.scope.span("barrier", step=ctx.step, branches=len(branches)) as barrier:
            queue.open()
            barrier.waker = await decided
    finally:
        over = {name: done[name] for name in branches if name in done}
        lost = {name: failed[name] for name in branches if name in failed}
        await group.stop()
    _settle(ctx, over, lost, quorum, len(branches))
    return Gathered(done=over, failed=lost, not_started=queue.turns.waiting)


class _Queue:
    """Those whose turn has not come: each waits in a span that whoever lets it in is to end."""

    def __init__(
        self,
        ctx: Strand,
        branches: Iterable[str],
        batch: int | None,
        after: Mapping[str, Collection[str]],
    ) -> None:
        self.turns = Turns(branches, batch=batch, after=after)
        self._after = after
        self._step = ctx.step
        self._own = {name: ctx.branch() for name in branches}
        self._waits: dict[str, Span] = {}

    def open(self) -> None:
        """Those that are left begin to wait: for others, or for a place."""
        for name, own in self._own.items():
            if others := self._after.get(name):
                wait = own.scope.span("barrier", step=self._step, after=len(others))
            else:
                wait = own.scope.span("queue.pool", step=self._step, resource="batch")
            self._waits[name] = wait

    def leave(self, waker: int | None) -> Iterator[tuple[str, Strand]]:
        """Whose turn it is, with its context; `waker` is what had to end first."""
        while (name := self.turns.take()) is not None:
            wait = self._waits.pop(name, None)
            if wait is not None:
                with wait:
                    wait.waker = waker
            yield name, self._own.pop(name)


def _settle(
    ctx: Strand, done: Mapping[str, T], lost: Mapping[str, KonsehoError], quorum: int, asked: int
) -> None:
    if asked - len(lost) < quorum:
        for failure in lost.values():
            if isinstance(failure, OwnLimitReached):
                raise failure  # what to raise is a limit, and that is its own exit status
        reasons = "; ".join(f"{names}: {error}" for names, error, _ in _together(lost))
        if quorum == asked == 1:
            raise StepFailed(ctx.step, reasons, hint=_shared_hint(lost))
        raise StepFailed(
            ctx.step,
            f"{len(lost)} of {asked} failed, {quorum} must succeed ({reasons})",
            hint=_shared_hint(lost) or "set a lower `quorum`, or `on_error`",
        )
    for names, error, many in _together(lost):
        ctx.degrade(f"{names} {'were' if many > 1 else 'was'} dropped: {error}")


def _together(lost: Mapping[str, KonsehoError]) -> Iterator[tuple[str, str, int]]:
    """Names of those with the same error, the error, and how many they are: a thousand is one line."""
    by_error: dict[str, list[str]] = {}
    for name, error in lost.items():
        by_error.setdefault(str(error), []).append(name)
    for text, names in by_error.items():
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield f"{', '.join(names[:MOST_NAMES])}{more}", text, len(names)


def _shared_hint(lost: Mapping[str, KonsehoError]) -> str | None:
    """The way out that all failures name: it mends the cause, where a quorum only lives with it."""
    hints = {error.hint for error in lost.values()}
    return hints.pop() if len(hints) == 1 else None
