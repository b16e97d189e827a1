from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.models.base import Usage
from konseho_cli.models.tokens import LEAST, MOST, TokenEstimator

M = "openai:m"


def test_a_model_that_has_not_answered_is_taken_to_need_a_token_for_four_characters() -> None:
    tokens = TokenEstimator()
    assert tokens.estimate(M, 4000) == 1000
    assert tokens.estimate(M, "four") == 1
    assert tokens.estimate(M, "") == 1
    assert tokens.chars(M, 1000) == 4000


def test_what_a_provider_counts_is_learnt_at_once_and_then_followed() -> None:
    tokens = TokenEstimator()
    tokens.observe(M, 2000, Usage(input_tokens=1000, output_tokens=7))
    assert tokens.per_token(M) == 2.0
    tokens.observe(M, 4000, Usage(input_tokens=1000))
    assert tokens.per_token(M) == 2.5
    assert tokens.estimate(M, 10) == 4
    for _ in range(40):
        tokens.observe(M, 4000, Usage(input_tokens=1000))
    assert tokens.per_token(M) == pytest.approx(4.0, rel=1e-3)


def test_what_was_learnt_in_another_order_cuts_no_other_prompt() -> None:
    counts = [Usage(input_tokens=each) for each in (1000, 1010, 1005)]
    limits = set()
    for order in (counts, counts[::-1]):
        tokens = TokenEstimator()
        for usage in order:
            tokens.observe(M, 3300, usage)
        limits.add(tokens.chars(M, 1000))
    assert limits == {3250}


def test_each_model_learns_for_itself() -> None:
    tokens = TokenEstimator()
    tokens.observe(M, 2000, Usage(input_tokens=1000))
    assert tokens.per_token("anthropic:m") == 4.0


def test_prompts_that_are_short_or_uncounted_teach_nothing() -> None:
    tokens = TokenEstimator()
    tokens.observe(M, 5, Usage(input_tokens=15))
    tokens.observe(M, 5000, Usage(output_tokens=100))
    assert tokens.per_token(M) == 4.0


def test_what_a_model_thought_beside_its_answer_changes_nothing() -> None:
    tokens = TokenEstimator()
    tokens.observe(M, 4000, Usage(input_tokens=1000, output_tokens=90_000))
    assert tokens.per_token(M) == 4.0


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(-5, 10**9)), max_size=20))
def test_no_server_can_count_an_estimate_out_of_its_range(seen: list[tuple[int, int]]) -> None:
    tokens = TokenEstimator()
    for chars, counted in seen:
        tokens.observe(M, chars, Usage(input_tokens=counted))
    assert LEAST <= tokens.per_token(M) <= MOST
    limit = 1000
    assert tokens.estimate(M, tokens.chars(M, limit)) <= limit
