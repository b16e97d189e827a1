"""What the rows are held to: `profiles/targets.yaml`, `rows`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from konseho_cli.bench.statistics import Summary, Verdict, verdict
from konseho_cli.core.files import shipped
from konseho_cli.core.units import Duration, Size


class TargetSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row as it is written: quantities with their units."""

    stated: str | None = None
    aim: str | None = None
    stated_ratio: float | None = None
    aim_ratio: float | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True):
    rows: dict[str, TargetSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The limits of one row; None: there is none."""

    stated: float | None = None
    """Seconds or bytes."""
    aim: float | None = None
    stated_ratio: float | None = None
    """Multiples of the peer."""
    aim_ratio: float | None = None
    unit: Literal["s", "B", "%"] = "s"
    """Seconds, bytes, or a share of 1."""

    def stated_verdict(self, ours: Summary | None, ratio: Summary | None) -> Verdict | None:
        """Whether what was promised holds; None: nothing was."""
        return _worst(ours, self.stated, ratio, self.stated_ratio)

    def aim_verdict(self, ours: Summary | None, ratio: Summary | None) -> Verdict | None:
        """Whether what is aimed at is reached; None: no aim."""
        return _worst(ours, self.aim, ratio, self.aim_ratio)


NOTHING_STATED = Target()


def load_targets() -> dict[str, Target]:
    """All rows' targets by name. Raises msgspec.ValidationError, ValueError."""
    text = (shipped("profiles") / "targets.yaml").read_bytes()
    rows = msgspec.yaml.decode(text, type=_File).rows
    return {name: _read(spec) for name, spec in rows.items()}


def _read(spec: TargetSpec) -> Target:
    written = [_quantity(text) for text in (spec.stated, spec.aim) if text is not None]
    return Target(
        stated=None if spec.stated is None else _quantity(spec.stated),
        aim=None if spec.aim is None else _quantity(spec.aim),
        stated_ratio=spec.stated_ratio,
        aim_ratio=spec.aim_ratio,
        unit="B"
        if any(isinstance(quantity, Size) for quantity in written)
        else "%"
        if any(type(quantity) is float for quantity in written)
        else "s",
    )


def _quantity(text: str) -> float:
    if text.endswith("%"):
        return float(text[:-1]) / 100
    try:
        return Duration(text)
    except ValueError:
        return Size(text)


def _worst(
    ours: Summary | None, limit: float | None, ratio: Summary | None, ratio_limit: float | None
) -> Verdict | None:
    pairs = ((ours, limit), (ratio, ratio_limit))
    found = {
        verdict(measured, least) for measured, least in pairs if measured and least is not None
    }
    for worst in ("missed", "inconclusive", "met"):
        if worst in found:
            return worst
    return None
