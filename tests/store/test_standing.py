from __future__ import annotations

from typing import Any

import pytest

from konseho_cli.core.process import here
from konseho_cli.store.standing import standing


@pytest.mark.parametrize("status", ["ok", "degraded", "failed", "limit", "interrupted"])
def test_a_run_that_ended_stands_as_it_ended(row: Any, status: str) -> None:
    assert standing(row("a", status=status, process=here())) == status


@pytest.mark.parametrize(
    ("lives", "word"), [(True, "running"), (False, "cut-off"), (None, "unfinished")]
)
def test_a_run_without_an_end_stands_as_its_process_does(row: Any, lives: Any, word: str) -> None:
    assert standing(row("a", status=None), lambda process: lives) == word


def test_a_run_of_this_process_runs(row: Any) -> None:
    assert standing(row("a", status=None, process=here())) == "running"
