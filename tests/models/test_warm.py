"""Who goes first, who waits for it, and what is marked as shared: in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Identity, Message, Reply, Request
from konseho_cli.models.warm import KEPT_S, Warmed, Warmth
from konseho_cli.telemetry.spans import Recorder, Span

SHARED = "The same for all.\n" * 300
FIRST_TEXT_S, ANSWER_S = 1.0, 5.0


class Provider:
    """Says its first text after a second and ends after five; notes what it was asked and when."""

    def __init__(self, fails: Sequence[str] = (), streams: bool = True) -> None:
        self.started: dict[str, float] = {}
        self.stable: dict[str, int] = {}
        self._fails = fails
        self._streams = streams

    async def generate(self, request: Request, call: Call) -> Reply:
        agent, loop = call.identity.agent, asyncio.get_running_loop()
        self.started[agent], self.stable[agent] = loop.time(), call.stable
        with call.scope.span("ttft"):
            await asyncio.sleep(FIRST_TEXT_S)
            if agent in self._fails:
                raise ModelUnavailable(f"{agent} fails")
        with call.scope.span("stream"):
            if call.on_text is not None and self._streams:
                call.on_text("Well")
            await asyncio.sleep(ANSWER_S - FIRST_TEXT_S)
        return Reply(text=f"{agent} is answered", model="test:m")


class Hall:
    """Calls by agent to one warmed model, and what came of them."""

    def __init__(self, loop: VirtualLoop, provider: Provider, *, always: bool = True) -> None:
        self.loop = loop
        self.recorder = Recorder(loop)
        self.model = Warmed("test:m", provider, Warmth(), always=always)
        self.ids: dict[str, int] = {}

    def ask(self, agent: str, text: str, cache: Any = None, system: str = "Be brief.",
            name: str = "m", schema: Any = None) -> asyncio.Task[Reply | Exception]:  # fmt: skip
        messages = (Message("system", system), Message("user", text))
        request = Request(model=name, messages=messages, schema=schema)
        identity = Identity(step="s", agent=agent)

        async def one() -> Reply | Exception:
            call = Call(identity=identity, scope=self.recorder.root(), cache=cache)
            with call.scope.span("ask", agent=agent) as span:
                self.ids[agent] = span.id
                try:
                    return await self.model.generate(request, call)
                except ModelUnavailable as error:
                    return error

        return self.loop.create_task(one())

    @property
    def waits(self) -> list[Span]:
        return [span for span in self.recorder.spans if span.kind == "queue.warm"]


def in_hall(
    scene: Callable[[Hall], Awaitable[None]], provider: Provider | None = None, **fields: Any
) -> tuple[Provider, Hall]:
    provider = provider or Provider()
    halls: list[Hall] = []

    async def main(loop: VirtualLoop) -> None:
        halls.append(Hall(loop, provider, **fields))
        await scene(halls[0])

    run_virtual(main)
    return provider, halls[0]


def fan_out(**how: Any) -> Callable[[Hall], Awaitable[None]]:
    async def scene(hall: Hall) -> None:
        await asyncio.gather(*(hall.ask(name, f"{SHARED}{name}'s own", **how) for name in "abc"))

    return scene


def test_one_goes_first_and_the_others_follow_at_its_first_text() -> None:
    provider, hall = in_hall(fan_out())
    assert provider.started == {"a": 0.0, "b": FIRST_TEXT_S, "c": FIRST_TEXT_S}
    assert set(provider.stable.values()) == {len(SHARED)}
    assert [(span.end - span.start) / 1e9 for span in hall.waits] == [FIRST_TEXT_S] * 2


def test_a_wait_is_ended_by_what_the_leader_was_doing() -> None:
    _, hall = in_hall(fan_out())
    streams = {span.id: span for span in hall.recorder.spans if span.kind == "stream"}
    for wait in hall.waits:
        assert wait.waker is not None
        assert streams[wait.waker].parent == hall.ids["a"]


def test_a_leader_that_does_not_stream_is_waited_for_to_its_end() -> None:
    provider, _ = in_hall(fan_out(), Provider(streams=False))
    assert provider.started == {"a": 0.0, "b": ANSWER_S, "c": ANSWER_S}


def test_what_is_shared_ends_with_a_line() -> None:
    async def scene(hall: Hall) -> None:
        await asyncio.gather(*(hall.ask(name, f"{SHARED}agent {name}") for name in "ab"))

    provider, _ = in_hall(scene)
    assert set(provider.stable.values()) == {len(SHARED)}


def test_the_same_prompt_for_all_is_shared_whole() -> None:
    async def scene(hall: Hall) -> None:
        await asyncio.gather(*(hall.ask(name, f"{SHARED}end") for name in "ab"))

    provider, _ = in_hall(scene)
    assert set(provider.stable.values()) == {len(SHARED) + 3}


@pytest.mark.parametrize(
    "how", [{"cache": True}, {"cache": False}, {"name": "claude-haiku-4-5"}], ids=str
)
def test_nobody_waits_who_did_not_ask_or_whose_prompt_is_too_short_for_the_model(how: Any) -> None:
    provider, hall = in_hall(fan_out(**how))
    assert set(provider.started.values()) == {0.0}
    assert set(provider.stable.values()) == {0}
    assert not hall.waits


def test_a_step_may_ask_where_its_model_does_not() -> None:
    assert in_hall(fan_out(), always=False)[0].started["b"] == 0.0
    assert in_hall(fan_out(cache="warm"), always=False)[0].started["b"] == FIRST_TEXT_S


def test_short_prompts_never_wait() -> None:
    async def scene(hall: Hall) -> None:
        await asyncio.gather(*(hall.ask(name, "short") for name in "abc"))

    assert set(in_hall(scene)[0].started.values()) == {0.0}


def test_prompts_that_begin_otherwise_do_not_wait_for_each_other() -> None:
    async def scene(hall: Hall) -> None:
        one = {"text": SHARED, "system": "You are one."}
        other = {"text": SHARED, "system": "You are another."}
        third = {"text": SHARED, "system": "You are one.", "schema": {"type": "object"}}
        asked = {"a": one, "b": other, "c": third}
        await asyncio.gather(*(hall.ask(name, **how) for name, how in asked.items()))  # type: ignore[arg-type]

    assert set(in_hall(scene)[0].started.values()) == {0.0}


def test_a_long_system_prompt_is_worth_waiting_for_too() -> None:
    async def scene(hall: Hall) -> None:
        await asyncio.gather(*(hall.ask(name, f"{name}?", system=SHARED) for name in "ab"))
        await hall.ask("c", "c?", system=SHARED)

    provider, hall = in_hall(scene)
    assert provider.started["b"] == FIRST_TEXT_S
    assert set(provider.stable.values()) == {0}
    assert len(hall.waits) == 1


def test_where_the_leader_fails_the_next_one_leads() -> None:
    provider, hall = in_hall(fan_out(), Provider(fails="a"))
    assert provider.started == {"a": 0.0, "b": 1.0, "c": 2.0}
    assert set(provider.stable.values()) == {len(SHARED)}
    assert [span.waker is not None for span in hall.waits] == [True, True]


def test_where_all_fail_the_next_call_leads_again() -> None:
    async def scene(hall: Hall) -> None:
        await fan_out()(hall)
        await asyncio.gather(*(hall.ask(name, f"{SHARED}{name}") for name in "de"))

    provider, _ = in_hall(scene, Provider(fails="abc"))
    assert provider.started == {"a": 0.0, "b": 1.0, "c": 2.0, "d": 3.0, "e": 4.0}


@pytest.mark.parametrize("at", [0.0, 0.5])
def test_where_the_leader_is_cancelled_the_next_one_leads(at: float) -> None:
    async def scene(hall: Hall) -> None:
        tasks = [hall.ask(name, f"{SHARED}{name}") for name in "abc"]
        await asyncio.sleep(at)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    provider, _ = in_hall(scene)
    assert provider.started["b"] == at
    assert provider.started["c"] == at + FIRST_TEXT_S
    assert provider.stable["b"] == provider.stable["c"] == len(SHARED)


def test_one_that_is_cancelled_as_it_was_to_lead_lets_the_next_one_lead() -> None:
    async def scene(hall: Hall) -> None:
        tasks = [hall.ask(name, f"{SHARED}{name}") for name in "abc"]
        await asyncio.sleep(0.5)
        tasks[0].cancel()
        hall.loop.call_soon(tasks[1].cancel)  # after it was told to lead, before it runs
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in done] == [True, True, False]

    assert in_hall(scene)[0].started == {"a": 0.0, "c": 0.5}


def test_one_that_gives_up_waiting_holds_up_nobody() -> None:
    async def scene(hall: Hall) -> None:
        tasks = [hall.ask(name, f"{SHARED}{name}") for name in "abc"]
        await asyncio.sleep(0.5)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    assert in_hall(scene, Provider(fails="a"))[0].started == {"a": 0.0, "c": 1.0}


def test_what_is_warm_is_not_waited_for_until_it_is_forgotten() -> None:
    async def scene(hall: Hall) -> None:
        await asyncio.gather(*(hall.ask(name, f"{SHARED}{name}") for name in "ab"))  # kept: 1 s
        await asyncio.sleep(KEPT_S - ANSWER_S - 10)
        await hall.ask("c", f"{SHARED}c")  # its use keeps it longer
        await asyncio.sleep(KEPT_S - ANSWER_S - 1)
        await asyncio.gather(*(hall.ask(name, f"{SHARED}{name}") for name in "de"))
        await asyncio.sleep(KEPT_S)
        await asyncio.gather(*(hall.ask(name, f"{SHARED}{name}") for name in "fg"))

    provider, _ = in_hall(scene)
    assert provider.stable["c"] == len(SHARED)
    assert provider.started["d"] == provider.started["e"]
    assert provider.started["g"] == provider.started["f"] + FIRST_TEXT_S


def test_one_that_comes_late_waits_for_the_leader_under_way() -> None:
    async def scene(hall: Hall) -> None:
        tasks = [hall.ask(name, f"{SHARED}{name}") for name in "ab"]
        await asyncio.sleep(0.25)
        await asyncio.gather(*tasks, hall.ask("c", f"{SHARED}c"))

    assert in_hall(scene)[0].started["c"] == FIRST_TEXT_S


def test_a_second_round_with_another_beginning_is_led_anew() -> None:
    async def scene(hall: Hall) -> None:
        for part in ("first round", "second round"):
            text = f"{SHARED}{part}\n"
            await asyncio.gather(*(hall.ask(f"{name} {part}", text) for name in "ab"))

    provider, _ = in_hall(scene)
    assert [provider.started[f"b {part} round"] for part in ("first", "second")] == [1.0, 7.0]


def test_a_call_alone_shares_nothing_and_holds_up_nobody() -> None:
    async def scene(hall: Hall) -> None:
        await hall.ask("a", f"{SHARED}a")
        await asyncio.gather(*(hall.ask(name, f"{SHARED}{name}") for name in "bc"))

    provider, _ = in_hall(scene)
    assert provider.stable == {"a": 0, "b": len(SHARED), "c": len(SHARED)}


def test_an_answer_that_was_known_warms_nothing_so_the_next_one_leads() -> None:
    class Known(Provider):
        async def generate(self, request: Request, call: Call) -> Reply:
            if call.identity.agent != "a":
                return await super().generate(request, call)
            call.account.source = "cache"
            if call.on_text is not None:
                call.on_text("Known")
            return Reply(text="Known", model="test:m")

    provider, hall = in_hall(fan_out(), Known())
    assert provider.started == {"b": 0.0, "c": FIRST_TEXT_S}
    assert len(hall.waits) == 2


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from([0, 0, 0.5, 1, 6]), st.booleans()), min_size=1, max_size=8),
    st.sets(st.integers(0, 7)),
)
def test_whoever_fails_or_gives_up_everybody_else_is_answered(
    calls: list[tuple[float, bool]], failing: set[int]
) -> None:
    async def scene(hall: Hall) -> None:
        tasks = []
        for number, (pause, cancelled) in enumerate(calls):
            await asyncio.sleep(pause)
            tasks.append(hall.ask(str(number), f"{SHARED}{number}"))
            if cancelled:
                hall.loop.call_later(0.75, tasks[-1].cancel)
        done = await asyncio.gather(*tasks, return_exceptions=True)
        for number, (each, (_, cancelled)) in enumerate(zip(done, calls, strict=True)):
            assert cancelled or isinstance(each, ModelUnavailable if number in failing else Reply)

    in_hall(scene, Provider(fails=[str(number) for number in failing]))
