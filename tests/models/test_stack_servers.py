"""Both clients in their whole stack against a server that nobody here wrote, at its worst."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from konseho_cli.core.errors import ModelUnavailable

KEY = "test-key-of-the-independent-server"
ENV = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
CLIENTS = ("openai:m", "anthropic:m")


def chaos(aimock: str, **rates: float) -> None:
    """Let the server misbehave from now on; without rates, no more."""
    request = urllib.request.Request(
        f"{aimock}/__aimock/chaos",
        data=json.dumps(rates).encode() if rates else None,
        method="POST" if rates else "DELETE",
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"},
    )
    urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def misbehaving(aimock: str, *, for_s: float | None = None, **rates: float) -> Iterator[None]:
    chaos(aimock, **rates)
    timer = threading.Timer(for_s, chaos, [aimock]) if for_s else None
    if timer:
        timer.start()
    try:
        yield
    finally:
        if timer:
            timer.join()
        chaos(aimock)


def ask(tools: Any, aimock: str, model: str, many: int = 1, **more: Any) -> Any:
    base = f"{aimock}/v1" if model.startswith("openai") else aimock
    requests = [tools.ask("How is the weather?") for _ in range(many)]
    return tools.talk(None, model, base_url=base, env=ENV, requests=requests, **more)


@pytest.mark.parametrize("model", CLIENTS)
def test_a_storm_of_429s_loses_no_call_and_wastes_few_requests(
    tools: Any, aimock: str, model: str
) -> None:
    with misbehaving(aimock, for_s=1.5, rateLimitRate=1.0):
        heard = ask(tools, aimock, model, 1000, at_once=True)
    assert heard.errors == []
    assert len(heard.replies) == 1000
    (service,) = heard.services
    assert service.throttled > 0
    assert service.requests == 1000 + service.throttled
    assert service.throttled <= 40  # 4 %
    assert {"queue.rate", "queue.limit", "backoff"} <= set(heard.kinds)


@pytest.mark.parametrize("model", CLIENTS)
def test_connections_that_are_cut_lose_no_call(tools: Any, aimock: str, model: str) -> None:
    with misbehaving(aimock, disconnectRate=0.05):
        heard = ask(tools, aimock, model, 300, at_once=True, attempts=10)
    assert heard.errors == []
    assert len(heard.replies) == 300


@pytest.mark.parametrize("model", CLIENTS)
def test_errors_of_the_server_are_tried_again(tools: Any, aimock: str, model: str) -> None:
    with misbehaving(aimock, dropRate=0.1):
        heard = ask(tools, aimock, model, 50, at_once=True, attempts=10)
    assert heard.errors == []
    assert all(reason.startswith(f"{model}: 500") for reason, _ in heard.retries)


@pytest.mark.parametrize("model", CLIENTS)
def test_what_cannot_be_read_is_tried_again_and_then_an_error(
    tools: Any, aimock: str, model: str
) -> None:
    with misbehaving(aimock, malformedRate=1.0):
        heard = ask(tools, aimock, model, attempts=2)
    assert isinstance(heard.error, ModelUnavailable)
    assert "(2 attempts)" in str(heard.error)


@pytest.mark.parametrize("model", CLIENTS)
def test_a_server_that_never_answers_runs_into_the_timeout(
    tools: Any, aimock: str, model: str
) -> None:
    with misbehaving(aimock, latencyMs=30_000):
        heard = ask(tools, aimock, model, timeout_s=0.3, attempts=2)
    assert "no complete answer within 300 ms" in str(heard.error)
    assert len(heard.retries) == 1


@pytest.mark.parametrize("model", CLIENTS)
def test_a_stream_that_dies_keeps_its_beginning_and_is_not_asked_again(
    tools: Any, aimock: str, model: str
) -> None:
    base = f"{aimock}/v1" if model.startswith("openai") else aimock
    heard = tools.talk(None, model, base_url=base, env=ENV, requests=[tools.ask("hang up")])
    assert isinstance(heard.error, ModelUnavailable)
    assert heard.error.partial
    assert heard.retries == []
    assert heard.accounts[0].wasted.total > 0


@pytest.mark.parametrize("model", CLIENTS)
def test_three_hundred_calls_one_after_another_are_all_answered(
    tools: Any, aimock: str, model: str
) -> None:
    heard = ask(tools, aimock, model, 300)
    assert heard.errors == []
    assert len({reply.text for reply in heard.replies}) == 1
