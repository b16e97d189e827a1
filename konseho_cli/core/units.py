"""Quantities as people write them (`250ms`, `5m`, `64MiB`, `200k`, `$1.50`) and read them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, ClassVar

_NUMBER = re.compile(r"^\s*(\$?)\s*(\d+(?:\.\d+)?)\s*([A-Za-zµ]*)\s*$", re.ASCII | re.IGNORECASE)


def _split(text: object, what: str, example: str) -> tuple[str, Decimal, str]:
    if isinstance(text, bool) or not isinstance(text, (int, float, str, Decimal)):
        raise ValueError(f"expected {what} such as {example}")
    match = _NUMBER.match(str(text) if not isinstance(text, float) else format(text, "f"))
    if match is None or len(str(text)) > 40:
        raise ValueError(f"expected {what} such as {example}")
    return match[1], Decimal(match[2]), match[3]


class Duration(float):
    """Seconds, from a number of seconds or `250ms`, `90s`, `5m`, `2h`, `30d`."""

    UNITS: ClassVar = {
        "": 1,
        "us": 1e-6,
        "µs": 1e-6,
        "ms": 1e-3,
        "s": 1,
        "m": 60,
        "h": 3600,
        "d": 86400,
    }

    def __new__(cls, text: object) -> Duration:
        """Parse; raises ValueError with what was expected."""
        dollar, number, unit = _split(text, "a duration", "250ms, 90s or 5m")
        if dollar or unit not in cls.UNITS:
            raise ValueError("expected a duration such as 250ms, 90s or 5m")
        return super().__new__(cls, float(number) * cls.UNITS[unit])


class Count(int):
    """A whole number, from `1500`, `200k`, `1.5M`."""

    UNITS: ClassVar = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}

    def __new__(cls, text: object) -> Count:
        """Parse; raises ValueError with what was expected."""
        dollar, number, unit = _split(text, "a number", "1500, 200k or 2M")
        value = number * cls.UNITS.get(unit, 0)
        if dollar or unit not in cls.UNITS or value != value.to_integral_value():
            raise ValueError("expected a whole number such as 1500, 200k or 2M")
        return super().__new__(cls, int(value))


class Size(int):
    """Bytes, from `512`, `64KiB`, `64MiB`, `10MB`, `1GiB`."""

    UNITS: ClassVar = {
        "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9,
        "kib": 2**10, "mib": 2**20, "gib": 2**30,
    }  # fmt: skip

    def __new__(cls, text: object) -> Size:
        """Parse; raises ValueError with what was expected."""
        dollar, number, unit = _split(text, "a size", "64MiB or 10MB")
        if dollar or unit.lower() not in cls.UNITS:
            raise ValueError("expected a size such as 64MiB or 10MB")
        return super().__new__(cls, int(number * cls.UNITS[unit.lower()]))


class Money(Decimal):
    """US dollars, exact, from `$1.50` or `1.50`."""

    def __new__(cls, text: object) -> Money:
        """Parse; raises ValueError with what was expected."""
        _, number, unit = _split(text, "an amount of money", "$1.50")
        if unit:
            raise ValueError("expected an amount of money such as $1.50")
        return super().__new__(cls, number)


class Share(float):
    """A part of a whole, 0 to 1, from `70%` or `0.7`."""

    def __new__(cls, text: object) -> Share:
        """Parse; raises ValueError with what was expected."""
        percent = isinstance(text, str) and text.rstrip().endswith("%")
        written = str(text).rstrip().removesuffix("%") if percent else text
        dollar, number, unit = _split(written, "a share", "70% or 0.7")
        value = number / 100 if percent else number
        if dollar or unit or value > 1:
            raise ValueError("expected a share such as 70% or 0.7")
        return super().__new__(cls, value)


QUANTITIES: tuple[type, ...] = (Duration, Count, Size, Money, Share)


def quantity(cls: type, value: Any) -> Any:
    """One of the types above, for msgspec to read them. Raises ValueError, NotImplementedError."""
    if cls in QUANTITIES:
        return cls(value)
    raise NotImplementedError(f"{cls.__name__} cannot be written in a file")


def show_duration(seconds: float) -> str:
    """Three figures at most: `430 µs`, `12 ms`, `1.2 s`, `3 m 05 s`, `2 h 04 m`."""
    if seconds < 0.0009995:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms" if seconds >= 0.00995 else f"{seconds * 1e3:.1f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def _scaled(number: float, base: int, units: tuple[str, ...]) -> str:
    """With the greatest unit that leaves at least one whole; one decimal below ten."""
    unit = units[0]
    for unit in units:
        if round(number) < base or unit == units[-1]:
            break
        number /= base
    plain = unit == units[0] or round(number, 1) >= 10
    return f"{number:.0f}{unit}" if plain else f"{number:.1f}{unit}"


def show_count(number: int) -> str:
    """`812`, `1.1k`, `48k`, `2.3M`."""
    return _scaled(number, 1000, ("", "k", "M", "G"))


def show_money(dollars: Decimal) -> str:
    """`$0.021`, `$1.50`; below a tenth of a cent two figures, below a millionth `< $0.000001`."""
    if not dollars:
        return "$0"
    if dollars < Decimal("0.000001"):
        return "< $0.000001"
    if dollars < Decimal("0.001"):
        return f"${dollars:.2g}" if dollars >= Decimal("0.0001") else f"${dollars:.6f}".rstrip("0")
    return f"${dollars:.2f}" if dollars >= Decimal("0.9995") else f"${dollars:.3f}"


def show_share(share: float) -> str:
    """`70 %`, `99.7 %`."""
    return f"{share * 100:.3g} %"


def show_percent(share: float) -> str:
    """`72 %`; what is there and rounds to nothing is `< 1 %`."""
    return f"{share * 100:.0f} %" if share >= 0.005 or not share else "< 1 %"


def show_change(share: float) -> str:
    """`−23 %`, `+4 %`, `0 %`."""
    return f"{share * 100:+.0f} %".replace("-", "−") if abs(share) >= 0.005 else "0 %"


def show_size(size: int) -> str:
    """`812 B`, `1.5 KiB`, `64 MiB`."""
    return _scaled(size, 1024, (" B", " KiB", " MiB", " GiB"))
