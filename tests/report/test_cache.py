from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from msgspec import structs

from konseho_cli.models.cache import CacheStats
from konseho_cli.report.cache import (
    cleared_json,
    cleared_text,
    entries_json,
    entries_text,
    totals_json,
    totals_text,
    warmed_text,
)
from konseho_cli.report.symbols import UNICODE
from konseho_cli.store.cache_table import Kept, Totals

DAY = 86400.0
PLACE = Path("/project/.konseho/konseho.db")
TOTALS = Totals(
    entries=1200, size=3 * 2**20, oldest=0.0, hits=85, misses=15, saved_tokens=2_100_000,
    saved_cost=Decimal("3.42"),
)  # fmt: skip
ENTRY = Kept(
    model="openai:m", about="Tabs or \x1b[31mspaces?", tokens=365, hits=1, size=99, created=0.0,
    used=DAY,
)  # fmt: skip


def test_the_totals_say_what_is_kept_and_what_it_saved():
    assert totals_text(TOTALS, PLACE, 12 * DAY).splitlines() == [
        "entries  1,200, 3.0 MiB, oldest 12 d",
        "hits     85 of 100 lookups (85 %)",
        "saved    2.1M tokens, $3.42",
        "file     /project/.konseho/konseho.db",
    ]


def test_totals_of_nothing_divide_by_nothing():
    assert "0 of 0 lookups\n" in totals_text(Totals(), PLACE, 0)
    assert json.loads(totals_json(Totals(), PLACE))["hit_rate"] is None


def test_totals_for_programs_have_dates_and_a_version():
    document = json.loads(totals_json(TOTALS, PLACE))
    assert document["konseho"] == 1
    assert document["oldest"] == "1970-01-01T00:00:00+00:00"
    assert (document["hit_rate"], document["saved_cost"]) == (0.85, 3.42)


def test_entries_stand_in_columns_and_cannot_drive_a_terminal():
    other = structs.replace(ENTRY, model="anthropic:claude", hits=12, created=DAY)
    assert entries_text([ENTRY, other], UNICODE, 3 * DAY).splitlines() == [
        "3 d  openai:m          365 tok    1 hit  Tabs or spaces?",
        "2 d  anthropic:claude  365 tok  12 hits  Tabs or spaces?",
    ]


def test_a_long_question_is_cut_in_text_and_whole_in_json():
    long = structs.replace(ENTRY, about="x" * 200)
    assert entries_text([long], UNICODE, 1).endswith("x…")
    (entry,) = json.loads(entries_json([long]))["entries"]
    assert entry["about"] == "x" * 200
    assert (entry["created"], entry["hits"]) == ("1970-01-01T00:00:00+00:00", 1)


def test_what_was_cleared_is_counted():
    assert cleared_text(1) == "removed 1 answer"
    assert json.loads(cleared_json(7)) == {"konseho": 1, "removed": 7}


def test_warming_tells_new_answers_from_known_ones(outcome):
    told = structs.replace(outcome, cache=CacheStats(writes=1, memory_hits=1, stored_hits=1))
    assert warmed_text(told) == "4 calls: 1 new, 2 already there, 3 not kept"
