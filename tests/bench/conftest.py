"""Samples begin with a collection: of what they made, and not of the whole suite that is loaded."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def of_its_own(small_heap: None) -> None:
    """For all tests of this floor."""
