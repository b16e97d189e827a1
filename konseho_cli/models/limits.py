"""At most so many attempts at the same time; waiting for a turn is a span of its own."""

from __future__ import annotations

from konseho_cli.core.slots import Slots
from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.telemetry.waiting import take


class Limited:
    """A model behind `max_concurrency`; the slots are shared by all models of a run."""

    __slots__ = ("_model", "_slots")

    def __init__(self, model: Model, slots: Slots) -> None:
        self._model = model
        self._slots = slots

    async def generate(self, request: Request, call: Call) -> Reply:
        """Wait for a slot, then answer."""
        scope = call.scope
        await take(self._slots, scope, "queue.limit", call.priority, resource="max_concurrency")
        try:
            return await self._model.generate(request, call)
        finally:
            self._slots.release(by=scope.here)
