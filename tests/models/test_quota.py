from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.models.quota import Quota, is_about_limits, read_quotas, retry_after

NOON = "Wed, 21 Oct 2026 12:00:00 GMT"
NOON_S = 1792584000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Wed, 21 Oct 2026 13:00:30 GMT", "date": "Wed, 21 Oct 2026 13:00:00 GMT"}, 30),
        (
            {
                "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12s",
                "x-ratelimit-remaining-tokens": "9000", "x-ratelimit-reset-tokens": "6m0s",
            },
            12,
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-10-21T12:00:08Z",
            },
            8,
        ),
        ({"retry-after": "3", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, 3),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "12s"}, None),
        ({"retry-after": "Wed, 99 Oct 2026 12:00:30 GMT"}, None),
    ],
)  # fmt: skip
def test_the_server_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOON_S) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1), ("6m0s", 360), ("20ms", 0.02), ("1h2m3s", 3723), ("2m59.56s", 179.56),
        ("1.5", 1.5), ("2026-10-21T12:01:00Z", 60), ("1792584030", 30), ("1792584030000", 30),
        ("2026-10-21T11:00:00Z", 0), ("soon", None), ("", None), ("1x", None), ("s", None),
        ("9" * 400, None), ("5d", 86_400),
    ],
)  # fmt: skip
def test_a_reset_is_read_in_every_way_that_servers_write_it(
    text: str, seconds: float | None
) -> None:
    headers = {"x-ratelimit-limit-requests": "60", "x-ratelimit-reset-requests": text}
    (quota,) = read_quotas(headers, NOON_S)
    assert quota.reset_s == (None if seconds is None else pytest.approx(seconds))


def test_limits_are_told_apart_by_name() -> None:
    headers = {
        "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59",
        "anthropic-ratelimit-input-tokens-remaining": "100", "content-type": "text/plain",
    }  # fmt: skip
    assert read_quotas(headers, NOON_S) == (
        Quota(name="requests", limit=60, remaining=59),
        Quota(name="input-tokens", remaining=100),
    )


@given(st.dictionaries(st.sampled_from(
    ["retry-after", "retry-after-ms", "date", "x-ratelimit-reset", "x-ratelimit-remaining",
     "x-ratelimit-limit-tokens", "anthropic-ratelimit-requests-reset", "x-ratelimit-"]),
    st.text(max_size=40)))  # fmt: skip
def test_no_header_breaks_it(headers: dict[str, str]) -> None:
    wait = retry_after(headers, NOON_S)
    assert wait is None or wait >= 0
    assert all(is_about_limits(name) for name in headers)
