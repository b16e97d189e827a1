from __future__ import annotations

from konseho_cli.bench.tuned_preset import Origin, preset_text
from konseho_cli.bench.tuner import Tried
from konseho_cli.bench.tuning import Change, Edit, Ruling, Setup
from konseho_cli.core.units import Duration, Size
from konseho_cli.spec.document import Targets
from konseho_cli.spec.preset import Preset, load_preset
from konseho_cli.spec.settings import Settings, StoreSettings

ORIGIN = Origin(
    council='odd:\n"name"\x85# 1', record="run 3fk2", date="2026-11-21", version="0.1.0"
)


def kept(kind, name, before, after, settings, *, measure="waiting", edits=(), times=(8.0, 4.0)):
    change = Change(
        kind=kind, name=name, before=before, after=after, settings=settings, edits=edits
    )  # fmt: skip
    return Tried(
        change=change, ruling=Ruling(verdict="kept"), beside=Setup(), measure=measure,
        before_s=times[0], after_s=times[1],
    )  # fmt: skip


def slots(before, after, times, **more):
    settings = Settings(max_concurrency=int(after))
    return kept("concurrency", "max_concurrency", before, after, settings, times=times, **more)


def test_what_is_written_is_read_again_as_it_was_meant(tmp_path):
    settings = Settings(
        max_concurrency=4, gc="frozen", memory_limit=Size("10MB"), spill_at=0.7, optimize=True,
        events="none", store=StoreSettings(keep=Duration("30d")),
    )  # fmt: skip
    targets = Targets(step_overhead=Duration("100ms"), time=Duration("2m"))
    base = Preset(konseho_preset=1, targets=targets)
    file = tmp_path / "tuned.yaml"
    tried = [slots("1", "2", (8.0, 4.0)), slots("2", "4", (4.0, 2.0))]
    file.write_text(preset_text(settings, base, tried, ORIGIN), encoding="utf-8")
    written = load_preset(file)
    assert (written.settings, written.targets) == (settings, targets)
    assert written.description == 'Tuned for odd: "name" # 1.'


def line(text, key):
    return next(each for each in text.splitlines() if each.strip().startswith(f"{key}:"))


def test_each_setting_says_what_it_gained_all_in_all():
    tried = [
        slots("1", "2", (8.0, 4.0)), slots("2", "4", (4.0, 2.0)),
        kept("gc", "gc", "normal", "frozen", Settings(gc="frozen"), measure="cpu",
             times=(0.02, 0.015)),
    ]  # fmt: skip
    settings = Settings(max_concurrency=4, gc="frozen", cache_size=5)
    text = preset_text(settings, Preset(konseho_preset=1), tried, ORIGIN)
    assert line(text, "max_concurrency").endswith("# was 1: waiting 8.0 s → 2.0 s, −75 %")
    assert line(text, "gc").endswith("# was normal: CPU of a replay 20 ms → 15 ms, −25 %")
    assert line(text, "cache_size") == "  cache_size: 5"
    assert "run 3fk2" in text


def test_a_line_of_the_council_that_holds_over_it_is_named():
    edits = (Edit(path=("max_concurrency",), value=2),)
    text = preset_text(
        Settings(max_concurrency=2), Preset(konseho_preset=1),
        [slots("1", "2", (8.0, 4.0), edits=edits)], ORIGIN,
    )  # fmt: skip
    assert line(text, "max_concurrency").endswith("(the council's own line holds over it)")
