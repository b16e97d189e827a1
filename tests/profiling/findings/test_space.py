"""What is said about memory and about prompts."""

from __future__ import annotations

from msgspec import structs

from konseho_cli.models.base import Usage
from konseho_cli.profiling.findings.space import context_findings, leak_findings, memory_findings
from konseho_cli.profiling.memory_profile import Leak, MemoryPoint, MemoryProfile, StepMemory
from tests.profiling.findings.test_time import OUTCOME

MB = 10**6


def test_a_step_that_adds_a_hundred_megabytes_is_named() -> None:
    steps = tuple(
        StepMemory(step=name, peak=500 * MB, growth=growth * MB)
        for name, growth in (("small", 99), ("large", 300))
    )
    memory = MemoryProfile(
        points=(MemoryPoint(at=0, resident=MB),), interval_s=0.1, before=MB, peak=500 * MB,
        after=MB, agents=1, steps=steps,
    )  # fmt: skip
    found = [each.finding for each in memory_findings(memory)]
    assert [(each.where, each.saves_bytes) for each in found] == [("large", 250 * MB)]


def test_a_leak_is_told_only_where_it_is_certain() -> None:
    sure = Leak(after=(10 * MB, 11 * MB, 12 * MB), slope=MB, low=MB / 2, high=2 * MB)
    assert [each.finding.saves_bytes for each in leak_findings(sure)] == [100 * MB]
    assert [*leak_findings(structs.replace(sure, low=-1.0))] == []


def test_prompts_that_carry_too_much_are_named_by_their_step() -> None:
    first = OUTCOME.calls[0]
    large = structs.replace(first, step="review", usage=Usage(input_tokens=40_000))
    outcome = structs.replace(OUTCOME, calls=(first, large, large))
    found = [each.finding for each in context_findings(outcome)]
    assert [(each.where, each.saves_tokens) for each in found] == [("review", 64_000)]
