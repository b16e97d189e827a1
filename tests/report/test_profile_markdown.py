from __future__ import annotations

from msgspec import structs

from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.memory_profile import Leak
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.profile_markdown import profile_markdown
from tests.report.profiles import profiled


def test_the_page_is_the_one_that_people_read(golden):
    golden("profile.md", profile_markdown(profiled()))


def test_what_was_not_measured_is_left_out():
    whole = profiled()
    bare = structs.replace(
        whole, recordings=whole.recordings[:1], findings=(), predictions=(), verdicts=()
    )
    text = profile_markdown(bare)
    assert "## CPU" not in text
    assert "## Memory" not in text
    assert "## Targets" not in text
    assert "## Findings" not in text


def test_names_of_strangers_stay_text_in_their_cells():
    hostile = Finding(topic="agent", what="a|b\n# <img src=x>", advice="none")
    text = profile_markdown(structs.replace(profiled(), findings=(hostile,)))
    assert "1. **a\\|b # &lt;img src=x>.** none" in text


def test_a_leak_is_said_with_its_interval():
    leak = Leak(after=(1, 2, 3), slope=65536.0, low=60000.0, high=70000.0)
    text = profile_markdown(structs.replace(profiled(), leak=leak))
    assert "It leaks: 64 KiB a run (59 KiB to 68 KiB, 3 runs)." in text


def test_what_is_measured_elsewhere_is_neither_met_nor_missed():
    other = Verdict(
        name="cold_start", target="500 ms", measured="not measured here", met=True, limit=0.5,
        value=None, unit="s", elsewhere="make bench",
    )  # fmt: skip
    text = profile_markdown(structs.replace(profiled(), verdicts=(other,)))
    assert "| cold_start | not measured here | allowed 500 ms | make bench |" in text
