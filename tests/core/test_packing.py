from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.packing import expand, pack, squeeze, unpack

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.booleans())
def test_what_is_packed_comes_back(value: object, compress: bool) -> None:
    assert unpack(pack(value, compress=compress)) == value


def test_half_a_character_and_a_huge_number_come_back() -> None:
    assert unpack(pack({"a": "\ud800", "b": 2**200, "c": -(2**64)})) == {
        "a": "\ud800", "b": 2**200, "c": -(2**64),
    }  # fmt: skip


def test_what_is_long_and_dull_takes_less_room() -> None:
    assert len(pack("again and " * 10_000)) < 1_000
    assert len(squeeze(noise := os.urandom(5_000))) == len(noise) + 1


@pytest.mark.parametrize("value", [object(), [object(), 2**80], {"a": "\ud800", "b": object()}])
def test_what_is_no_plain_value_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="object"):
        pack(value)


@given(st.binary())
def test_strange_bytes_are_refused_or_are_a_value(data: bytes) -> None:
    try:
        unpack(data)
    except ValueError:
        return


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(ValueError, match="larger"):
        expand(squeeze(bytes(10_000)), largest=9_999)
