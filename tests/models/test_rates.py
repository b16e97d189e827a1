from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import NotAsked
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Identity
from konseho_cli.models.rates import MINUTE_S, Rates, Use
from konseho_cli.telemetry.spans import Recorder


def a_call(loop: VirtualLoop, step: str = "s", **fields: Any) -> Call:
    scope = Recorder(loop).root()
    return Call(identity=Identity(step=step, agent="a"), scope=scope, **fields)


async def take(rates: Rates, call: Call, tokens: int) -> Use:
    use = Use(tokens)
    await rates.take(call, use)
    return use


def starts(asked: list[tuple[float, int]], **limits: int) -> list[tuple[float, int]]:
    """When calls that come at these times with so many tokens are let go."""
    found: list[tuple[float, int]] = []

    async def main(loop: VirtualLoop) -> None:
        rates = Rates("p:m", **limits)

        async def one(at: float, tokens: int) -> None:
            await asyncio.sleep(at)
            rates.send(await take(rates, a_call(loop), tokens))
            found.append((loop.time(), tokens))

        await asyncio.gather(*(one(*each) for each in asked))

    run_virtual(main)
    return found


def test_what_fits_in_the_minute_goes_at_once_and_the_rest_as_it_passes() -> None:
    assert starts([(0, 0)] * 5, rpm=2) == [(0, 0), (0, 0), (60, 0), (60, 0), (120, 0)]
    assert starts([(0, 0), (30, 0), (31, 0)], rpm=2) == [(0, 0), (30, 0), (60, 0)]


def test_tokens_count_as_well() -> None:
    assert starts([(0, 600), (0, 300), (0, 300)], tpm=1000) == [(0, 600), (0, 300), (60, 300)]


def test_a_request_that_is_larger_than_the_limit_goes_alone() -> None:
    assert starts([(0, 10), (0, 5000), (0, 10)], tpm=1000) == [(0, 10), (60, 5000), (120, 10)]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 200), st.integers(0, 90)), min_size=1, max_size=30),
    st.integers(1, 5),
    st.integers(90, 200),
)
def test_no_minute_ever_holds_more_than_stated_and_everybody_goes(
    asked: list[tuple[float, int]], rpm: int, tpm: int
) -> None:
    found = starts(asked, rpm=rpm, tpm=tpm)
    assert len(found) == len(asked)
    for start, _ in found:
        minute = [tokens for at, tokens in found if start <= at < start + MINUTE_S - 1e-6]
        assert len(minute) <= rpm
        assert sum(minute) <= tpm


def test_what_was_really_used_takes_the_place_of_the_guess() -> None:
    async def main(loop: VirtualLoop) -> float:
        rates = Rates("p:m", tpm=1000)
        use = await take(rates, a_call(loop), 900)
        rates.send(use)
        waiting = asyncio.ensure_future(take(rates, a_call(loop), 900))
        loop.call_at(3, rates.settle, use, 100)
        await waiting
        return loop.time()

    assert run_virtual(main) == 3


def test_a_request_that_was_never_made_gives_its_room_back() -> None:
    async def main(loop: VirtualLoop) -> float:
        rates = Rates("p:m", rpm=1)
        use = await take(rates, a_call(loop), 0)
        waiting = asyncio.ensure_future(take(rates, a_call(loop), 0))
        loop.call_at(3, rates.give_back, use)
        await waiting
        return loop.time()

    assert run_virtual(main) == 3


def test_room_is_kept_for_what_has_not_gone_out_and_its_minute_begins_when_it_does() -> None:
    async def main(loop: VirtualLoop) -> float:
        rates = Rates("p:m", rpm=1)
        use = await take(rates, a_call(loop), 0)
        loop.call_at(100, rates.send, use)
        await take(rates, a_call(loop), 0)
        return loop.time()

    assert run_virtual(main) == 160


def test_a_cancelled_wait_takes_no_room() -> None:
    async def main(loop: VirtualLoop) -> float:
        rates = Rates("p:m", rpm=1)
        rates.send(await take(rates, a_call(loop), 0))
        first, second = (asyncio.ensure_future(take(rates, a_call(loop), 0)) for _ in range(2))
        loop.call_at(60, first.cancel)  # in the very turn in which it is let go
        await second
        return loop.time()

    assert run_virtual(main) == 60


def test_steps_take_turns() -> None:
    async def main(loop: VirtualLoop) -> list[str]:
        rates, order = Rates("p:m", rpm=1), []

        async def one(step: str) -> None:
            rates.send(await take(rates, a_call(loop, step), 0))
            order.append(step)

        await asyncio.gather(*(one(step) for step in ["crowd"] * 5 + ["few"]))
        return order

    assert run_virtual(main).index("few") <= 2


def test_a_wait_beyond_the_deadline_is_refused_with_the_limits_that_cause_it() -> None:
    async def main(loop: VirtualLoop) -> str:
        rates = Rates("p:m", rpm=1, tpm=10)
        rates.send(await take(rates, a_call(loop), 0))
        with pytest.raises(NotAsked) as caught:
            await take(rates, a_call(loop, deadline=30.0), 0)
        return str(caught.value)

    assert run_virtual(main).startswith(
        "p:m: not asked: its limits (rpm 1, tpm 10) allow the next request in"
    )
