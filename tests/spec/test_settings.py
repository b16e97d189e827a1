"""Settings: who says what holds over whom, and what `optimize` fills in."""

from __future__ import annotations

import pytest
from msgspec import structs

from konseho_cli.context.settings import ContextSettings
from konseho_cli.core.units import Size
from konseho_cli.spec.settings import Settings


def test_one_word_about_events_is_all_there_is() -> None:
    silent, loud = Settings(emit_events=False), Settings(events="all")
    assert loud.over(silent).level == "all"
    assert silent.over(loud).level == "none"
    assert Settings(emit_events=True).over(Settings(events="steps")).level is None
    assert Settings().over(silent).level == "none"


def test_optimize_fills_in_what_nobody_says() -> None:
    fast = Settings(optimize=True)
    assert (fast.collection, fast.release) == ("frozen", "eager")
    assert (Settings().collection, Settings().release) == ("normal", "end")
    said = Settings(optimize=True, gc="manual", collect="end")
    assert (said.collection, said.release) == ("manual", "end")
    assert Settings(optimize=False).over(fast).collection == "normal"


@pytest.mark.parametrize("name", [n for n in Settings.__struct_fields__ if n != "store"])
def test_false_and_zero_are_said_too(name: str) -> None:
    below = structs.replace(Settings(), **{name: 1})
    assert getattr(Settings().over(below), name) == 1
    assert getattr(structs.replace(Settings(), **{name: 0}).over(below), name) == 0


def test_what_stays_in_memory_is_said_for_the_engine() -> None:
    assert Settings().context == ContextSettings()
    assert Settings().context.inert
    said = Settings(memory_limit=Size("10MB"), spill_at=0.5, compress_context=True, optimize=True)
    assert said.context == ContextSettings(
        memory_limit=10_000_000, spill_at=0.5, compress=True, collect="eager"
    )
    assert Settings(memory_limit=Size(0)).context.memory_limit == 1  # all of it leaves memory
