"""What a service had come to at the end of a run: for outcomes and reports."""

from __future__ import annotations

import msgspec

from konseho_cli.models.breaker import State


class ServiceState(msgspec.Struct, frozen=True, kw_only=True):
    """A service at the end of a run."""

    model: str
    address: str
    """Empty where there is no server."""
    circuit: State
    failures: int
    """In a row."""
    concurrency: int | None
    """Requests at the same time that are let through by now; None: as many as come."""
    requests: int
    throttled: int
    """Requests that were refused with a 429."""
    hedges: int
