from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.report.protobuf import double, fixed64, message, text, varint


@pytest.mark.parametrize(
    ("written", "bytes_"),
    [
        (varint(1, 150), "08 96 01"),
        (varint(16, 1), "80 01 01"),
        (varint(1, -1), "08 ff ff ff ff ff ff ff ff ff 01"),
        (text(2, "testing"), "12 07 74 65 73 74 69 6e 67"),
        (message(3, varint(1, 150)), "1a 03 08 96 01"),
        (fixed64(1, 1), "09 01 00 00 00 00 00 00 00"),
        (double(1, 1.0), "09 00 00 00 00 00 00 f0 3f"),
        (text(1, "\ud83d"), "0a 01 3f"),
    ],
)
def test_fields_are_written_as_the_encoding_says(written: bytes, bytes_: str) -> None:
    assert written == bytes.fromhex(bytes_)


@given(st.integers(0, 2**64 - 1))
def test_a_number_comes_back(number: int) -> None:
    found = 0
    for place, byte in enumerate(varint(1, number)[1:]):
        found |= (byte & 0x7F) << 7 * place
    assert found == number
