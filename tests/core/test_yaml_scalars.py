"""YAML 1.2's core schema: what is a number, a truth value or nothing, and what stays text."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.yaml_scalars import resolve

SCALARS: dict[str, Any] = {
    "": None, "~": None, "null": None, "NULL": None,
    "true": True, "True": True, "FALSE": False,
    "3": 3, "-7": -7, "+3": 3, "012": 12, "0o17": 15, "0x1F": 31,
    "1.5": 1.5, ".5": 0.5, "5.": 5.0, "1e3": 1000.0, "-1.5E-2": -0.015,
    ".inf": math.inf, "-.INF": -math.inf,
}  # fmt: skip
TEXTS = ["no", "yes", "on", "off", "y", "1:30", "1_000", "0b1", "-", "+", ".", "nUll", "0o8", "1e",
         "2024-01-01", "0x", "=", "<<", "١"]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_the_core_schema_gives_a_value_its_type(text: str, value: Any) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", TEXTS)
def test_everything_else_is_text(text: str) -> None:
    assert resolve(text) == text


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(resolve(".nan"))


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "9" * 5000,
                                  "0x" + "f" * 5000, "1e999", "-1e999"])  # fmt: skip
def test_a_number_beyond_64_bits_overflows(text: str) -> None:
    with pytest.raises(OverflowError):
        resolve(text)


@given(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_by_python_is_read_back(number: float) -> None:
    assert resolve(repr(number)) == number
