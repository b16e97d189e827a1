from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.profiling.cpu_profile import CpuProfile, FunctionTime, GroupTime
from konseho_cli.profiling.sampled import Frame, Samples, Stack
from konseho_cli.report.html import flames as html_flames
from konseho_cli.report.html.flames import group_of, profiled_flames, sampled_flames

FRAMES = tuple(Frame(name=f"f{n}", file=f"konseho_cli/floor{n}/a.py", line=n) for n in range(5))
STACKS = st.lists(
    st.tuples(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(1, 9)), min_size=1
)


def samples(stacks: list[tuple[list[int], int]], threads: int = 1) -> Samples:
    return Samples(
        rate=100, frames=FRAMES, idle=False, gil=False,
        stacks=tuple(
            Stack(frames=tuple(frames), samples=count, thread=f"t{place % threads}")
            for place, (frames, count) in enumerate(stacks)
        ),
    )  # fmt: skip


def boxes(drawn: dict[str, Any]) -> list[tuple[int, int, int]]:
    return list(zip(drawn["row"], drawn["start"], drawn["end"], strict=True))


@given(STACKS)
def test_every_frame_lies_within_one_of_the_row_above_and_none_overlap(stacks: Any) -> None:
    drawn = sampled_flames(samples(stacks))
    assert drawn is not None
    found = boxes(drawn)
    assert drawn["length"] == sum(count for _, count in stacks) == sum(drawn["own"])
    for row, start, end in found:
        above = [box for box in found if box[0] == row - 1 and box[1] <= start and end <= box[2]]
        assert row == 0 or len(above) == 1
        beside = [box for box in found if box[0] == row and box[1] < end and start < box[2]]
        assert len(beside) == 1


def test_threads_stand_apart_where_there_are_several() -> None:
    drawn = sampled_flames(samples([([0], 3), ([1], 1)], threads=2))
    assert drawn is not None
    assert drawn["name"] == ["all", "t0", "t1", "f0", "f1"]
    assert drawn["groups"] == ["floor0", "floor1", "thread"]


def test_of_very_many_frames_the_widest_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_flames, "MOST_FRAMES", 3)
    drawn = sampled_flames(samples([([0], 5), ([1], 3), ([2], 1)]))
    assert drawn is not None
    assert (drawn["name"], drawn["left_out"]) == (["all", "f0", "f1"], 1)


def test_functions_of_cprofile_stand_under_their_part_without_its_waits() -> None:
    functions = tuple(
        FunctionTime(name=name, file="a.py", line=1, group=group, calls=1, own_s=own, total_s=own)
        for name, group, own in (
            ("a", "engine", 0.002),
            ("b", "engine", 0.001),
            ("c", "waiting", 9),
        )
    )
    cpu = CpuProfile(functions=functions, groups=(), total_s=9, waiting_s=9, threads=0)
    drawn = profiled_flames(cpu)
    assert drawn is not None
    assert drawn["name"] == ["all", "engine", "a", "b"]
    assert boxes(drawn) == [(0, 0, 3000), (1, 0, 3000), (2, 0, 2000), (2, 2000, 3000)]


def test_what_is_not_kept_of_a_part_is_a_frame_of_it() -> None:
    function = FunctionTime(
        name="a", file="a.py", line=1, group="engine", calls=1, own_s=0.002, total_s=0.002
    )
    groups = tuple(
        GroupTime(name=name, calls=9, own_s=own_s, share=0.1)
        for name, own_s in (("engine", 0.003), ("models", 0.0005), ("waiting", 9.0))
    )
    cpu = CpuProfile(functions=(function,), groups=groups, total_s=9, waiting_s=9, threads=0)
    drawn = profiled_flames(cpu)
    assert drawn is not None
    found = list(zip(drawn["row"], drawn["name"], drawn["start"], drawn["end"], strict=True))
    assert found == [
        (0, "all", 0, 3500), (1, "engine", 0, 3000), (1, "models", 3000, 3500),
        (2, "a", 0, 2000), (2, "the rest", 2000, 3000), (2, "the rest", 3000, 3500),
    ]  # fmt: skip
    assert sum(drawn["own"]) == drawn["length"]


def test_where_nothing_was_seen_nothing_is_drawn() -> None:
    assert sampled_flames(samples([])) is None


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("/x/konseho_cli/engine/executor.py", "engine"),
        ("konseho_cli/council.py", "council"),
        ("C:\\y\\site-packages\\aiohttp\\client.py", "aiohttp"),
        ("lib/site-packages/msgspec.py", "msgspec"),
        ("/usr/lib/python3.11/asyncio/events.py", "python"),
        ("<frozen importlib>", "python"),
    ],
)
def test_a_file_belongs_to_a_part(file: str, group: str) -> None:
    assert group_of(file) == group
