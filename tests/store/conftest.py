"""Rows of runs, made up."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from konseho_cli.store.base import RunBegan, RunEnded, RunRow

MakeRow = Callable[..., RunRow]


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
        figures = {"sessions": 1, "calls": 0, "input_tokens": 0, "output_tokens": 0}
        rest = {"cost": Decimal(0), "unpriced": 0, **figures, **more}
        return RunRow(began=began, ended=ended, **rest)

    return make
