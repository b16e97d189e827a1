"""Presets: settings under a name, with the targets that runs under them are held to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import structs

from konseho_cli.core.errors import UsageError
from konseho_cli.core.files import shipped
from konseho_cli.core.source import shown_path
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.spec.check import checked
from konseho_cli.spec.document import Table, Targets
from konseho_cli.spec.load import read_yaml
from konseho_cli.spec.problems import Problems
from konseho_cli.spec.settings import Settings

FOLDER = "profiles"
"""Beside a council, and of what ships."""
_NO_PRESETS = frozenset({"targets"})
"""Files of that folder that say something else: what `make bench` is held to."""


class Preset(Table, frozen=True, kw_only=True):
    """A preset file."""

    konseho_preset: Literal[1]
    """The version of this format."""
    description: str = ""
    settings: Settings = Settings()
    targets: Targets = Targets()
    """They hold where the council states none."""


def load_preset(path: Path) -> Preset:
    """Read and check a preset. Raises InvalidCouncil with every mistake in it."""
    parsed = read_yaml(path, begin="konseho_preset: 1")
    problems = Problems(parsed.marks, shown_path(path))
    problems.errors.extend(parsed.problems)
    if not isinstance(parsed.value, dict):
        problems.error((), "a preset is a mapping of keys", hint="begin with `konseho_preset: 1`")
        problems.raise_any()
    preset = checked(parsed.value, Preset, problems, quick=parsed.finite)
    if preset is not None:
        _check_events(preset.settings, problems)
    problems.raise_any()
    assert preset is not None, "a document that does not convert has a mistake"
    return preset


def _check_events(settings: Settings, problems: Problems) -> None:
    if settings.emit_events is False and settings.events not in (None, "none"):
        what = f"`emit_events: false` builds none of them, so not `events: {settings.events}`"
        problems.error(("settings", "events"), what, value=settings.events)


def preset_under(own: Settings, name: str | Path | None, council: Path | None) -> Preset:
    """What the caller says itself, over the preset that is named, if one is.

    `council`: the file beside which presets may lie. Raises UsageError, InvalidCouncil.
    """
    below = Preset(konseho_preset=1)
    if name is not None:
        below = load_preset(name if isinstance(name, Path) else find_preset(name, council))
    return structs.replace(below, settings=own.over(below.settings))


def find_preset(name: str, council: Path | None = None) -> Path:
    """A file, or a name: of a preset beside the council's file, else of one that ships.

    Raises UsageError.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or len(path.parts) != 1:
        return path
    known = presets_beside(council)
    if name in known:
        return known[name]
    near = did_you_mean(name, known)
    listed = f"known: {', '.join(sorted(known))}"
    raise UsageError(
        f"no preset '{name:.80}'", hint=f"{near} {listed}" if near else listed,
    )  # fmt: skip


def presets_beside(council: Path | None = None) -> Mapping[str, Path]:
    """Every preset by its name; what lies beside a council hides what ships."""
    folders = [shipped(FOLDER)]
    if council is not None:
        folders.append(council.absolute().parent / FOLDER)
    found = {file.stem: file for folder in folders for file in sorted(folder.glob("*.yaml"))}
    return {name: file for name, file in found.items() if name not in _NO_PRESETS}
