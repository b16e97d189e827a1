"""Every kind of store, and records to keep in one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest

from konseho_cli.core.packing import pack
from konseho_cli.core.virtual import run_virtual
from konseho_cli.store.base import (
    CallKept,
    EventKept,
    RunBegan,
    RunEnded,
    RunRow,
    SpanKept,
    StepKept,
    Store,
)
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.store.sqlite_store import SqliteStore

Act: TypeAlias = Callable[[Store], Awaitable[object]]
Use: TypeAlias = Callable[..., None]


def began(run: str = "r1", **fields: object) -> RunBegan:
    usual: dict[str, object] = {
        "council": "review", "file": "/home/ann/review.yaml", "task": "Tabs or spaces?",
        "models": ("openai:gpt", "sim:fast"), "simulated": False, "started": 1000.5,
        "process": "host:12:34", "version": "0.1", "document": pack({"task": "Tabs or spaces?"}),
    }  # fmt: skip
    return RunBegan(run=run, **usual | fields)  # type: ignore[arg-type]


def call(run: str = "r1", **fields: object) -> CallKept:
    usual: dict[str, object] = {
        "path": "argue", "iteration": 0, "item": "", "agent": "ann", "turn": 0, "repair": 0,
        "tool_turn": 0, "step": "argue", "label": "round 1", "model": "openai:gpt",
        "status": "ok", "source": "model", "start": 10, "end": 20, "input_tokens": 100,
        "output_tokens": 20, "cached_tokens": 3, "written_tokens": 2, "wasted_tokens": 1,
        "cost": Decimal("0.000000123"), "requests": 1, "retries": 0, "hedges": 0, "error": "",
        "body": pack({"reply": "Tabs."}),
    }  # fmt: skip
    return CallKept(run=run, **usual | fields)  # type: ignore[arg-type]


def step(run: str = "r1", **fields: object) -> StepKept:
    usual: dict[str, object] = {
        "step": "argue", "index": 0, "kind": "debate", "status": "ok", "reasons": (),
        "start": 5, "end": 25, "body": pack({"value": "Tabs."}),
    }  # fmt: skip
    return StepKept(run=run, **usual | fields)  # type: ignore[arg-type]


def span(run: str = "r1", **fields: object) -> SpanKept:
    usual: dict[str, object] = {
        "id": 1, "parent": None, "task": 0, "kind": "ttft", "start": 11, "end": 19, "closed": 2,
        "waker": None, "attributes": '{"model":"openai:gpt"}',
    }  # fmt: skip
    return SpanKept(run=run, **usual | fields)  # type: ignore[arg-type]


def event(run: str = "r1", **fields: object) -> EventKept:
    usual: dict[str, object] = {"at": 12, "name": "StepStarted", "fields": '{"step":"argue"}'}
    return EventKept(run=run, **usual | fields)  # type: ignore[arg-type]


def ended(run: str = "r1", **fields: object) -> RunEnded:
    usual: dict[str, object] = {
        "status": "ok", "exit_status": 0, "ended": 1001.5, "duration": 10**9, "error": "",
        "body": pack({"answer": "Tabs."}),
    }  # fmt: skip
    return RunEnded(run=run, **usual | fields)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def kept() -> SimpleNamespace:
    """Makers of records: each has all its fields, whatever is not given."""
    return SimpleNamespace(began=began, call=call, step=step, span=span, event=event, ended=ended)


@pytest.fixture(params=["memory", "sqlite", "sqlite in virtual time"])
def use(request: pytest.FixtureRequest, tmp_path: Path) -> Use:
    """Does something with a new store of each kind and closes it; the next act opens it again."""
    kind = str(request.param)
    memory = MemoryStore()

    def work(*acts: Act) -> None:
        async def main(loop: object = None) -> None:
            for act in acts:
                store = memory if kind == "memory" else SqliteStore(tmp_path / "konseho.db")
                async with store:
                    await act(store)

        if kind.endswith("virtual time"):
            run_virtual(main)
        else:
            asyncio.run(main())

    return work


MakeRow: TypeAlias = Callable[..., RunRow]


@pytest.fixture
def row() -> MakeRow:
    """A run by its id; `status=None`: it has no end."""

    def make(
        run: str, *, status: Any = "ok", started: float = 1e9, process: str = "", **more: Any
    ) -> RunRow:
        began = RunBegan(
            run=run, council="small", file="", task="Tabs or spaces?", models=("sim:fast",),
            simulated=True, started=started, process=process, version="0", document=b"",
        )  # fmt: skip
        ended = None
        if status is not None:
            ended = RunEnded(
                run=run, status=status, exit_status=0, ended=started + 1, duration=10**9,
                error="", body=b"",
            )  # fmt: skip
        figures = {"calls": 0, "input_tokens": 0, "output_tokens": 0}
        rest = {"cost": Decimal(0), "unpriced": 0, **figures, **more}
        return RunRow(began=began, ended=ended, **rest)

    return make
