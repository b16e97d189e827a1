"""What a run, a step or an agent may use up."""

from __future__ import annotations

import msgspec

from konseho_cli.core.units import Count, Duration, Money


class Limits(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A call that would pass one is refused before it is made; the status is then 5."""

    cost: Money | None = None
    tokens: Count | None = None
    calls: Count | None = None
    time: Duration | None = None
