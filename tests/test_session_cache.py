"""A council that runs twice: over real HTTP, and with the cache asked for, switched off, broken."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from konseho_cli import Agent, Ask, Council
from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.models.cache import CacheWishes
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document, load_council

ANSWER = {
    "choices": [{"message": {"content": "Tabs."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2},
}


class Server:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response(ANSWER)

    def serve(self, use: Callable[[str], Awaitable[None]]) -> None:
        async def main() -> None:
            app = web.Application()
            app.router.add_post("/v1/chat/completions", self.answer)
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            try:
                await use(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
            finally:
                await runner.cleanup()

        asyncio.run(main())


async def run(url: str, wishes: CacheWishes = CacheWishes(), **model: Any) -> RunOutcome:  # noqa: B008
    document = {
        "konseho": 1,
        "name": "twice",
        "models": {"m": {"use": "openai:m", "base_url": url, "temperature": 0, **model}},
        "model": "m",
        "agents": {"ann": {"role": "You are one of us."}, "bob": {"role": "You are one of us."}},
        "steps": [{"kind": "parallel", "agents": ["ann", "bob"]}, {"kind": "ask", "agent": "ann"}],
    }
    options = RunOptions(task="Tabs or spaces?", caching=wishes)
    return await Session(check_document(document), options).run()


def sources(outcome: RunOutcome) -> list[str]:
    return [call.source for call in outcome.calls]


def test_the_second_run_of_a_council_makes_no_request() -> None:
    server = Server()

    async def twice(url: str) -> None:
        first, second = await run(url), await run(url)
        assert sources(first).count("model") == 2  # ann and bob ask the same
        assert sources(second) == ["cache"] * 3
        assert first.answer == second.answer == "Tabs."
        assert (second.usage.total, second.cost) == (0, 0)
        assert second.cache is not None
        assert (second.cache.hits, second.cache.saved_tokens) == (3, 21)

    server.serve(twice)
    assert server.asked == 2


def test_above_temperature_0_every_run_asks_unless_it_is_told_otherwise() -> None:
    server = Server()

    async def often(url: str) -> None:
        for _ in range(2):
            assert (await run(url, temperature=0.7)).cache is None
        assert server.asked == 6
        for _ in range(2):
            await run(url, CacheWishes(cache=True), temperature=0.7)
        assert server.asked == 8

    server.serve(often)


def test_no_cache_asks_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KONSEHO_HOME", str(tmp_path / "home"))
    server = Server()

    async def twice(url: str) -> None:
        for _ in range(2):
            assert sources(await run(url, CacheWishes(cache=False))) == ["model"] * 3

    server.serve(twice)
    assert server.asked == 6
    assert not (tmp_path / "home").exists()


def test_another_server_is_asked_for_itself() -> None:
    one, other = Server(), Server()

    async def ask(url: str) -> None:
        await run(url)

    one.serve(ask), other.serve(ask)
    assert (one.asked, other.asked) == (2, 2)


def test_a_disk_that_does_not_work_is_named_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KONSEHO_HOME", str(tmp_path / "file" / "home"))

    async def once(url: str) -> None:
        outcome = await run(url)
        assert outcome.status == "ok"
        (warning,) = outcome.warnings
        assert warning.startswith("answers are not kept on disk: ")
        assert sources(outcome).count("model") == 2

    Server().serve(once)


# ------------------------------------------------------------------------------ in Python


def council(**keywords: Any) -> Council:
    return Council(
        steps=[Ask(agent=Agent(name="ann", role="x"), cache=True)], model="sim:fast", **keywords
    )


def test_the_runs_of_one_council_share_its_memory() -> None:
    twice = council()
    outcomes = [run_virtual(lambda loop: twice.execute("go")) for _ in range(2)]
    assert [sources(outcome) for outcome in outcomes] == [["model"], ["cache"]]
    assert outcomes[0].answer == outcomes[1].answer
    assert outcomes[1].duration_s == 0


def test_a_cache_size_of_0_switches_it_off() -> None:
    twice = council(cache_size=0)
    outcomes = [run_virtual(lambda loop: twice.execute("go")) for _ in range(2)]
    assert [sources(outcome) for outcome in outcomes] == [["model"], ["model"]]
    assert outcomes[1].cache is None


def test_a_run_can_refresh_or_leave_the_cache_alone() -> None:
    twice = council()
    run_virtual(lambda loop: twice.execute("go"))
    assert sources(run_virtual(lambda loop: twice.execute("go", refresh=True))) == ["model"]
    assert sources(run_virtual(lambda loop: twice.execute("go", cache=False))) == ["model"]
    assert sources(run_virtual(lambda loop: twice.execute("go"))) == ["cache"]


def test_a_steps_no_is_a_no() -> None:
    never = Council(steps=[Ask(agent=Agent(name="ann"), cache=False)], model="sim:fast")
    outcomes = [run_virtual(lambda loop: never.execute("go", cache=True)) for _ in range(2)]
    assert [sources(outcome) for outcome in outcomes] == [["model"], ["model"]]


DUMP = """\
import sys
from konseho_cli.cli.main import invoke
status = invoke(["run", sys.argv[1], "-q"])
print(*sys.modules, sep="\\n", file=sys.stderr)
sys.exit(status)
"""
FILE = """\
konseho: 1
name: served
task: Tabs or spaces?
model: m
models: {{m: {{use: "vllm:m", base_url: "{url}", temperature: 0}}}}
agents: {{ann: {{role: x}}}}
steps: [{{kind: ask, agent: ann}}]
"""


def test_a_fully_cached_run_needs_no_server_and_loads_no_http_client(tmp_path: Path) -> None:
    file = tmp_path / "served.yaml"

    async def fill(url: str) -> None:
        file.write_text(FILE.format(url=url))
        outcome = await Session(load_council(file), RunOptions()).run()
        assert sources(outcome) == ["model"]

    Server().serve(fill)  # and from here on it is gone
    done = subprocess.run(
        [sys.executable, "-c", DUMP, str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "Tabs.\n"), done.stderr
    assert {"aiohttp", "pydantic", "zstandard"}.isdisjoint(done.stderr.split())
