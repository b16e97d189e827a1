from __future__ import annotations

import asyncio
from typing import Any

import pytest

from konseho_cli.core.errors import CircuitOpen, KonsehoError, ModelRefused, ModelUnavailable
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.circuit import Guarded
from konseho_cli.models.service import Service

DOWN = ModelUnavailable("p:m: 503: overloaded", status=503)


def ask(tools: Any, *script: str | Exception, pauses: dict[int, float] | None = None) -> Any:
    """Ask once for each line, one second apart, and longer where `pauses` says; what came."""
    model, service, found = tools.Scripted(script), Service("p:m"), []

    async def main(loop: VirtualLoop) -> None:
        guarded = Guarded(model, service)
        for number in range(len(script)):
            await asyncio.sleep((pauses or {}).get(number, 1))
            try:
                found.append((await guarded.generate(tools.ask(), tools.call())).text)
            except KonsehoError as error:
                found.append(error)

    run_virtual(main)
    return model, service, found


def test_after_five_failures_nobody_asks_the_server_and_the_refusal_says_why(tools: Any) -> None:
    model, service, found = ask(tools, *[DOWN] * 6)
    assert len(model.calls) == 5
    assert isinstance(found[5], CircuitOpen)
    assert str(found[5]) == (
        "p:m: not asked for 59.0 s: 5 requests in a row have failed, the last one with: "
        "503: overloaded"
    )
    assert service.state(6.0).circuit == "open"
    assert service.state(100.0).circuit == "half-open"


def test_after_a_minute_it_is_tried_and_closes_if_it_answers(tools: Any) -> None:
    _, service, found = ask(tools, *[DOWN] * 5, "hello", "again", pauses={5: 60})
    assert found[5:] == ["hello", "again"]
    assert service.state(200.0).circuit == "closed"


def test_a_429_is_no_failure_of_the_server(tools: Any) -> None:
    busy = ModelUnavailable("slow down", status=429)
    model, service, _ = ask(tools, *[busy] * 9)
    assert len(model.calls) == 9
    assert service.state(0).failures == 0


def test_a_refusal_shows_that_the_server_is_well(tools: Any) -> None:
    refused = ModelRefused("bad request", status=400)
    model, service, _ = ask(tools, *[DOWN] * 4, refused, *[DOWN] * 4)
    assert len(model.calls) == 9
    assert service.state(0).failures == 4


def test_a_cancelled_try_leaves_the_next_one_to_try(tools: Any) -> None:
    async def main(loop: VirtualLoop) -> str:
        service = Service("p:m")
        for second in range(5):
            service.breaker.failed("closed", second, second, "down")
        await asyncio.sleep(100)
        hanging = tools.Scripted(["never"])
        hanging.generate = lambda request, call: asyncio.sleep(1000)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await Guarded(hanging, service).generate(tools.ask(), tools.call())
        model = Guarded(tools.Scripted(["hello"]), service)
        return (await model.generate(tools.ask(), tools.call())).text

    assert run_virtual(main) == "hello"
