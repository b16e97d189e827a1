"""Runs that are gone on with more than once, after failures, by several at once, in Python."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec import structs

from konseho_cli import Agent, Ask, Council
from konseho_cli.core.errors import StoreFailed, UsageError
from konseho_cli.engine.history import cassette_of, recalled
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.taping import Taping
from konseho_cli.resuming import Resumption, resume
from konseho_cli.session import Session
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import check_document
from konseho_cli.steps.vote import Vote
from konseho_cli.store.base import StoredRun, Wanted
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.store.sqlite_store import SqliteStore
from konseho_cli.telemetry.bus import Subscription
from konseho_cli.telemetry.events import AskFinished

KEY = "a-key-that-is-worth-nothing"


async def until(when: Callable[[], bool]) -> None:
    """Wait for the server, which is another task, or for the test."""
    while not when():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


class Server:
    """Answers with a number that goes up; what a prompt's first word says may be refused."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refused: dict[str, int] = {}
        self.hangs: set[str] = set()
        self.says: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        prompt = body["messages"][-1]["content"]
        word = prompt.split()[0]
        self.asked.append(prompt)
        await until(lambda: word not in self.hangs)
        if word in self.refused:
            return web.json_response({"error": {"message": "boom"}}, status=self.refused[word])
        text = self.says.get(word, f"{word} said {len(self.asked)}")
        return web.json_response({
            "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        })  # fmt: skip


class Table:
    """A council at the server, kept in memory; `kill` ends a session as `kill -9` does."""

    def __init__(self, server: Server, url: str) -> None:
        self.server = server
        self.store = MemoryStore()
        self._env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url}

    def council(self, *prompts: str, **changed: Any) -> Any:
        return check_document({
            "konseho": 1, "name": "abc", "model": "m", "task": "t",
            "models": {"m": {"use": "openai:m", "attempts": 1}},
            "agents": {"ann": {"role": "You are one of us."}},
            "steps": [
                {"id": f"s{place}", "kind": "ask", "agent": "ann", "prompt": prompt}
                for place, prompt in enumerate(prompts)
            ],
            **changed,
        })  # fmt: skip

    def first(self, loaded: Any, **options: Any) -> Session:
        wanted = RunOptions(inputs=fill_inputs(loaded.spec, options.pop("inputs", {})), **options)
        return Session(loaded, wanted, env=self._env, store=lambda: self.store)

    async def kept(self) -> StoredRun:
        found = await self.store.load((await self.store.runs(Wanted(limit=1)))[0].began.run)
        assert found is not None
        return found

    async def again(self, loaded: Any = None) -> Session:
        session = resume(await self.kept(), Resumption(force=True), self._env, loaded)
        session.ready.store = lambda: self.store
        return session

    async def kill(self, session: Session, when: Callable[[], bool]) -> None:
        running = asyncio.ensure_future(session.run())
        await until(when)
        running.cancel()
        await asyncio.wait([running])
        kept = next(iter(self.store._runs.values()))
        kept.ended = None


def seated(work: Callable[[Table], Awaitable[None]]) -> None:
    async def main() -> None:
        server, app = Server(), web.Application()
        app.router.add_post("/v1/chat/completions", server.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            await work(Table(server, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"))
        finally:
            await runner.cleanup()

    asyncio.run(main())


def test_a_forced_session_that_dies_leaves_no_step_of_the_council_before() -> None:
    async def work(table: Table) -> None:
        old, new = (table.council(f"AAA v{n}", "BBB {{ s0 }}", "CCC {{ s1 }}") for n in (1, 2))
        table.server.hangs = {"CCC"}
        await table.kill(table.first(old), lambda: len(table.server.asked) == 3)
        table.server.hangs = {"AAA"}
        await table.kill(await table.again(new), lambda: len(table.server.asked) == 4)
        table.server.hangs = set()
        outcome = await (await table.again(new)).run()
        assert table.server.asked[4:] == ["AAA v2", "BBB AAA said 5", "CCC BBB said 6"]
        assert outcome.answer == "CCC said 7"

    seated(work)


def test_a_run_that_is_over_is_given_again_without_a_key() -> None:
    async def work(table: Table) -> None:
        loaded = table.council("AAA", "BBB {{ s0 }}")
        first = await table.first(loaded).run()
        kept = await table.kept()
        outcome = await resume(kept, Resumption(), {}).run()
        assert (outcome.status, outcome.answer) == ("ok", first.answer)
        assert (outcome.models, len(table.server.asked)) == (first.models, 2)
        halfway = structs.replace(kept, steps=kept.steps[:1])
        with pytest.raises(UsageError, match="no key for openai"):
            resume(halfway, Resumption(), {})

    seated(work)


def test_a_failed_run_whose_mending_dies_still_tries_again_what_failed() -> None:
    async def work(table: Table) -> None:
        loaded = table.council("AAA", "BBB {{ s0 }}")
        table.server.refused = {"BBB": 400}
        failed = await table.first(loaded).run()
        assert (failed.status, len(table.server.asked)) == ("failed", 2)
        table.server.refused, table.server.hangs = {}, {"BBB"}
        await table.kill(await table.again(), lambda: len(table.server.asked) == 3)
        table.server.hangs = set()
        outcome = await (await table.again()).run()
        assert (outcome.status, outcome.answer) == ("ok", "BBB said 4")
        assert [asked.split()[0] for asked in table.server.asked] == ["AAA", "BBB", "BBB", "BBB"]
        whole = recalled(await table.kept())
        assert [call.status for call in whole.calls] == ["ok", "failed", "cancelled", "ok"]

    seated(work)


def test_what_lived_with_a_failure_runs_again_behind_its_mending() -> None:
    async def work(table: Table) -> None:
        loaded = table.council("AAA", "BBB {{ s0 }}", "CCC {{ s1 }}", on_error="continue")
        steps = [{**each} for each in json.loads(json.dumps(STEPS))]
        loaded = table.council(steps=steps)
        table.server.refused = {"AAA": 400, "CCC": 400}
        await table.first(loaded).run()
        table.server.refused, table.server.hangs = {}, {"BBB"}
        count = len(table.server.asked)
        await table.kill(await table.again(), lambda: len(table.server.asked) == count + 2)
        table.server.hangs = set()
        outcome = await (await table.again()).run()
        assert outcome.status == "ok"
        assert outcome.step("s1").value.startswith("BBB said")
        assert table.server.asked[-2] == f"BBB {outcome.step('s0').value}"

    seated(work)


STEPS = [
    {"id": "s0", "kind": "ask", "agent": "ann", "prompt": "AAA", "on_error": "continue"},
    {"id": "s1", "kind": "ask", "agent": "ann", "prompt": "BBB {{ s0 }}"},
    {"id": "s2", "kind": "ask", "agent": "ann", "prompt": "CCC {{ s1 }}"},
]


def test_a_repair_that_was_no_better_is_asked_for_again_once_the_run_has_failed() -> None:
    async def work(table: Table) -> None:
        shape = {"schema": {"type": "object", "required": ["yes"]}}
        steps = [{"kind": "ask", "agent": "ann", "prompt": "AAA", "output": shape}]
        table.server.says = dict.fromkeys(("AAA", "Your", "That", "The", "It"), "no JSON")
        failed = await table.first(table.council(steps=steps)).run()
        assert (failed.status, len(table.server.asked)) == ("failed", 2)
        table.server.says = dict.fromkeys(
            (each.split()[0] for each in table.server.asked), '{"yes": 1}'
        )
        outcome = await (await table.again()).run()
        assert (outcome.status, outcome.answer, len(table.server.asked)) == ("ok", {"yes": 1}, 3)

    seated(work)


def test_of_two_that_go_on_with_a_run_at_once_one_is_refused() -> None:
    async def work(table: Table) -> None:
        loaded = table.council("AAA", "BBB {{ s0 }}")
        table.server.refused = {"BBB": 400}
        await table.first(loaded).run()
        table.server.refused = {}
        sessions = [await table.again(), await table.again()]
        came = await asyncio.gather(*(each.run() for each in sessions), return_exceptions=True)
        (refused,) = [each for each in came if isinstance(each, StoreFailed)]
        assert "begun by somebody else" in str(refused)
        assert len(table.server.asked) == 3

    seated(work)


def test_no_key_is_kept_in_a_label_or_an_item() -> None:
    async def work(table: Table) -> None:
        steps = [{"id": "s", "kind": "split", "agents": ["ann"], "items": [f"use {KEY}", "b"],
                  "prompt": "AAA {{ item }}", "merge": "list"}]  # fmt: skip
        loaded = table.council(steps=steps)
        assert (await table.first(loaded).run()).status == "ok"
        stored = await table.kept()
        assert KEY not in repr(stored)
        again = await (await table.again()).run()
        assert (again.status, len(table.server.asked)) == ("ok", 2)

    seated(work)


def test_a_run_that_was_cancelled_in_python_can_be_resumed_there(tmp_path: Path) -> None:
    council = Council(steps=[Ask(agent=Agent(name="ann", role="You are one."))], model="sim")

    async def main() -> RunOutcome:
        file = tmp_path / "runs.db"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(council.execute("Tabs?", store=file), 0.3)
        return await council.resume(store=file)

    outcome = asyncio.run(main())
    assert outcome.status == "ok"
    assert outcome.resumed is not None


def test_a_replay_that_asked_for_what_was_missing_is_kept_whole() -> None:
    async def work(table: Table) -> None:
        one, two = table.council("AAA"), table.council("AAA", "BBB {{ s0 }}")
        await table.first(one).run()
        taping = Taping(replay=cassette_of(await table.kept()), miss="call", speed=1000)
        table.store = MemoryStore()
        replayed = await table.first(two, taping=taping).run()
        assert (replayed.answer, len(table.server.asked)) == ("BBB said 2", 2)
        stored = await table.kept()
        assert [call.status for call in stored.calls] == ["ok", "ok"]
        taping = Taping(replay=cassette_of(stored), speed=1000)
        again = await table.first(two, taping=taping).run()
        assert (again.answer, len(table.server.asked)) == ("BBB said 2", 2)

    seated(work)


def test_a_large_answer_is_kept_and_its_step_too() -> None:
    async def work(table: Table) -> None:
        table.server.says = {"AAA": "word " * 400_000}
        assert (await table.first(table.council("AAA")).run()).status == "ok"
        whole = recalled(await table.kept())
        assert len(whole.step("s0").value) == 2_000_000

    seated(work)


def test_a_database_that_is_removed_under_a_run_fails_it(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"

    async def work(table: Table) -> None:
        table.server.hangs = {"AAA"}
        session = table.first(table.council("AAA"))
        session.ready.store = lambda: SqliteStore(file)
        running = asyncio.ensure_future(session.run())
        await until(lambda: bool(table.server.asked))
        await asyncio.to_thread(file.unlink)
        table.server.hangs.clear()
        outcome = await running
        assert (outcome.status, outcome.answer) == ("failed", "AAA said 1")
        assert "was removed or replaced" in str(outcome.error)

    seated(work)


def test_a_summary_that_another_step_asked_for_is_not_paid_again() -> None:
    async def work(table: Table) -> None:
        window = {"messages": 1, "summary": "ann"}
        steps = [
            {"id": "talk", "kind": "parallel", "agents": ["ann", "bob"], "prompt": "AAA"},
            {"id": "left", "kind": "ask", "agent": "ann", "window": window},
            {"id": "right", "kind": "ask", "agent": "bob", "window": window, "needs": ["talk"]},
        ]
        agents = {name: {"role": f"You are {name}."} for name in ("ann", "bob")}
        loaded = table.council(steps=steps, agents=agents)
        session, ended = table.first(loaded), 0

        def stop(batch: Any) -> None:
            nonlocal ended
            ended += len(batch)
            if ended == 4:  # the talk, the summary, and one that shows it
                session.interrupt("SIGINT")

        first = await session.run([Subscription(stop, frozenset({AskFinished}))])
        assert first.status == "interrupted"
        asked = len(table.server.asked)
        outcome = await (await table.again()).run()
        assert outcome.status == "ok"
        summaries = [each for each in table.server.asked[asked:] if "sum" in each.lower()[:200]]
        assert not [each for each in outcome.calls if each.label == "summary" and each.requests]
        assert len(table.server.asked) - asked <= 2, summaries

    seated(work)


def test_what_a_session_before_took_counts_against_targets() -> None:
    async def work(table: Table) -> None:
        table.server.refused = {"BBB": 400}
        await table.first(table.council("AAA", "BBB {{ s0 }}")).run()
        table.server.refused = {}
        outcome = await (await table.again()).run()
        assert (outcome.whole.calls, outcome.whole.tokens) == (3, 14)
        assert outcome.whole.duration_s > outcome.duration_s

    seated(work)


def test_structs_of_a_stored_run_are_those_of_its_last_session() -> None:
    async def work(table: Table) -> None:
        table.server.refused = {"AAA": 400}
        await table.first(table.council("AAA")).run()
        table.server.refused = {}
        await (await table.again()).run()
        stored = await table.kept()
        assert (stored.row.sessions, stored.row.began.mended) == (2, 1)
        assert structs.asdict(stored.row)["calls"] == 2

    seated(work)


def test_a_vote_with_a_share_can_be_kept(tmp_path: Path) -> None:
    voters = (Agent(name="ann"), Agent(name="bob"))
    council = Council(steps=[Vote(candidates=("x", "y"), voters=voters, threshold="40%")])
    store = tmp_path / "runs.db"
    outcome = council.run("Which?", model="sim:instant", store=store)
    assert outcome.status == "ok"
