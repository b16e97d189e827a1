"""The independent server, as the tests of models know it."""

from __future__ import annotations

from tests.models.conftest import aimock as aimock
