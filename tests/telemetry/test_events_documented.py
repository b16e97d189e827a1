"""What docs say of events and settings is what the classes say."""

from __future__ import annotations

import re
from pathlib import Path

from konseho_cli.spec.settings import Settings
from konseho_cli.telemetry.events import EVENTS, LEVELS

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROW = re.compile(r"^\| `(\w+)` \|[^|]*\| ((?:`\w+`(?:, )?)+) \|$", re.MULTILINE)


def section(page: str, begins: str, ends: str) -> str:
    text = (DOCS / page).read_text(encoding="utf-8")
    return text.partition(begins)[2].partition(ends)[0]


def test_the_table_of_events_is_the_list_of_classes_with_their_fields() -> None:
    table = section("telemetry.md", "## Events", "### Levels")
    written = {name: re.findall(r"`(\w+)`", fields) for name, fields in ROW.findall(table)}
    assert written == {
        event.name: [field for field in event.__struct_fields__ if field != "at"]
        for event in EVENTS
    }


def test_every_level_is_described() -> None:
    table = section("telemetry.md", "### Levels", "### In a file")
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(LEVELS)


def test_every_setting_is_described_in_the_order_of_its_table() -> None:
    table = section("presets.md", "| setting |", "`targets`")
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == Settings.__struct_fields__
