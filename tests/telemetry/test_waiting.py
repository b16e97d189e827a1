"""Taking a slot: no span where one is free, and a waker where one had to be waited for."""

from __future__ import annotations

import asyncio

from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.telemetry.spans import Recorder
from konseho_cli.telemetry.waiting import take


def test_waiting_for_a_slot_is_a_span_with_who_let_go() -> None:
    async def main(loop: VirtualLoop) -> None:
        recorder, slots = Recorder(loop), Slots(1)
        root = recorder.root()
        with root.span("ask") as holder:
            await take(slots, root, "queue.limit", 5)
            assert recorder.spans == []
            waiter = asyncio.ensure_future(
                take(slots, root.branch(), "queue.limit", 5, resource="x")
            )
            await asyncio.sleep(2)
            slots.release(by=root.here)
            await waiter
        (wait, _) = recorder.spans
        assert (wait.kind, wait.waker, wait.end - wait.start) == (
            "queue.limit",
            holder.id,
            2 * 10**9,
        )
        assert wait.attributes == {"resource": "x"}

    run_virtual(main)
