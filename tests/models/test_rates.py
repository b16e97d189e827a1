from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Identity
from konseho_cli.models.rates import MINUTE_S, Rates
from konseho_cli.telemetry.spans import Recorder


def a_call(loop: VirtualLoop, step: str = "s", **fields: Any) -> Call:
    scope = Recorder(loop).root()
    return Call(identity=Identity(step=step, agent="a"), scope=scope, **fields)


def starts(asked: list[tuple[float, int]], **limits: int) -> list[tuple[float, int]]:
    """When calls that come at these times with so many tokens are let go."""
    found: list[tuple[float, int]] = []

    async def main(loop: VirtualLoop) -> None:
        rates = Rates("p:m", **limits)

        async def one(at: float, tokens: int) -> None:
            await asyncio.sleep(at)
            await rates.take(a_call(loop), tokens)
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
        use = await rates.take(a_call(loop), 900)
        rates.settle(use, 100)
        await rates.take(a_call(loop), 900)
        return loop.time()

    assert run_virtual(main) == 0


def test_a_request_that_was_never_made_gives_its_room_back() -> None:
    async def main(loop: VirtualLoop) -> float:
        rates = Rates("p:m", rpm=1)
        rates.give_back(await rates.take(a_call(loop), 0))
        await rates.take(a_call(loop), 0)
        return loop.time()

    assert run_virtual(main) == 0


def test_a_cancelled_wait_takes_no_room() -> None:
    async def main(loop: VirtualLoop) -> float:
        rates = Rates("p:m", rpm=1)
        await rates.take(a_call(loop), 0)
        first, second = (asyncio.ensure_future(rates.take(a_call(loop), 0)) for _ in range(2))
        loop.call_at(60, first.cancel)  # in the very turn in which it is let go
        await second
        return loop.time()

    assert run_virtual(main) == 60


def test_steps_take_turns() -> None:
    async def main(loop: VirtualLoop) -> list[str]:
        rates, order = Rates("p:m", rpm=1), []

        async def one(step: str) -> None:
            await rates.take(a_call(loop, step), 0)
            order.append(step)

        await asyncio.gather(*(one(step) for step in ["crowd"] * 5 + ["few"]))
        return order

    assert run_virtual(main).index("few") <= 2


def test_a_wait_beyond_the_deadline_is_refused_with_the_limits_that_cause_it() -> None:
    async def main(loop: VirtualLoop) -> str:
        rates = Rates("p:m", rpm=1, tpm=10)
        await rates.take(a_call(loop), 0)
        with pytest.raises(ModelUnavailable) as caught:
            await rates.take(a_call(loop, deadline=30.0), 0)
        return str(caught.value)

    assert run_virtual(main).startswith("p:m: its limits (rpm 1, tpm 10) allow the next request in")
