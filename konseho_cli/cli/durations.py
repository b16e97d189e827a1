"""Options that take a duration."""

from __future__ import annotations

from konseho_cli.core.errors import UsageError
from konseho_cli.core.units import Duration


def read_duration(option: str, text: str | None) -> float | None:
    """Seconds; None where nothing was said. Raises UsageError, which names the option."""
    return None if text is None else read_seconds(option, text)


def read_seconds(option: str, text: str) -> float:
    """Seconds from `20ms`, `90s` or `5m`. Raises UsageError, which names the option."""
    try:
        return float(Duration(text))
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None
