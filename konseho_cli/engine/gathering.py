"""Several branches at once: quorum, early end, and who decided that it was enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sized
from typing import Generic, Protocol, TypeVar

from konseho_cli.core.errors import BudgetReached, KonsehoError, OwnLimitReached, StepFailed
from konseho_cli.core.group import Group, being_cancelled
from konseho_cli.steps.base import Branch, StepContext, Wait
from konseho_cli.steps.crowd import Turns, as_given, is_over
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

    def decides(done: Mapping[str, T], failed: Sized) -> bool:
        return is_over(done, failed, len(branches), quorum=quorum, wait=wait, enough=enough)

    queue = _Queue(ctx, branches, batch, after or {})
    strands = _Strands(branches, queue, decides)
    strands.start()
    try:
        with ctx.scope.span("barrier", step=ctx.step, branches=len(branches)) as barrier:
            queue.open()
            barrier.waker = await strands.decided
    finally:
        done, lost = as_given(branches, strands.done), as_given(branches, strands.failed)
        await strands.group.stop()
    _settle(ctx, done, lost, quorum, len(branches))
    return Gathered(done=done, failed=lost, not_started=queue.turns.waiting)


class _Strands(Generic[T]):
    """Branches under way. An object, since closures that start each other hold all that was said
    until the collector comes.
    """

    def __init__(
        self,
        branches: Mapping[str, Branch[T]],
        queue: _Queue,
        decides: Callable[[Mapping[str, T], Sized], bool],
    ) -> None:
        self.group = Group()
        self.done: dict[str, T] = {}
        self.failed: dict[str, KonsehoError] = {}
        self.decided: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """What ended last before it was enough; or the error of one that no quorum lives with."""
        self._branches = branches
        self._queue = queue
        self._decides = decides

    def start(self, waker: int | None = None) -> None:
        """Begin all whose turn it is."""
        for name, own in self._queue.leave(waker):
            self.group.start(self._run(name, own))

    async def _run(self, name: str, own: Strand) -> None:
        decided = self.decided
        try:
            try:
                self.done[name] = await self._branches[name](own)
            except BudgetReached:
                raise
            except KonsehoError as error:
                self.failed[name] = error
            if decided.done():
                return
            if self._decides(self.done, self.failed):
                decided.set_result(own.scope.latest)
            else:
                self._queue.turns.ended(name)
                self.start(own.scope.latest)
        except BaseException as error:
            if being_cancelled():
                raise
            if not decided.done():
                decided.set_exception(error)  # the owner raises it


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
