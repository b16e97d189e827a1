"""Many processes at one file, and processes that are killed at any moment."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

from konseho_cli.store.base import StoredRun
from konseho_cli.store.sqlite_store import SqliteStore

WRITE = """\
import asyncio, sys
from decimal import Decimal
from pathlib import Path
from konseho_cli.store.base import CallKept, EventKept, RunBegan
from konseho_cli.store.sqlite_store import SqliteStore

path, name, runs, turns = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

def began(run):
    return RunBegan(run=run, council="c", file="", task="t", models=(), simulated=True,
                    started=1.0, process="p", version="v", document=b"\\x00\\xc0")

def call(run, agent, turn):
    return CallKept(run=run, path="s", iteration=0, item="", agent=agent, turn=turn, repair=0,
                    tool_turn=0, step="s", label="", model="sim:x", status="ok", source="model",
                    start=0, end=1, input_tokens=1, output_tokens=1, cached_tokens=0,
                    written_tokens=0, wasted_tokens=0, cost=Decimal(0), requests=1, retries=0,
                    hedges=0, error="", body=bytes(1500))

async def one(store, run, agent):
    for turn in range(turns):
        store.soon([EventKept(run=run, at=turn, name="Said", fields="{}")])
        await store.write([call(run, agent, turn)])
        print(agent, turn, flush=True)

async def main():
    async with SqliteStore(path) as store:
        for number in range(runs):
            run = f"{name}{number}"
            await store.write([began(run)])
            print("began", run, flush=True)
            async with asyncio.TaskGroup() as group:
                for agent in "abc":
                    group.create_task(one(store, run, agent))

asyncio.run(main())
"""


def started(path: Path, *given: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, str(path), *map(str, given)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_eight_processes_write_to_one_file_and_every_row_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    running = [started(path, f"p{number}r", 5, 20) for number in range(8)]
    told = [each.communicate()[1] for each in running]
    assert [each.returncode for each in running] == [0] * 8, told
    assert rows(path, "SELECT count(*) FROM runs") == [(8 * 5,)]
    assert rows(path, "SELECT DISTINCT count(*) FROM calls GROUP BY run") == [(60,)]
    assert rows(path, "SELECT DISTINCT count(*) FROM events GROUP BY run") == [(60,)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def kept(path: Path, run: str) -> StoredRun | None:
    async def main() -> StoredRun | None:
        async with SqliteStore(path) as store:
            return await store.load(run)

    return asyncio.run(main())


def test_what_was_acknowledged_outlives_a_kill_at_any_moment(tmp_path: Path) -> None:
    path, chance = tmp_path / "a.db", random.Random(1)
    for attempt in range(12):
        process = started(path, f"k{attempt}r", 1, 100_000)
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(1 + chance.randrange(400))]
        process.kill()
        rest = process.stdout.read()  # what is buffered here, `communicate` would lose
        process.communicate()
        assert process.returncode == -9
        lines = "".join((*said, rest)).rpartition("\n")[0].splitlines()
        acknowledged = {tuple(line.split()) for line in lines if not line.startswith("began")}
        found = kept(path, f"k{attempt}r0")
        assert found is not None
        assert acknowledged <= {(call.agent, str(call.turn)) for call in found.calls}
        assert found.row.ended is None
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "PRAGMA foreign_key_check") == []
