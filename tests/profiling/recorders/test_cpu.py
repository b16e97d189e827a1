"""What cProfile counted, by part of the house."""

from __future__ import annotations

import threading
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import konseho_cli
from konseho_cli.profiling.recorders.cpu import (
    ONE_STACK,
    CpuWatch,
    Figures,
    Key,
    cpu_profile,
    notes_on,
)

PACKAGE = Path(next(iter(konseho_cli.__path__)))
ENGINE = str(PACKAGE / "engine/plan.py")
CONTEXT = str(PACKAGE / "context/output.py")
PACKING: Key = ("~", 0, "<method 'compress' of 'zstd' objects>")
POLL: Key = ("~", 0, "<method 'poll' of 'select.epoll' objects>")
PLAN: Key = (ENGINE, 10, "make_plan")
GET: Key = (CONTEXT, 20, "get")


def figures(calls: int, own: float, total: float, **callers: float) -> Figures:
    by = {"plan": PLAN, "get": GET}
    return calls, calls, own, total, {by[name]: (1, 1, own, own) for name, own in callers.items()}


def test_c_code_counts_for_who_called_it() -> None:
    stats = {
        PLAN: figures(1, 1.0, 2.0),
        GET: figures(2, 2.0, 5.0),
        PACKING: figures(2, 4.0, 4.0, plan=1.0, get=3.0),
    }
    profile = cpu_profile(stats, {})
    own = {group.name: group.own_s for group in profile.groups}
    assert own == {"context serialization": 5.0, "engine": 2.0}
    assert {each.name: each.group for each in profile.functions} == {
        "method 'compress' of 'zstd' objects": "context serialization",
        "make_plan": "engine",
        "get": "context serialization",
    }


def test_waits_are_apart_and_no_part_of_the_work() -> None:
    stats = {PLAN: figures(1, 1.0, 11.0), POLL: figures(3, 9.0, 9.0, plan=9.0)}
    profile = cpu_profile(stats, {}, file="cpu.pstats")
    assert (profile.total_s, profile.waiting_s) == (10.0, 9.0)
    assert {group.name: group.share for group in profile.groups} == {"waiting": 0.0, "engine": 1.0}


def test_waits_of_other_threads_are_not_the_loop_s() -> None:
    stats = {PLAN: figures(1, 1.0, 11.0), POLL: figures(3, 9.0, 9.0, plan=9.0)}
    profile = cpu_profile(stats, {}, waited_beside_s=5.0)
    assert (profile.total_s, profile.waiting_s) == (5.0, 4.0)
    assert {group.name: group.own_s for group in profile.groups} == {"waiting": 4.0, "engine": 1.0}


@pytest.mark.skipif(ONE_STACK, reason="threads cannot be told apart")
def test_what_a_thread_waits_is_told_from_what_the_main_one_does() -> None:
    go, there = threading.Lock(), threading.Lock()
    go.acquire()
    there.acquire()

    def wait_for_it() -> None:
        there.release()
        go.acquire()

    with CpuWatch() as watch:
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        there.acquire()
        spin()
        go.release()
        thread.join()
    stats = watch.stats().stats  # type: ignore[attr-defined]
    waited = watch.waited_beside_s()
    assert waited > 0.02
    both = cpu_profile(stats, {}).waiting_s
    assert cpu_profile(stats, {}, waited_beside_s=waited).waiting_s == pytest.approx(both - waited)


def test_c_code_that_c_code_called_counts_for_the_python_behind_it() -> None:
    inner: Key = ("~", 0, "<built-in method inner>")
    stats = {
        GET: figures(1, 0.0, 1.0),
        PACKING: figures(1, 0.5, 1.0, get=0.5),
        inner: (1, 1, 0.5, 0.5, {PACKING: (1, 1, 0.5, 0.5)}),
    }
    assert [(group.name, group.own_s) for group in cpu_profile(stats, {}).groups] == [
        ("context serialization", 1.0)
    ]


FILES = (ENGINE, CONTEXT, "~", "<string>", "/venv/site-packages/six.py")


@st.composite
def profiles(draw: st.DrawFn) -> dict[Key, Figures]:
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(FILES), st.integers(0, 5), st.sampled_from("abcdef")),
            unique=True, min_size=1, max_size=12,
        )
    )  # fmt: skip
    found: dict[Key, Figures] = {}
    for key in keys:
        callers = draw(st.lists(st.sampled_from(keys), unique=True, max_size=4))
        by = {each: (1, 1, draw(st.floats(0, 5)), 0.0) for each in callers}
        own = sum(each[2] for each in by.values()) + draw(st.floats(0, 1)) * (not by)
        found[key] = (1 + len(by), 1 + len(by), own, own, by)
    return found


@given(profiles())
def test_the_groups_sum_to_the_whole(stats: dict[Key, Figures]) -> None:
    profile = cpu_profile(stats, {})
    assert sum(each.own_s for each in profile.groups) == pytest.approx(profile.total_s)
    assert profile.total_s == pytest.approx(sum(each[2] for each in stats.values()), abs=1e-6)
    worked = [group for group in profile.groups if group.own_s]
    if profile.total_s > 1e-6:
        assert sum(group.share for group in worked) == pytest.approx(1.0)


def spin() -> int:
    end = time.thread_time() + 0.03
    while time.thread_time() < end:
        zlib.crc32(b"x" * 1000)
    return 0


def test_a_real_profile_has_the_functions_with_qualified_names() -> None:
    class Worker:
        def work(self) -> int:
            return spin()

    with CpuWatch() as watch:
        Worker().work()
    stats = watch.stats().stats  # type: ignore[attr-defined]
    profile = cpu_profile(stats, watch.names(), threads=watch.threads)
    names = {each.name: each for each in profile.functions}
    own = next(name for name in names if name.endswith("Worker.work"))
    assert names[own].calls == 1
    assert names[own].total_s >= names["spin"].total_s > 0.02
    assert names["spin"].group == "other code"
    assert profile.threads == 0


def test_a_thread_that_the_run_starts_is_seen_too() -> None:
    def in_a_thread() -> None:
        spin()

    with CpuWatch() as watch:
        thread = threading.Thread(target=in_a_thread)
        thread.start()
        thread.join()
    found = {key[2]: each for key, each in watch.stats().stats.items()}  # type: ignore[attr-defined]
    assert watch.threads == 1
    assert found["spin"][3] > 0.02, "its time is there"


def test_what_cannot_be_seen_is_said() -> None:
    assert len(notes_on(0, 0.35)) == 2
    assert "0.35 s" in notes_on(0, 0.35)[1]
    assert "one stack" in notes_on(2, 0.3, one_stack=True)[-1]
    assert "each was profiled by itself" in notes_on(2, 0.3, one_stack=False)[-1]
    assert isinstance(ONE_STACK, bool)
