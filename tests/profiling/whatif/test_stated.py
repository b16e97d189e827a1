from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.whatif.changes import Changes, Pace, StepChange
from konseho_cli.profiling.whatif.stated import Said, read_options

NAMES = st.sampled_from(["ann", "fast", "sim:ttft=1,tps=2", "openai:gpt-4.1"])
PACES = st.builds(Pace, factor=st.sampled_from([0.0, 0.5, 2.0])) | st.builds(
    Pace, fixed_s=st.sampled_from([0.25, 3.0])
)
FIELDS = {"wait": "quorum", "quorum": 2, "early_stop": True}


def test_options_come_to_changes():
    said = Said(
        agents=["ann=0.5x"], models=["sim:ttft=1=2s"], rpm=["fast=60"], tpm=["fast=10k"],
        limit=["fast=4"], steps=["argue.rounds=3", "review.wait=quorum"],
    )  # fmt: skip
    assert said.changes() == Changes(
        agents={"ann": Pace(factor=0.5)},
        models={"sim:ttft=1": Pace(fixed_s=2)},
        limits={("fast", "rpm"): 60, ("fast", "tpm"): 10_000, ("fast", "concurrency"): 4},
        steps=(
            StepChange(step="argue", field="rounds", value=3),
            StepChange(step="review", field="wait", value="quorum"),
        ),
    )


def test_a_limit_can_be_none():
    found = read_options(("--rpm", "fast=none", "--limit", "fast=none"))
    assert found.limits == {("fast", "rpm"): None, ("fast", "concurrency"): None}
    assert found.words() == "no rpm of fast, no concurrency of fast"


@given(
    agents=st.dictionaries(NAMES, PACES, max_size=2),
    models=st.dictionaries(NAMES, PACES, max_size=2),
    concurrency=st.none() | st.integers(1, 99),
    steps=st.lists(st.sampled_from(list(FIELDS)), max_size=2, unique=True),
    limits=st.dictionaries(
        st.tuples(NAMES, st.sampled_from(["rpm", "tpm", "concurrency"])),
        st.none() | st.integers(1, 10**6), max_size=2,
    ),
    cache_hit=st.sampled_from([0.0, 0.8]),
    overhead_s=st.sampled_from([0.0, 0.25]),
)  # fmt: skip
def test_changes_are_read_again_as_they_are_written(steps, **fields):
    changes = Changes(
        steps=tuple(StepChange(step="team", field=each, value=FIELDS[each]) for each in steps),
        **fields,
    )
    assert read_options(changes.options()) == changes


@pytest.mark.parametrize("words", [("--speed", "2"), ("--agent",), ("--concurrency", "0")])
def test_what_is_no_change_is_refused(words):
    with pytest.raises(UsageError):
        read_options(words)
