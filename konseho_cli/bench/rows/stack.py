"""What the wrappers around a model cost a call, while none of them has anything to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.rows.council import timed
from konseho_cli.core.clock import RealClock
from konseho_cli.models.base import Call, Identity, Model, Reply, Request
from konseho_cli.models.circuit import Guarded
from konseho_cli.models.limits import Throttled
from konseho_cli.models.retry import Retried
from konseho_cli.models.service import Service
from konseho_cli.telemetry.spans import Recorder


class Instant:
    """A model that answers without a turn of the loop."""

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer."""
        return _REPLY


_REPLY = Reply(text="x", model="bench")


@contextmanager
def _stack_idle(scale: float) -> Iterator[Pair]:
    times = max(10, round(20_000 * scale))
    service = Service("openai:bench", "http://bench")
    service.limit("auto", rpm=None, tpm=None)
    bare = Instant()
    stack = Retried(Guarded(Throttled(bare, service, None), service))

    async def ask(model: Model) -> None:
        request, scope = Request(model="bench", messages=()), Recorder(RealClock()).root()
        identity = Identity(step="review", agent="critic")
        for _ in range(times):
            await model.generate(request, Call(identity=identity, scope=scope))

    yield Pair(
        ours=lambda: timed(lambda: ask(stack), times),
        peer=lambda: timed(lambda: ask(bare), times),
    )


ROWS = (
    Row(
        name="stack_idle",
        title="a call through retry, breaker and limits, with nothing to wait for",
        peer="the model alone",
        prepare=_stack_idle,
    ),
)
