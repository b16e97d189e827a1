"""Finds a council: a file, or one that ships with Konseho."""

from __future__ import annotations

from pathlib import Path

from konseho_cli.core.errors import UsageError
from konseho_cli.core.files import shipped
from konseho_cli.core.suggest import did_you_mean


def find_council(name: str) -> Path:
    """A path, or the name of a council that ships with Konseho. Raises UsageError."""
    path = Path(name)
    if _exists(path) or path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    known = {file.stem: file for file in sorted(shipped("councils").glob("*.yaml"))}
    if name in known:
        return known[name]
    near = did_you_mean(name, known)
    raise UsageError(
        f"no council '{name:.80}': there is no such file, and none of that name ships with Konseho",
        hint=near or f"shipped: {', '.join(known)}",
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or a NUL: no file has such a name
        return False
