from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from konseho_cli.bench.baseline import Baseline, baseline_of, history, keep, read_report, recall
from konseho_cli.bench.results import Result
from konseho_cli.bench.statistics import summarize
from konseho_cli.core.errors import UsageError
from konseho_cli.report.bench import Benched, bench_json
from konseho_cli.store.memory_store import MemoryStore

SAMPLES = (1.0, 2.0, 3.0)
RESULT = Result(name="cpu", title="", unit="s", samples=SAMPLES, ours=summarize(SAMPLES))


def _baseline(made: float, subject: str = "review") -> Baseline:
    return baseline_of([RESULT], subject=subject, council="abc", made=made)


def test_the_newest_of_a_name_is_what_is_compared_with() -> None:
    async def main() -> None:
        store = MemoryStore()
        assert await recall(store, "review", "main") is None
        assert await keep(store, "main", _baseline(1.0)) == 1
        assert await keep(store, "main", _baseline(2.0)) == 2
        assert await recall(store, "review", "main") == _baseline(2.0)
        assert await recall(store, "other", "main") is None

    asyncio.run(main())


def test_the_history_of_a_council_is_its_own_and_the_oldest_comes_first() -> None:
    async def main() -> None:
        store = MemoryStore()
        await keep(store, "main", _baseline(3.0))
        await keep(store, "before", _baseline(1.0))
        await keep(store, "main", _baseline(2.0, "other"))
        found = await history(store, "review")
        assert [(name, kept.made) for name, kept in found] == [("before", 1.0), ("main", 3.0)]
        await keep(store, "main", _baseline(4.0, "review/more"))
        assert await history(store, "review") == found
        assert [name for name, _ in await history(store, "review/more")] == ["main"]

    asyncio.run(main())


def test_what_json_wrote_is_a_baseline(tmp_path: Path) -> None:
    file = tmp_path / "then.json"
    benched = Benched(
        subject="review", council="abc", made=5.0, against="", results=(RESULT,), status=0
    )
    file.write_text(bench_json(benched), encoding="utf-8")
    assert read_report(file) == _baseline(5.0)


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1}'])
def test_what_something_else_wrote_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "then.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="konseho bench --json"):
        read_report(file)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ('"version": 1', '"version": 2', "its format is 2"),
        ("1.0,", "-1.0,", "nobody can have measured"),
        ("1.0,", "0.0,", "nobody can have measured"),
    ],
)
def test_a_file_with_what_nobody_can_have_measured_is_refused(
    tmp_path: Path, was: str, now: str, said: str
) -> None:
    file = tmp_path / "then.json"
    benched = Benched(
        subject="review", council="abc", made=5.0, against="", results=(RESULT,), status=0
    )
    text = bench_json(benched)
    assert was in text.replace("\n", "")
    file.write_text(text.replace(was, now, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        read_report(file)
