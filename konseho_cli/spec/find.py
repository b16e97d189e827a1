"""Finds a council: a file, or one that ships with Konseho."""

from __future__ import annotations

from pathlib import Path

from konseho_cli.core.errors import UsageError
from konseho_cli.core.files import shipped
from konseho_cli.core.suggest import did_you_mean

SUFFIXES = (".yaml", ".yml")


def shipped_councils() -> dict[str, Path]:
    """The files of the councils that ship with Konseho, by name."""
    return {file.stem: file for file in sorted(shipped("councils").glob("*.yaml"))}


def find_council(name: str) -> Path:
    """A path, or the name of a council that ships with Konseho. Raises UsageError."""
    path = Path(name)
    if (inside := _inside(path)) is not None:
        raise UsageError(f"{name} is a folder", hint=f"did you mean '{inside}'?")
    if _exists(path) or path.suffix in SUFFIXES or len(path.parts) > 1:
        return path
    known = shipped_councils()
    if name in known:
        return known[name]
    near = _beside(path) or did_you_mean(name, known)
    raise UsageError(
        f"no council '{name:.80}': there is no such file, and none of that name ships with Konseho",
        hint=near or f"shipped: {', '.join(known)}",
    )


def _inside(folder: Path) -> Path | None:
    """The council in a folder, as `konseho init` writes it."""
    try:
        found = [folder / f"council{suffix}" for suffix in SUFFIXES]
        return next((file for file in found if file.is_file()), None)
    except (OSError, ValueError):
        return None


def _beside(path: Path) -> str | None:
    """The file whose ending was left out."""
    found = [f"{path}{suffix}" for suffix in SUFFIXES]
    near = next((file for file in found if _exists(Path(file))), None)
    return None if near is None else f"did you mean '{near}'?"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or a NUL: no file has such a name
        return False
