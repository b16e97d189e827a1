"""The garbage collector of a run: in force while it lasts, put back whatever happens."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from konseho_cli.core.collecting import LEAST, collecting


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if enabled else gc.disable)()


class Knot:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.me = self


def knot() -> weakref.ref[Knot]:
    return weakref.ref(Knot())


def test_frozen_leaves_out_of_collections_what_was_there_before() -> None:
    assert gc.get_freeze_count() == 0
    with collecting("frozen"):
        assert gc.get_freeze_count() > 1000
        assert gc.isenabled()
        lost = knot()
        gc.collect()
        assert lost() is None  # what the run itself makes is still collected
    assert gc.get_freeze_count() == 0


def test_manual_collects_where_a_step_ends_and_never_in_between() -> None:
    with collecting("manual") as step_ended:
        assert not gc.isenabled()
        lost = knot()
        many = [[] for _ in range(LEAST * 2)]
        assert lost() is not None
        step_ended()
        assert lost() is None
        assert len(many) == LEAST * 2
    assert gc.isenabled()


def test_a_step_that_made_little_is_not_worth_a_collection() -> None:
    with collecting("manual") as step_ended:
        gc.collect()
        lost = knot()
        step_ended()
        assert lost() is not None
    assert lost() is None  # but the end is


def test_normal_changes_nothing() -> None:
    with collecting("normal") as step_ended:
        assert gc.isenabled()
        assert gc.get_freeze_count() == 0
        gc.collect()
        lost = knot()
        step_ended()
        assert lost() is not None


@pytest.mark.parametrize("how", ["frozen", "manual"])
def test_an_error_puts_it_back(how: str) -> None:
    with suppress(RuntimeError), collecting(how):  # type: ignore[arg-type]
        raise RuntimeError
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_who_had_switched_it_off_finds_it_off() -> None:
    gc.disable()
    with collecting("manual"):
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_what_the_caller_has_frozen_stays_frozen() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    with collecting("frozen"):
        pass
    assert gc.get_freeze_count() == pytest.approx(before, rel=0.01)


@pytest.mark.parametrize("how", ["frozen", "manual"])
def test_runs_that_overlap_share_it_until_the_last_one_ends(how: str) -> None:
    def in_force() -> bool:
        return gc.get_freeze_count() > 0 if how == "frozen" else not gc.isenabled()

    first, second = ExitStack(), ExitStack()
    first.enter_context(collecting(how))  # type: ignore[arg-type]
    second.enter_context(collecting(how))  # type: ignore[arg-type]
    first.close()
    assert in_force()
    second.close()
    assert not in_force()


THREADS = """
import gc
from threading import Barrier, Thread
from konseho_cli.core.collecting import collecting

barrier, seen = Barrier(4), []

def run():
    for _ in range(50):
        with collecting("manual"), collecting("frozen"):
            seen.append(not gc.isenabled() and gc.get_freeze_count() > 0)
        barrier.wait()

threads = [Thread(target=run) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(seen.count(True), gc.isenabled(), gc.get_freeze_count())
"""


def test_threads_share_it_too() -> None:
    """In a process of its own, where 200 collections look through little."""
    ran = subprocess.run(
        [sys.executable, "-c", THREADS], capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == ("200 True 0\n", "")
