from __future__ import annotations

import pytest

from konseho_cli.models.failures import read_body, retry_after

NOON = "Wed, 21 Oct 2026 12:00:00 GMT"
NOON_S = 1792584000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After-Ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 12:00:30 GMT"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2026 11:00:00 GMT"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2026 13:00:30 GMT", "Date": "Wed, 21 Oct 2026 13:00:00 GMT"}, 30),
        ({"Retry-After": "Wed, 99 Oct 2026 12:00:30 GMT"}, None),
    ],
)  # fmt: skip
def test_the_server_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOON_S) == seconds


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"null", b"[]", b"[" * 5000, b'{"error": []}', b"7"]
)
def test_any_body_can_be_read(body: bytes) -> None:
    assert isinstance(read_body(body).message, str)
