"""Waiting for a slot: a span that knows who let go of it; nothing where one is free."""

from __future__ import annotations

from typing import Any

from konseho_cli.core.slots import Slots
from konseho_cli.telemetry.spans import Scope, SpanKind


async def take(
    slots: Slots, scope: Scope, kind: SpanKind, priority: int, flow: str = "", **attributes: Any
) -> None:
    """Take a slot; whoever gives it back names the span that held it. `flow`: as in FairQueue."""
    if slots.try_acquire():
        return
    with scope.span(kind, **attributes) as wait:
        wait.waker = await slots.acquire(priority, flow)
