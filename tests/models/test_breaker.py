from __future__ import annotations

import pytest

from konseho_cli.models.breaker import FAILURES, OPEN_S, Breaker


def failing(times: int) -> Breaker:
    """A breaker after so many failures, a second each, one after the other."""
    breaker = Breaker()
    for second in range(times):
        admitted = breaker.admit(second)
        assert admitted is not None
        breaker.failed(admitted, second, second + 0.5, "503")
    return breaker


def test_it_opens_at_the_fifth_failure_in_a_row() -> None:
    assert failing(FAILURES - 1).state(5) == "closed"
    breaker = failing(FAILURES)
    assert breaker.state(5) == "open"
    assert breaker.admit(5) is None
    assert breaker.last == "503"


def test_an_answer_begins_the_count_anew() -> None:
    breaker = failing(FAILURES - 1)
    breaker.succeeded()
    assert (breaker.failures, breaker.state(9)) == (0, "closed")


def test_failures_of_requests_that_were_under_way_together_are_one() -> None:
    breaker = Breaker()
    for _ in range(50):
        breaker.failed("closed", started=0, now=1, why="down")
    assert (breaker.failures, breaker.state(1)) == (1, "closed")


def test_after_a_minute_one_request_tries_and_the_others_are_refused() -> None:
    breaker = failing(FAILURES)
    opened = FAILURES - 0.5
    assert breaker.wait_s(opened + 20) == pytest.approx(OPEN_S - 20)
    assert breaker.admit(opened + OPEN_S - 0.1) is None
    assert breaker.admit(opened + OPEN_S) == "half-open"
    assert breaker.admit(opened + OPEN_S) is None


def test_if_it_is_answered_the_circuit_closes() -> None:
    breaker = failing(FAILURES)
    assert breaker.admit(100) == "half-open"
    breaker.succeeded()
    assert breaker.admit(100) == "closed"
    assert breaker.admit(100) == "closed"


def test_if_it_fails_the_circuit_is_open_for_another_minute() -> None:
    breaker = failing(FAILURES)
    assert breaker.admit(100) == "half-open"
    breaker.failed("half-open", 100, 101, "still down")
    assert breaker.admit(101 + OPEN_S - 1) is None
    assert breaker.admit(101 + OPEN_S) == "half-open"


def test_if_nothing_is_learnt_the_next_one_tries() -> None:
    breaker = failing(FAILURES)
    assert breaker.admit(100) == "half-open"
    breaker.told_nothing("half-open")
    assert breaker.admit(100) == "half-open"


def test_one_that_had_started_before_it_opened_does_not_prolong_it() -> None:
    breaker = failing(FAILURES)
    breaker.failed("closed", 3, 50, "late")
    assert breaker.state(FAILURES - 0.5 + OPEN_S) == "half-open"
