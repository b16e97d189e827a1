from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.gate import Gate
from konseho_cli.telemetry.spans import Recorder


class Crowd:
    """Calls before a gate in virtual time: when each came through, and whether it was to try."""

    def __init__(
        self, tools: Any, many: int, script: Callable[[Gate, VirtualLoop], object]
    ) -> None:
        self.through: list[tuple[float, bool]] = []

        async def main(loop: VirtualLoop) -> None:
            gate = Gate("p:m")
            self.recorder = Recorder(loop)
            script(gate, loop)
            await asyncio.gather(*(self._one(tools, gate, loop) for _ in range(many)))

        run_virtual(main)

    async def _one(self, tools: Any, gate: Gate, loop: VirtualLoop) -> None:
        tried = await gate.enter(tools.call(self.recorder))
        self.through.append((loop.time(), tried))


def test_an_open_gate_is_no_wait(tools: Any) -> None:
    crowd = Crowd(tools, 3, lambda gate, loop: None)
    assert crowd.through == [(0, False)] * 3
    assert crowd.recorder.spans == []


def test_after_the_pause_one_tries_and_its_answer_lets_the_others_go(tools: Any) -> None:
    def script(gate: Gate, loop: VirtualLoop) -> None:
        gate.close(10)
        loop.call_at(12, gate.open, 42)

    crowd = Crowd(tools, 3, script)
    assert crowd.through == [(10, True), (12, False), (12, False)]
    assert [span.kind for span in crowd.recorder.spans] == ["queue.rate"] * 3
    assert [span.waker for span in crowd.recorder.spans] == [None, 42, 42]


def test_whoever_comes_after_the_pause_tries_at_once(tools: Any) -> None:
    async def main(loop: VirtualLoop) -> bool:
        gate = Gate("p:m")
        gate.close(1)
        await asyncio.sleep(5)
        return await gate.enter(tools.call(Recorder(loop)))

    assert run_virtual(main)


def test_if_it_is_refused_again_all_wait_again(tools: Any) -> None:
    def script(gate: Gate, loop: VirtualLoop) -> None:
        def refuse() -> None:
            gate.close(20)
            gate.stay_closed()

        gate.close(10)
        loop.call_at(11, refuse)
        loop.call_at(32, gate.open, 1)

    assert Crowd(tools, 3, script).through == [(10, True), (31, True), (32, False)]


def test_if_the_one_that_tries_learns_nothing_the_next_one_tries(tools: Any) -> None:
    def script(gate: Gate, loop: VirtualLoop) -> None:
        gate.close(10)
        loop.call_at(11, gate.stay_closed)
        loop.call_at(15, gate.open, 1)

    assert Crowd(tools, 3, script).through == [(10, True), (11, True), (15, False)]


def test_a_shorter_pause_does_not_end_a_longer_one(tools: Any) -> None:
    def script(gate: Gate, loop: VirtualLoop) -> None:
        gate.close(10)
        gate.close(3)

    assert Crowd(tools, 1, script).through == [(10, True)]


def test_one_that_is_cancelled_as_its_turn_comes_leaves_it_to_the_next(tools: Any) -> None:
    async def main(loop: VirtualLoop) -> tuple[float, bool]:
        gate, recorder = Gate("p:m"), Recorder(loop)
        gate.close(10)
        first = asyncio.ensure_future(gate.enter(tools.call(recorder)))
        second = asyncio.ensure_future(gate.enter(tools.call(recorder)))
        loop.call_at(10, first.cancel)
        return (await second, loop.time())

    assert run_virtual(main) == (True, 10)


def test_nobody_waits_beyond_the_deadline_or_for_more_than_a_minute(tools: Any) -> None:
    async def main(loop: VirtualLoop) -> list[str]:
        gate, found = Gate("p:m"), []
        gate.close(30)
        with pytest.raises(ModelUnavailable) as caught:
            await gate.enter(tools.call(Recorder(loop), deadline=20.0))
        found.append(str(caught.value))
        gate.close(90)
        with pytest.raises(ModelUnavailable) as caught:
            await gate.enter(tools.call(Recorder(loop)))
        return [*found, str(caught.value)]

    assert run_virtual(main) == [
        "p:m: its server wants to be left alone for 30.0 s, which is longer than there is time",
        "p:m: its server wants to be left alone for 1 m 30 s",
    ]
