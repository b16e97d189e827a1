"""Quantities: read as people write them, shown as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from konseho_cli.core.units import (
    Count,
    Duration,
    Money,
    Share,
    Size,
    show_count,
    show_duration,
    show_money,
    show_share,
    show_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("5m", 300),
        ("1.5h", 5400),
        (2, 2),
        (0.5, 0.5),
        ("30d", 2592000),
        ("90 s", 90),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert Duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "number"), [("200k", 200_000), ("1.5M", 1_500_000), (7, 7)])
def test_counts(text: object, number: int) -> None:
    assert Count(text) == number


@pytest.mark.parametrize(("text", "size"), [("64MiB", 64 * 2**20), ("10MB", 10**7), (512, 512)])
def test_sizes(text: object, size: int) -> None:
    assert Size(text) == size


@pytest.mark.parametrize(("text", "dollars"), [("$1.50", "1.50"), (2, "2"), (0.1, "0.1")])
def test_money_is_exact(text: object, dollars: str) -> None:
    assert Money(text) == Decimal(dollars)


@pytest.mark.parametrize("kind", [Duration, Count, Size, Money])
@pytest.mark.parametrize(
    "text",
    ["", "x", "-1", "5 parsecs", None, True, [], "1e9999999", "9" * 100, "nan", "inf", "1,5"],
)
def test_nonsense_says_what_was_expected(kind: type, text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        kind(text)


def test_a_count_is_whole() -> None:
    with pytest.raises(ValueError, match="whole number"):
        Count("1.5")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00043, "430 µs"), (0.0042, "4.2 ms"), (0.012, "12 ms"), (0.9996, "1.0 s"), (1.24, "1.2 s"),
        (6.81, "6.8 s"), (42, "42.0 s"), (59.96, "1 m 00 s"), (185, "3 m 05 s"), (7440, "2 h 04 m"),
    ],
)  # fmt: skip
def test_durations_are_shown_short(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


def test_the_other_quantities_are_shown_short() -> None:
    counts = (812, 999, 1_100, 9_200, 9_990, 48_000, 999_900, 2_300_000)
    assert [show_count(n) for n in counts] == [
        "812", "999", "1.1k", "9.2k", "10k", "48k", "1.0M", "2.3M",
    ]  # fmt: skip
    amounts = ("0", "0.0213", "0.9999", "1.5", "0.00004", "0.00045", "0.000000001")
    assert [show_money(Decimal(d)) for d in amounts] == [
        "$0", "$0.021", "$1.00", "$1.50", "$0.00004", "$0.00045", "< $0.000001",
    ]  # fmt: skip
    sizes = (12, 1023, 1536, 10 * 2**10 - 1, 2**20 - 1, 64 * 2**20)
    assert [show_size(n) for n in sizes] == [
        "12 B", "1023 B", "1.5 KiB", "10 KiB", "1.0 MiB", "64 MiB",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "share"), [("70%", 0.7), ("99.7 %", 0.997), ("0.25", 0.25), (1, 1), ("100%", 1)]
)
def test_shares(text: object, share: float) -> None:
    assert Share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["101%", "1.5", "70 %%", "%", "$1", "-1", None, True, "7k"])
def test_what_is_no_share_of_a_whole_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="70%"):
        Share(text)


@pytest.mark.parametrize(("share", "shown"), [(0.7, "70 %"), (0.997, "99.7 %"), (1, "100 %")])
def test_shares_are_shown_in_hundredths(share: float, shown: str) -> None:
    assert show_share(share) == shown
