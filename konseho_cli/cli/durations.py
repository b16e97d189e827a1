"""Options that take a duration."""

from __future__ import annotations

from konseho_cli.core.errors import UsageError
from konseho_cli.core.units import Duration


def read_duration(option: str, text: str | None) -> float | None:
    """Seconds; None where nothing was said. Raises UsageError, which names the option."""
    if text is None:
        return None
    try:
        return float(Duration(text))
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None
