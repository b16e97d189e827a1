"""The preset that a tuning writes: what was in force, what was kept, and what each setting gained. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from konseho_cli.bench.tuner import Tried
from konseho_cli.bench.tuning import saving
from konseho_cli.core.units import show_duration
from konseho_cli.spec.document import Targets
from konseho_cli.spec.load import to_document
from konseho_cli.spec.preset import Preset
from konseho_cli.spec.settings import Settings

_COMMENT = 26
"""Columns from which comments stand, where there is room."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What the first lines say."""

    council: str
    record: str
    """The run that was replayed, as people name it."""
    date: str
    version: str
    """Of Konseho."""


def preset_text(settings: Settings, base: Preset, kept: Sequence[Tried], origin: Origin) -> str:
    """A preset file. `settings`: those that are in force in the end."""
    council, record = (_one_line(each) for each in (origin.council, origin.record))
    lines = [
        f"# Written by `konseho tune` for {council}, {origin.date}, Konseho {origin.version}.",
        f"# Measured on replays of {record}: every answer of it stayed the same.",
        "konseho_preset: 1",
        f"description: {json.dumps(f'Tuned for {council}.', ensure_ascii=False)}",
        "settings:",
        *_settings(settings, gains(kept)),
    ]
    if base.targets != Targets():
        lines += ["targets:", *(f"  {key}: {value}" for key, value in plain(base.targets).items())]
    return "\n".join(lines) + "\n"


def gains(kept: Sequence[Tried]) -> Mapping[str, str]:
    """What each setting gained, by its name; one that was raised again and again, all in all."""
    found: dict[str, list[Tried]] = {}
    for tried in kept:
        for name in plain(tried.change.settings):
            found.setdefault(name, []).append(tried)
    return {name: _gain(own) for name, own in found.items()}


def _gain(own: Sequence[Tried]) -> str:
    first, last = own[0], own[-1]
    if any(each.measure != first.measure for each in own):
        return "; ".join(_gain([each]) for each in own)
    what = "waiting" if first.measure == "waiting" else "CPU of a replay"
    times = f"{show_duration(first.before_s)} → {show_duration(last.after_s)}"
    share = saving(first.before_s, last.after_s) * 100
    is_preset = first.change.kind == "presets"
    before = f"preset {last.change.after}: " if is_preset else f"was {first.change.before}: "
    own_line = " (the council's own line holds over it)" if last.has_own_line else ""
    return f"{before}{what} {times}, −{share:.0f} %{own_line}"


def _settings(settings: Settings, gained: Mapping[str, str]) -> Iterator[str]:
    for name, value in plain(settings).items():
        line = f"  {name}: {_written(value)}"
        yield f"{line:<{_COMMENT}} # {gained[name]}" if name in gained else line


def plain(table: msgspec.Struct) -> dict[str, Any]:
    """What is said in it: what is not has no place in a file."""
    plain: dict[str, Any] = to_document(table=table)["table"]
    return {key: value for key, value in plain.items() if value not in (None, {})}


def _one_line(text: str) -> str:
    """A comment ends with its line, and whatever could be taken for an end of it."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _written(value: Any) -> str:
    """Any JSON is YAML; a plain word reads better without quotes."""
    return value if isinstance(value, str) else json.dumps(value)
