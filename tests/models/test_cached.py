from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.errors import InvalidReply, ModelRefused
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Message, Reply, Request, Usage
from konseho_cli.models.cache import ResponseCache
from konseho_cli.models.cached import Cached, with_cache
from konseho_cli.models.memory_tier import MemoryTier
from konseho_cli.models.registry import ModelChoice
from konseho_cli.telemetry.spans import Recorder

CHOICE = ModelChoice(provider="openai", model="m", temperature=0.0)
USAGE = Usage(input_tokens=5, output_tokens=2)


class Costly:
    """A model that counts how often it is paid."""

    def __init__(self, **reply: Any) -> None:
        self.asked = 0
        self.reply: dict[str, Any] = {"model": "openai:m", "usage": USAGE, **reply}

    async def generate(self, request: Request, call: Call) -> Reply:
        self.asked += 1
        return Reply(**{"text": f"answer {self.asked}", **self.reply})


def cache(**fields: Any) -> ResponseCache:
    return ResponseCache(MemoryTier(lambda: 0, entries=10), **fields)


def question(text: str = "hello", temperature: float | None = 0.0) -> Request:
    return Request(model="m", messages=(Message("user", text),), temperature=temperature)


def asked(tools: Any, model: Any, *requests: Request, **call: Any) -> list[tuple[Reply, Call]]:
    """Each request after the other, in virtual time."""

    async def main(loop: VirtualLoop) -> list[tuple[Reply, Call]]:
        recorder = Recorder(loop)
        calls = [tools.call(recorder, **call) for _ in requests]
        return [(await model.generate(r, c), c) for r, c in zip(requests, calls, strict=True)]

    return run_virtual(main)


def test_the_same_question_is_paid_once(tools: Any) -> None:
    costly, kept = Costly(), cache()
    model = with_cache(costly, CHOICE, kept, {})
    (first, paid), (second, free) = asked(tools, model, question(), question())
    assert first == Reply(text="answer 1", model="openai:m", usage=USAGE)
    assert second == structs.replace(first, usage=Usage())
    assert (paid.account.source, paid.account.saved) == ("model", Usage())
    assert (free.account.source, free.account.saved) == ("cache", USAGE)
    assert costly.asked == 1
    assert (kept.stats.memory_hits, kept.stats.misses, kept.stats.writes) == (1, 1, 1)


def test_another_question_is_another_answer(tools: Any) -> None:
    model = with_cache(Costly(), CHOICE, cache(), {})
    replies = asked(tools, model, question("one"), question("two"))
    assert [reply.text for reply, _ in replies] == ["answer 1", "answer 2"]


def test_a_known_answer_is_shown_whole(tools: Any) -> None:
    model = with_cache(Costly(), CHOICE, cache(), {})
    shown: list[str] = []
    asked(tools, model, question(), question(), on_text=shown.append)
    assert shown == ["answer 1"]  # this model streams nothing


@pytest.mark.parametrize(
    "reply",
    [
        {"notes": ("fallback to x",)},
        {"finish": "length"},
        {"finish": "refusal"},
        {"finish": "other"},
    ],
)
def test_what_is_not_whole_and_plain_is_not_kept(tools: Any, reply: dict[str, Any]) -> None:
    costly = Costly(**reply)
    asked(tools, with_cache(costly, CHOICE, cache(), {}), question(), question())
    assert costly.asked == 2


def test_a_failure_passes_through_and_is_not_kept(tools: Any) -> None:
    model = tools.Scripted([InvalidReply("no JSON"), ModelRefused("no"), "at last", "never"])
    behind = with_cache(model, CHOICE, cache(), {})
    for error in (InvalidReply, ModelRefused):
        with pytest.raises(error):
            asked(tools, behind, question())
    replies = asked(tools, behind, question(), question())
    assert [reply.text for reply, _ in replies] == ["at last", "at last"]


def test_refresh_asks_and_keeps_the_new_answer(tools: Any) -> None:
    costly, memory = Costly(), MemoryTier(lambda: 0, entries=10)

    def run(**fields: Any) -> str:
        model = with_cache(costly, CHOICE, ResponseCache(memory, **fields), {})
        return asked(tools, model, question())[0][0].text

    assert [run(), run(), run(refresh=True), run()] == [
        "answer 1", "answer 1", "answer 2", "answer 2",
    ]  # fmt: skip


def test_a_call_that_is_not_cached_asks_every_time(tools: Any) -> None:
    costly = Costly()
    model = with_cache(costly, CHOICE, cache(), {})
    asked(tools, model, question(), question(), cache=False)
    assert costly.asked == 2


def test_a_model_that_cannot_be_cached_has_nothing_around_it() -> None:
    costly = Costly()
    warm = structs.replace(CHOICE, temperature=0.7)
    assert with_cache(costly, CHOICE, None, {}) is costly
    assert with_cache(costly, warm, cache(), {}) is costly
    assert with_cache(costly, structs.replace(CHOICE, cache=False), cache(), {}) is costly
    assert with_cache(costly, ModelChoice(provider="sim", model=""), cache(), {}) is costly
    assert isinstance(with_cache(costly, CHOICE, cache(), {}), Cached)
    assert isinstance(with_cache(costly, structs.replace(warm, cache=True), cache(), {}), Cached)
    assert isinstance(with_cache(costly, warm, cache(asked=True), {}), Cached)
    assert isinstance(with_cache(costly, warm, cache(by_step=True), {}), Cached)


class Slow:
    """A tier that takes its time."""

    async def get(self, key: bytes) -> None:
        import asyncio

        await asyncio.sleep(2)

    def put(self, key: bytes, value: bytes, **seen: Any) -> None:
        pass

    def drop(self, key: bytes) -> None:
        pass

    def count(self, **counts: Any) -> None:
        pass

    async def aclose(self) -> None:
        pass


def test_waiting_for_the_disk_is_a_span_and_memory_needs_none(tools: Any) -> None:
    kept = ResponseCache(MemoryTier(lambda: 0, entries=10), Slow())
    model = with_cache(Costly(), CHOICE, kept, {})

    async def main(loop: VirtualLoop) -> list[tuple[str, int, Any]]:
        recorder = Recorder(loop)
        for _ in range(2):
            await model.generate(question(), tools.call(recorder))
        return [
            (each.kind, each.end - each.start, each.attributes["hit"]) for each in recorder.spans
        ]

    assert run_virtual(main) == [("cache", 2 * 10**9, False)]
