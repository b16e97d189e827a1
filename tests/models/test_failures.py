from __future__ import annotations

import pytest

from konseho_cli.models.failures import read_body


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"null", b"[]", b"[" * 5000, b'{"error": []}', b"7"]
)
def test_any_body_can_be_read(body: bytes) -> None:
    assert isinstance(read_body(body).message, str)
