from __future__ import annotations

import asyncio
from typing import Any

import pytest

from konseho_cli.core.errors import (
    BudgetReached,
    CircuitOpen,
    ModelError,
    ModelRefused,
    ModelUnavailable,
)
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Reply
from konseho_cli.models.retry import Retried
from konseho_cli.telemetry.spans import Recorder

BUSY = ModelUnavailable("busy", status=503)


class Tried:
    """What a retried call came to, in virtual time."""

    def __init__(self, tools: Any, *script: str | Exception, attempts: int = 3, **call: Any):
        self.model = tools.Scripted(script)
        self.told: list[tuple[str, float]] = []
        self.reply: Reply | None = None
        self.error: ModelError | None = None

        async def main(loop: VirtualLoop) -> None:
            self.recorder = Recorder(loop)
            on_retry = lambda *what: self.told.append(what)  # noqa: E731
            this: Call = tools.call(self.recorder, on_retry=on_retry, **call)
            try:
                self.reply = await Retried(self.model, attempts).generate(tools.ask(), this)
            except ModelError as error:
                self.error = error
            self.took_s = loop.time()

        run_virtual(main)

    @property
    def attempts(self) -> list[int]:
        return [call.identity.attempt for call in self.model.calls]


def test_an_answer_at_once_costs_no_time(tools: Any) -> None:
    tried = Tried(tools, "hello")
    assert tried.reply is not None
    assert (tried.attempts, tried.took_s, tried.recorder.spans) == ([0], 0, [])


def test_a_busy_server_is_asked_again_under_the_next_attempts_identity(tools: Any) -> None:
    tried = Tried(tools, BUSY, BUSY, "hello")
    assert tried.reply is not None
    assert tried.reply.text == "hello"
    assert tried.attempts == [0, 1, 2]


def test_the_last_attempt_decides_and_the_error_counts_them(tools: Any) -> None:
    tried = Tried(tools, BUSY)
    assert isinstance(tried.error, ModelUnavailable)
    assert str(tried.error) == "busy (3 attempts)"
    assert tried.error.status == 503
    assert tried.error.__cause__ is BUSY
    assert len(tried.attempts) == 3


def test_one_attempt_is_no_retry_and_says_nothing_of_it(tools: Any) -> None:
    assert Tried(tools, BUSY, attempts=1).error is BUSY


def test_a_refusal_is_not_asked_again(tools: Any) -> None:
    refused = ModelRefused("no", status=400)
    tried = Tried(tools, refused, "hello")
    assert tried.error is refused


def test_each_wait_is_a_span_and_is_told(tools: Any) -> None:
    tried = Tried(tools, BUSY, BUSY, "hello")
    spans = tried.recorder.spans
    assert [span.kind for span in spans] == ["backoff", "backoff"]
    assert [span.attributes["reason"] for span in spans] == ["busy", "busy"]
    waits = [(span.end - span.start) / 1e9 for span in spans]
    assert waits == pytest.approx([wait_s for _, wait_s in tried.told])
    assert sum(waits) == pytest.approx(tried.took_s)


def test_waits_double_at_most_and_differ_by_call_but_not_by_run(tools: Any) -> None:
    def waits(**call: Any) -> list[float]:
        return [wait_s for _, wait_s in Tried(tools, BUSY, attempts=8, **call).told]

    for seed in range(20):
        found = waits(seed=seed)
        assert all(0 <= wait <= min(2**n, 30) for n, wait in enumerate(found, 1))
        assert found == waits(seed=seed)
    assert waits(agent="a") != waits(agent="b")
    assert waits(seed=1) != waits(seed=2)


def test_the_server_says_how_long_to_wait(tools: Any) -> None:
    slow_down = ModelUnavailable("slow down", status=429, retry_after_s=20)
    tried = Tried(tools, slow_down, "hello")
    assert 20 <= tried.took_s <= 22


def test_nobody_waits_for_more_than_a_minute(tools: Any) -> None:
    tried = Tried(tools, ModelUnavailable("slow down", status=429, retry_after_s=3600), "hello")
    assert tried.took_s == 0
    assert str(tried.error) == "slow down (the server asks to wait for 1 h 00 m)"


def test_an_answer_that_was_partly_shown_is_not_asked_for_again(tools: Any) -> None:
    broke = ModelUnavailable("broke", partial="half")
    for listener in (None, lambda _: None):
        tried = Tried(tools, broke, "hello", on_text=listener)
        assert tried.error is not None
        assert "had come already" in str(tried.error)
        assert tried.error.partial == "half"


def test_a_server_that_says_when_to_come_back_has_not_failed(tools: Any) -> None:
    slow_down = ModelUnavailable("slow down", status=429, retry_after_s=1)
    tried = Tried(tools, *[slow_down] * 8, BUSY, BUSY, "hello")
    assert tried.reply is not None
    assert tried.attempts == list(range(11))
    assert tried.model.calls[0].account.retries == 10


def test_it_has_failed_when_it_says_so_without_end(tools: Any) -> None:
    tried = Tried(tools, ModelUnavailable("slow down", status=429, retry_after_s=1))
    assert str(tried.error) == "slow down (13 attempts)"


def test_an_open_circuit_is_no_reason_to_wait(tools: Any) -> None:
    refusal = CircuitOpen("not asked", retry_after_s=50)
    tried = Tried(tools, refusal, "hello")
    assert tried.error is refusal
    assert tried.took_s == 0


def test_a_wait_that_the_deadline_does_not_leave_time_for_is_not_begun(tools: Any) -> None:
    slow_down = ModelUnavailable("slow down", status=429, retry_after_s=20)
    tried = Tried(tools, slow_down, "hello", deadline=15.0)
    assert str(tried.error) == "slow down (with 15.0 s left, it is not asked again)"
    assert tried.took_s == 0
    assert Tried(tools, slow_down, "hello", deadline=25.0).reply is not None


def test_a_further_attempt_is_asked_for_first(tools: Any) -> None:
    def refuse() -> None:
        raise BudgetReached("enough")

    with pytest.raises(BudgetReached):
        Tried(tools, BUSY, "hello", admit=refuse)


def test_a_cancelled_wait_stays_cancelled(tools: Any) -> None:
    async def main(loop: VirtualLoop) -> list[str | None]:
        recorder = Recorder(loop)
        model = Retried(tools.Scripted([ModelUnavailable("busy", retry_after_s=50)]))
        task = asyncio.create_task(model.generate(tools.ask(), tools.call(recorder)))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [span.attributes.get("error") for span in recorder.spans]

    assert run_virtual(main) == ["CancelledError"]
