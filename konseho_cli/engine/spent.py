"""What calls took before: a run that goes on has that much less of its limits."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Requests, tokens and dollars."""

    calls: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
