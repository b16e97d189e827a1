"""Presets: found by name, read as strictly as councils, and below whatever is said elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from konseho_cli.core.errors import InvalidCouncil, UsageError
from konseho_cli.core.files import shipped
from konseho_cli.spec.document import Targets
from konseho_cli.spec.preset import Preset, find_preset, load_preset, preset_under, presets_beside
from konseho_cli.spec.settings import Settings, StoreSettings


def write(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def mistakes(file: Path) -> list[str]:
    with pytest.raises(InvalidCouncil) as caught:
        load_preset(file)
    return [str(problem).rpartition("mine.yaml:")[2] for problem in caught.value.problems]


# ------------------------------------------------------------------------------ what ships


def test_three_presets_ship_with_what_they_are_known_for() -> None:
    found = {name: load_preset(file).settings for name, file in presets_beside().items()}
    assert set(found) == {"development", "production", "memory-constrained"}
    figures = {
        name: (each.cache_size, each.max_concurrency, each.memory_limit)
        for name, each in found.items()
    }
    assert figures == {
        "development": (100, 2, 50_000_000),
        "production": (10_000, 8, 500_000_000),
        "memory-constrained": (50, 1, 10_000_000),
    }
    assert found["production"].collect == "eager"
    small = found["memory-constrained"]
    assert (small.compress_context, small.spill_at) == (True, 0.7)


def test_every_shipped_preset_has_a_description_and_a_target() -> None:
    for file in presets_beside().values():
        preset = load_preset(file)
        assert preset.description
        assert preset.targets != Targets()


# ------------------------------------------------------------------------------ reading


def test_every_key_of_a_preset_can_be_written(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "konseho_preset: 1\n"
        "description: All of it.\n"
        "settings: {optimize: true, emit_events: true, events: steps, cache_size: 10k,\n"
        "  compress_context: true, memory_limit: 50MB, spill_at: 0.7, collect: eager,\n"
        "  max_concurrency: 4, gc: manual, store: {enabled: false, sync: full, keep: 30d}}\n"
        "targets: {time: 2m, cost: $1}\n",
    )
    preset = load_preset(file)
    assert preset.settings == Settings(
        optimize=True, emit_events=True, events="steps", cache_size=10_000,  # type: ignore[arg-type]
        compress_context=True, memory_limit=50_000_000, spill_at=0.7, collect="eager",  # type: ignore[arg-type]
        max_concurrency=4, gc="manual",
        store=StoreSettings(enabled=False, sync="full", keep=30 * 86400.0),  # type: ignore[arg-type]
    )  # fmt: skip
    assert (preset.targets.time, preset.targets.cost) == (120, 1)


def test_all_mistakes_come_at_once_with_their_lines_and_near_words(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "konseho_preset: 1\n"
        "settings:\n"
        "  cach_size: 100\n"
        "  events: stpes\n"
        "  spill_at: 2\n"
        "  memory_limit: lots\n"
        "  max_concurrency: 0\n"
        "  store: {synk: full}\n"
        "targets: {tmie: 2m}\n",
    )
    assert mistakes(file) == [
        "3:3: settings.cach_size: unknown key 'cach_size' (did you mean 'cache_size'?)",
        '4:11: settings.events: expected one of all, none, steps; got "stpes" '
        "(did you mean 'steps'?)",
        "5:13: settings.spill_at: expected a number above 0 to 1, got 2",
        '6:17: settings.memory_limit: expected a size such as 64MiB or 10MB, got "lots"',
        "7:20: settings.max_concurrency: expected a whole number from 1, got 0",
        "8:11: settings.store.synk: unknown key 'synk' (did you mean 'sync'?)",
        "9:11: targets.tmie: unknown key 'tmie' (did you mean 'time'?)",
    ]


def test_a_preset_says_that_it_is_one(tmp_path: Path) -> None:
    missing = mistakes(write(tmp_path, "settings: {}\n"))
    assert missing == ["1:1: the key 'konseho_preset' is missing (add `konseho_preset: 1`)"]
    council = mistakes(write(tmp_path, "konseho: 1\nname: x\nsteps: []\n"))
    assert any("konseho_preset" in line for line in council)
    assert "begin with `konseho_preset: 1`" in mistakes(write(tmp_path, "- 1\n"))[0]
    assert "the file is empty" in mistakes(write(tmp_path, ""))[0]


def test_no_events_and_all_of_them_contradict_each_other(tmp_path: Path) -> None:
    file = write(tmp_path, "konseho_preset: 1\nsettings: {emit_events: false, events: all}\n")
    assert "builds none of them, so not `events: all`" in mistakes(file)[0]


# ------------------------------------------------------------------------------ finding


def test_a_preset_beside_the_council_hides_the_one_that_ships(tmp_path: Path) -> None:
    mine = write(tmp_path / "profiles", "konseho_preset: 1\n", "production.yaml")
    council = tmp_path / "council.yaml"
    assert find_preset("production", council) == mine
    assert find_preset("production") == shipped("profiles") / "production.yaml"
    assert find_preset("development", council) == shipped("profiles") / "development.yaml"


def test_a_path_is_a_file_wherever_it_is() -> None:
    assert find_preset("mine.yaml") == Path("mine.yaml")
    assert find_preset("../mine") == Path("../mine")


@pytest.mark.parametrize("name", ["prodction", "targets", "", "."])
def test_an_unknown_preset_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises((UsageError, InvalidCouncil)) as caught:
        preset_under(Settings(), name, None)
    told = f"{caught.value} {caught.value.hint or ''}"
    assert name in told
    if name in ("prodction", "targets"):
        assert "known: development, memory-constrained, production" in told
    assert ("did you mean 'production'?" in told) == (name == "prodction")


# ------------------------------------------------------------------------------ precedence


def test_what_is_said_holds_over_the_preset_and_the_rest_is_the_presets(tmp_path: Path) -> None:
    file = write(
        tmp_path, "konseho_preset: 1\nsettings: {cache_size: 5, gc: manual, store: {keep: 1d}}\n"
    )
    own = Settings(cache_size=7, store=StoreSettings(sync="full"))  # type: ignore[arg-type]
    found = preset_under(own, file, None).settings
    assert (found.cache_size, found.gc) == (7, "manual")
    assert (found.store.sync, found.store.keep) == ("full", 86400)


def test_without_a_preset_only_what_is_said_holds() -> None:
    own = Settings(optimize=False)
    assert preset_under(own, None, None) == Preset(konseho_preset=1, settings=own)
