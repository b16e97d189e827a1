"""Findings of time, of memory and of tokens in one order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.candidate import Candidate
from konseho_cli.profiling.findings.ranking import ranked, saving, tried
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.whatif.changes import Changes, Pace


def finding(where: str, **saves: Any) -> Finding:
    return Finding(topic="agent", what="", advice="", where=where, **saves)


def predicted(after_s: float, guessed: int = 0) -> Prediction:
    return Prediction(
        change="", options=(), before_s=10.0, after_s=after_s, cost=Decimal(0), calls=10,
        guessed=guessed, path=(),
    )  # fmt: skip


def test_the_largest_share_of_whatever_there_is_too_much_of_comes_first() -> None:
    given = [
        finding("time", saves_s=2.0), finding("tokens", saves_tokens=900),
        finding("memory", saves_bytes=500), finding("nothing"),
    ]  # fmt: skip
    order = ranked(given, makespan_s=10.0, peak=1000, tokens=1000)
    assert [each.where for each in order] == ["tokens", "memory", "time", "nothing"]
    assert ranked(given, makespan_s=0.0, peak=0, tokens=0) == tuple(given)


def test_a_replay_takes_the_place_of_an_estimate_and_what_saves_nothing_goes() -> None:
    candidates = [
        Candidate(
            finding=finding(name, saves_s=5.0, estimated=True),
            changes=Changes(agents={name: Pace()}),
        )
        for name in ("good", "vain", "guessed", "stuck")
    ]
    results = {"good": predicted(6.0), "vain": predicted(10.0), "guessed": predicted(5.0, 3)}
    found = tried(candidates, lambda changes: results.get(*changes.agents), makespan_s=10.0)
    assert [(each.where, each.saves_s, each.estimated) for each in found] == [
        ("good", 4.0, False), ("guessed", 5.0, True), ("stuck", 5.0, True),
    ]  # fmt: skip


def test_only_so_many_are_replayed_and_the_largest_first() -> None:
    asked: list[int | None] = []

    def suppose(changes: Changes) -> None:
        asked.append(changes.concurrency)

    candidates = [
        Candidate(finding=finding(str(number), saves_s=number), changes=Changes(concurrency=number))
        for number in range(20)
    ]
    assert len(tried(candidates, suppose, makespan_s=100.0)) == 20
    assert asked == [*range(19, 13, -1)]


@pytest.mark.parametrize(
    ("saves", "text"),
    [
        ({"saves_s": 3.14}, "saves 3.1 s"),
        ({"saves_s": 3.14, "estimated": True}, "saves ≈ 3.1 s"),
        ({"saves_bytes": 2**21, "estimated": True}, "saves ≈ 2.0 MiB"),
        ({"saves_tokens": 1200}, "saves 1.2k tokens"),
        ({}, ""),
    ],
)
def test_what_it_saves_is_said_with_its_unit(saves: dict[str, Any], text: str) -> None:
    assert saving(finding("", **saves)) == text


def test_what_this_council_cannot_be_changed_to_is_dropped_and_a_servers_limit_stands() -> None:
    candidates = [
        Candidate(finding=finding("odd", saves_s=5.0), changes=Changes(concurrency=1)),
        Candidate(
            finding=finding("server", saves_s=4.0, estimated=True),
            changes=Changes(concurrency=2),
            stands=True,
        ),
    ]

    def suppose(changes: Changes) -> Prediction:
        if changes.concurrency == 1:
            raise UsageError("no such field")
        return predicted(10.0)

    found = tried(candidates, suppose, makespan_s=10.0)
    assert [(each.where, each.saves_s, each.estimated) for each in found] == [("server", 4.0, True)]
