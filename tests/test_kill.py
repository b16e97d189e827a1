"""`kill -9` at any moment: what was answered and kept is never paid for again."""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.cli.main import invoke
from konseho_cli.core.hashing import rng
from konseho_cli.models.cassette import unpacked
from konseho_cli.models.sim_document import example
from konseho_cli.store.base import StoredRun, Wanted
from konseho_cli.store.sqlite_store import SqliteStore

COUNCIL = """\
konseho: 1
name: panel
task: Which of three ways?
model: openai:panel
agents:
  ann: {role: You are bold.}
  bob: {role: You are careful.}
  cid: {role: You are quick.}
  dee: {role: You write the result.}
steps:
  - {id: answers, kind: parallel, agents: [ann, bob, cid]}
  - {id: argue, kind: debate, agents: [ann, bob, cid], rounds: 2}
  - {id: pick, kind: vote, candidates: "{{ argue.positions }}", voters: [ann, bob, cid, dee],
     method: borda}
  - {id: result, kind: chair, agent: dee}
"""
MOMENTS = 50 if os.environ.get("CI") else 15
TOGETHER = 5
QUESTIONS = 17
"""That a whole run asks."""


class Panel(ThreadingHTTPServer):
    """Answers each question always alike, and counts how often it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()
        self.heard = threading.Semaphore(0)
        """Released by each question."""
        self.said: dict[str, str] = {}
        """What was answered in plain text, by question."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell what went wrong, but that somebody who asked was killed meanwhile."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def used(self, questions: Iterable[str]) -> set[str]:
        """Whose answers stand in these questions."""
        return {
            asked for asked, text in self.said.items() if any(text in each for each in questions)
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Panel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = question((each["role"], each["content"]) for each in body["messages"])
        self.server.asked[asked] += 1
        self.server.heard.release()
        chance = rng(asked)
        time.sleep(chance.uniform(0.002, 0.03))
        text = said(body, chance)
        if text.startswith("Way "):
            self.server.said[asked] = text
        answer = json.dumps({
            "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        }).encode()  # fmt: skip
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except OSError:  # whoever asked was killed
            self.close_connection = True

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def question(messages: Any) -> str:
    return json.dumps([list(each) for each in messages])


def said(body: dict[str, Any], chance: random.Random) -> str:
    shape = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if shape is None:
        return f"Way {chance.randrange(10**9)}."
    return json.dumps(example(shape, chance, "way"))


@pytest.fixture
def panel() -> Iterator[Panel]:
    with Panel() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Table:
    """A council in a folder of its own; whoever is killed is a process of its own."""

    def __init__(self, folder: Path, panel: Panel) -> None:
        self.panel = panel
        self.store = folder / "konseho.db"
        self.file = folder / "panel.yaml"
        self.file.write_text(COUNCIL)

    def env(self) -> dict[str, str]:
        return {
            "OPENAI_API_KEY": "a key of no worth", "OPENAI_BASE_URL": self.panel.url,
            "KONSEHO_STORE": str(self.store),
        }  # fmt: skip

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "konseho_cli", *arguments], env={**os.environ, **self.env()},
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def finish(self, *arguments: str) -> str:
        """In this process, which opens the store anew as any does: only who is killed needs his."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
            for name, value in self.env().items():
                patched.setenv(name, value)
            status = invoke(arguments)
        assert status == 0, err.getvalue()
        return out.getvalue()

    def kill(self, chance: random.Random, *arguments: str, least: int = 0) -> None:
        """Somewhere between its beginning and its end, or shortly after; from a question on."""
        self.panel.heard = threading.Semaphore(0)
        process = self.start(*arguments)
        for _ in range(chance.randint(least, QUESTIONS)):
            while not self.panel.heard.acquire(timeout=0.2):
                if process.poll() is not None:
                    break
        time.sleep(chance.uniform(0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def kept(self) -> StoredRun | None:
        async def newest() -> StoredRun | None:
            store = SqliteStore(self.store)
            try:
                rows = await store.runs(Wanted(limit=1))
                return await store.load(rows[0].began.run) if rows else None
            finally:
                await store.aclose()

        return asyncio.run(newest()) if self.store.exists() else None

    def answered(self) -> set[str]:
        """What was asked and answered, by the store."""
        run = self.kept()
        requests = (
            [unpacked(call.body).request for call in run.calls if call.status == "ok"]
            if run
            else []
        )
        return {
            question((each.role, each.text) for each in request.messages)
            for request in requests
            if request is not None
        }


@pytest.mark.parametrize("part", range(MOMENTS // TOGETHER))
def test_no_finished_call_is_paid_twice_wherever_the_run_is_killed(
    part: int, tmp_path: Path, panel: Panel
) -> None:
    table = Table(tmp_path, panel)
    right = table.finish("run", str(table.file), "-q")
    chance = random.Random(part)
    for _ in range(TOGETHER):
        table.store.unlink()
        before = panel.asked.copy()
        table.kill(chance, "run", str(table.file), "-q")
        assert panel.used((panel.asked - before).keys()) <= table.answered()
        while chance.random() < 0.3 and table.kept() is not None:  # and killed again
            known, before = table.answered(), panel.asked.copy()
            table.kill(chance, "resume", "last", "-q")
            assert not known & (panel.asked - before).keys()
        if table.kept() is None:
            answer = table.finish("run", str(table.file), "-q")
        else:
            known, before = table.answered(), panel.asked.copy()
            answer = table.finish("resume", "last", "-q")
            assert not known & (panel.asked - before).keys()
        assert answer == right
        ended = table.kept()
        assert ended is not None
        assert ended.row.ended is not None
        assert ended.row.ended.status == "ok"
