from __future__ import annotations

import asyncio
from typing import Any

import pytest

from konseho_cli.core.errors import BudgetReached, KonsehoError, ModelRefused, ModelUnavailable
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Message, Reply, Request, Usage
from konseho_cli.models.cache import ResponseCache
from konseho_cli.models.cache_key import Caching
from konseho_cli.models.flight import SingleFlight
from konseho_cli.models.memory_tier import MemoryTier
from konseho_cli.telemetry.spans import Recorder, Span

CACHING = Caching(provider="openai", base_url="", wanted=True)
USAGE = Usage(input_tokens=5, output_tokens=2)


class Answering:
    """A model that takes a second, then says or raises what is next in its script."""

    def __init__(self, *script: str | Exception) -> None:
        self.script = list(script)
        self.asked: list[str] = []

    async def generate(self, request: Request, call: Call) -> Reply:
        self.asked.append(call.identity.agent)
        said = self.script[min(len(self.asked), len(self.script)) - 1]
        with call.scope.span("ttft"):
            await asyncio.sleep(1)
        if isinstance(said, Exception):
            raise said
        return Reply(text=said, model="openai:m", usage=USAGE)


class Crowd:
    """Callers that all ask, one after another without a pause, and what became of them."""

    def __init__(self, tools: Any, model: Answering) -> None:
        self.tools = tools
        self.model = model
        self.cache = ResponseCache(MemoryTier(lambda: 0, entries=9))
        self.single = SingleFlight(model, self.cache, CACHING)
        self.calls: list[Call] = []
        self.spans: list[Span] = []
        self.took = 0.0

    def ask(
        self, agents: str, *, cancel: dict[str, float] | None = None, texts: str = "", **call: Any
    ) -> list[str]:
        """What each got, or the name of what it raised; `cancel`: after so many seconds."""

        async def main(loop: VirtualLoop) -> list[str]:
            recorder = Recorder(loop)
            self.spans = recorder.spans
            tasks = {}
            for place, name in enumerate(agents):
                self.calls.append(self.tools.call(recorder, agent=name, **call))
                asked = Request(
                    model="m", messages=(Message("user", (texts or agents[0] * 9)[place]),)
                )
                one = self.single.generate(asked, self.calls[-1])
                tasks[name] = asyncio.ensure_future(one)
            for name, after_s in (cancel or {}).items():
                loop.call_later(after_s, tasks[name].cancel)
            ended = await asyncio.gather(*tasks.values(), return_exceptions=True)
            self.took = loop.time()
            return [each.text if isinstance(each, Reply) else type(each).__name__ for each in ended]

        return run_virtual(main)


def test_identical_requests_in_flight_are_one_request(tools: Any) -> None:
    crowd = Crowd(tools, Answering("yes"))
    assert crowd.ask("abc") == ["yes", "yes", "yes"]
    assert crowd.model.asked == ["a"]
    assert [call.account.source for call in crowd.calls] == ["model", "flight", "flight"]
    assert [call.account.saved for call in crowd.calls] == [Usage(), USAGE, USAGE]
    assert (crowd.cache.stats.shared, crowd.cache.stats.saved_tokens) == (2, 14)


def test_other_requests_go_their_own_way(tools: Any) -> None:
    crowd = Crowd(tools, Answering("yes"))
    crowd.ask("abc", texts="xyx")
    assert crowd.model.asked == ["a", "b"]


def test_a_request_after_the_flight_is_a_request(tools: Any) -> None:
    crowd = Crowd(tools, Answering("one", "two"))
    assert [crowd.ask("a"), crowd.ask("a")] == [["one"], ["two"]]


def test_a_call_that_is_not_cached_is_never_shared(tools: Any) -> None:
    crowd = Crowd(tools, Answering("yes"))
    crowd.ask("ab", cache=False)
    assert crowd.model.asked == ["a", "b"]


def test_whoever_shares_an_answer_is_shown_it_whole(tools: Any) -> None:
    shown: list[str] = []
    Crowd(tools, Answering("yes")).ask("ab", on_text=shown.append)
    assert shown == ["yes"]


def test_the_wait_is_a_span_that_knows_whose_request_it_was(tools: Any) -> None:
    crowd = Crowd(tools, Answering("yes"))
    crowd.ask("ab")
    request, wait = crowd.spans
    assert (wait.kind, wait.waker, wait.end - wait.start) == ("queue.flight", request.id, 10**9)


def test_a_leader_that_is_cancelled_leaves_the_request_to_the_next_in_line(tools: Any) -> None:
    crowd = Crowd(tools, Answering("never", "yes"))
    assert crowd.ask("abc", cancel={"a": 0.5}) == ["CancelledError", "yes", "yes"]
    assert crowd.model.asked == ["a", "b"]
    assert crowd.took == 1.5
    assert [call.account.source for call in crowd.calls] == ["model", "model", "flight"]


def test_leaders_may_fall_one_after_another(tools: Any) -> None:
    crowd = Crowd(tools, Answering("yes"))
    ended = crowd.ask("abc", cancel={"a": 0.5, "b": 0.75})
    assert ended == ["CancelledError", "CancelledError", "yes"]
    assert crowd.took == 1.75


def test_a_follower_that_is_cancelled_disturbs_nobody(tools: Any) -> None:
    crowd = Crowd(tools, Answering("yes"))
    assert crowd.ask("abc", cancel={"b": 0.5}) == ["yes", "CancelledError", "yes"]
    assert crowd.model.asked == ["a"]


@pytest.mark.parametrize("error", [ModelUnavailable, ModelRefused])
def test_the_models_failure_is_everybodys(tools: Any, error: type[KonsehoError]) -> None:
    crowd = Crowd(tools, Answering(error("503: busy", hint="wait")))
    assert crowd.ask("ab") == [error.__name__] * 2
    assert crowd.model.asked == ["a"]


def test_a_shared_failure_says_all_that_the_first_one_said(tools: Any) -> None:
    error = ModelUnavailable("busy", hint="wait", status=503, retry_after_s=7.0, partial="hal")
    single = Crowd(tools, Answering(error)).single

    async def main(loop: VirtualLoop) -> Any:
        calls = [tools.call(Recorder(loop)) for _ in range(2)]
        ended = [single.generate(tools.ask(), call) for call in calls]
        return (await asyncio.gather(*ended, return_exceptions=True))[1]

    copy = run_virtual(main)
    assert copy is not error
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_who_may_wait_longer_than_the_one_that_failed_asks_for_itself(tools: Any) -> None:
    single = Crowd(tools, model := Answering(ModelUnavailable("too late"), "yes")).single

    async def main(loop: VirtualLoop) -> list[Any]:
        recorder = Recorder(loop)
        calls = [tools.call(recorder, deadline=each) for each in (2.0, 2.0, 9.0, None)]
        ended = [single.generate(tools.ask(), call) for call in calls]
        return await asyncio.gather(*ended, return_exceptions=True)

    first, second, *others = run_virtual(main)
    assert isinstance(first, ModelUnavailable)
    assert isinstance(second, ModelUnavailable)
    assert [reply.text for reply in others] == ["yes", "yes"]
    assert len(model.asked) == 2


def test_a_budget_that_is_the_leaders_own_stops_nobody_else(tools: Any) -> None:
    crowd = Crowd(tools, Answering(BudgetReached("no more"), "yes"))
    assert crowd.ask("abc") == ["BudgetReached", "yes", "yes"]
    assert crowd.model.asked == ["a", "b"]
