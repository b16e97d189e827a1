from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.context.difference import difference, restore


def test_a_change_costs_what_it_changed_however_long_the_rest_is() -> None:
    base = random.Random(1).randbytes(2_000_000)
    changed = base[:700_000] + b"and now something else" + base[700_100:]
    assert len(difference(changed, base)) < 100


def test_several_changes_and_what_moved_cost_little_too() -> None:
    base = random.Random(1).randbytes(3_000_000)
    changed = b"!" + base[900_000:] + b"in between" + base[:900_000] + b"!"
    change = difference(changed, base)
    assert len(change) < 2_000
    assert restore(change, base) == changed


@given(st.binary(), st.binary())
def test_any_bytes_come_back(data: bytes, base: bytes) -> None:
    assert restore(difference(data, base), base) == data


@given(st.binary(min_size=20), st.integers(0, 20), st.binary(), st.integers(0, 20))
def test_an_edit_comes_back(base: bytes, at: int, new: bytes, length: int) -> None:
    data = base[:at] + new + base[at + length :]
    assert restore(difference(data, base), base) == data
    assert restore(difference(base, data), data) == base


def test_what_cannot_be_is_refused() -> None:
    base = random.Random(1).randbytes(5_000)
    change = difference(base[:2_500] + b"!" * 5_000, base)
    for broken, against in ((change, b""), (change[:5], base), (change[:-3], base)):
        with pytest.raises(ValueError, match="no difference"):
            restore(broken, against)


@given(st.binary(), st.binary())
def test_strange_bytes_are_refused_or_are_a_difference(change: bytes, base: bytes) -> None:
    try:
        restore(change, base)
    except ValueError:
        return
