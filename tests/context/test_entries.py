from __future__ import annotations

import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.context.entries import EARLIER_FROM, Entries
from konseho_cli.context.settings import ContextSettings
from konseho_cli.context.version import ABSENT, HOT
from konseho_cli.core.errors import StoreFailed

KB = 1024


def noise(size: int, seed: int = 0) -> str:
    """A text that no packing makes much smaller."""
    return random.Random(seed).randbytes(size // 2).hex()


def limited(limit: int, **more: Any) -> Entries:
    return Entries(ContextSettings(memory_limit=limit, **more))


LONG = st.builds(lambda seed, size: noise(size, seed), st.integers(0, 9), st.integers(0, 4 * KB))
VALUES = st.recursive(
    LONG | st.text() | st.integers() | st.none() | st.booleans() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)
KEYS = st.sampled_from([("a",), ("a", "b"), ("b",), ("c", "text", "d")])
ACTIONS = st.lists(
    st.tuples(st.just("put"), KEYS, VALUES)
    | st.tuples(st.just("change"), KEYS, st.integers(0, 4 * KB))
    | st.tuples(st.sampled_from(["get", "peek", "drop", "release", "settle"]), KEYS, st.none()),
    max_size=40,
)


@settings(deadline=None)
@given(ACTIONS, st.none() | st.integers(1, 20 * KB), st.floats(0.1, 1), st.booleans())
def test_whatever_the_limit_it_is_a_dict_with_all_versions(
    actions: list[tuple[str, tuple[str, ...], Any]],
    limit: int | None,
    spill_at: float,
    compress: bool,
) -> None:
    wanted = ContextSettings(memory_limit=limit, spill_at=spill_at, compress=compress)
    entries, model = Entries(wanted), dict[tuple[str, ...], list[Any]]()
    for act, key, given_value in actions:
        if act in ("put", "change"):
            value = given_value
            if act == "change":
                last = model.get(key, [noise(4 * KB)])[-1]
                text = last if isinstance(last, str) else noise(4 * KB)
                value = f"{text[:given_value]}, but {text[given_value:]}"
            assert entries.put(key, value) == len(model.setdefault(key, []))
            model[key].append(value)
        elif act == "drop":
            entries.drop(key)
            model.pop(key, None)
        elif act == "release":
            entries.release([key])
        elif act == "settle" or key not in model:
            entries.settle()
        elif act == "peek":
            assert entries.peek(key) in (model[key][-1], ABSENT)
        else:
            for number, value in enumerate(model[key]):
                assert entries.get(key, number) == value
        if limit is not None and entries.pressed:
            entries.settle()
            assert entries.resident <= limit
            assert not entries.pressed
    for key, values in model.items():
        assert [entries.get(key, number) for number in range(entries.versions(key))] == values
        entries.drop(key)
    assert (entries.resident, entries.spilled) == (0, 0)


def test_nothing_is_packed_as_long_as_there_is_room() -> None:
    entries = limited(100 * KB)
    value = [noise(60 * KB)]
    entries.put(("a",), value)
    assert not entries.pressed
    entries.settle()
    assert entries.peek(("a",)) is value
    assert entries.spilled == 0


def test_the_coldest_go_and_what_is_read_often_stays() -> None:
    entries = limited(100 * KB, spill_at=0.5)
    for name in "abcd":
        entries.put((name,), noise(12 * KB, ord(name)))
        for _ in range(HOT):
            entries.peek(("a",))
    entries.put(("e",), noise(12 * KB))
    assert entries.pressed
    entries.settle()
    assert entries.peek(("a",)) is not ABSENT
    assert entries.peek(("b",)) is ABSENT


def test_what_is_read_again_and_again_comes_back_into_memory_and_leaves_it_without_writing() -> (
    None
):
    entries = limited(100 * KB)
    entries.put(("a",), noise(10 * KB))
    entries.release([("a",)])
    entries.settle()
    assert entries.resident == 0
    in_file = entries.spilled
    for _ in range(HOT):
        assert entries.get(("a",)) == noise(10 * KB)
    assert entries.peek(("a",)) == noise(10 * KB)
    entries.release([("a",)])
    entries.settle()
    assert (entries.resident, entries.spilled) == (0, in_file)


def test_a_long_talk_takes_little_more_than_its_last_turn() -> None:
    entries = Entries(ContextSettings())
    position = noise(64 * KB)
    for number in range(40):
        position = f"{position[: number * 999]} round {number} {position[number * 999 :]}"
        entries.put(("argue", "ann"), position)
        if entries.pressed:
            entries.settle()
    assert entries.peak < 3 * EARLIER_FROM
    entries._earlier = EARLIER_FROM + 1
    entries.settle()
    assert entries.resident < 6 * 64 * KB  # one in sixteen is kept whole
    assert [entries.get(("argue", "ann"), n).count("round") for n in (0, 17, 39)] == [1, 18, 40]


def test_compress_packs_what_is_large_at_once() -> None:
    entries = Entries(ContextSettings(compress=True))
    entries.put(("small",), "again and " * 1_000)
    assert not entries.pressed
    entries.put(("large",), "again and " * 10_000)
    assert entries.pressed
    entries.settle()
    assert (entries.peek(("large",)), entries.spilled) == (ABSENT, 0)
    assert entries.resident < 12_000
    assert entries.get(("large",)) == "again and " * 10_000


def test_room_in_the_file_is_used_again() -> None:
    entries = limited(10 * KB)
    for number in range(50):
        entries.put((f"{number}",), noise(20 * KB, number))
        entries.settle()
        entries.drop((f"{number}",))
    assert entries._file.size <= 40 * KB


def test_where_nothing_can_be_written_everything_stays_and_it_is_said(tmp_path: Path) -> None:
    entries = Entries(ContextSettings(memory_limit=10 * KB), folder=tmp_path / "nowhere")
    for name in "abc":
        entries.put((name,), noise(20 * KB, ord(name)))
        entries.settle()
        assert not entries.pressed  # it is not tried again and again
    assert "no room to spill to a file (No such file or directory)" in entries.warning
    assert "of outputs stay in memory" in entries.warning
    assert [entries.get((name,)) for name in "abc"] == [noise(20 * KB, ord(n)) for n in "abc"]


def test_a_full_disk_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, data: bytes, at: int) -> int:
        raise OSError(28, "No space left on device")

    entries = limited(10 * KB)
    entries.put(("a",), noise(20 * KB))
    monkeypatch.setattr(os, "pwrite", full)
    entries.settle()
    assert "No space left on device" in entries.warning
    assert entries.spilled == 0
    assert entries.get(("a",)) == noise(20 * KB)


def test_what_is_no_data_stays_as_it_is() -> None:
    entries = limited(KB)
    odd = {"odd": object(), "text": noise(2 * KB)}
    entries.put(("a",), odd)
    entries.settle()
    assert entries.get(("a",)) is odd
    assert not entries.pressed


def test_a_file_that_cannot_be_read_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(file: int, length: int, at: int) -> bytes:
        raise OSError(5, "Input/output error")

    entries = limited(KB)
    entries.put(("a",), noise(20 * KB))
    entries.settle()
    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(StoreFailed, match="cannot be read"):
        entries.get(("a",))


def test_threads_may_read_while_one_settles() -> None:
    entries, texts = limited(60 * KB), {(f"{n}",): noise(8 * KB, n) for n in range(30)}
    wrong: list[str] = []

    def read() -> None:
        for _ in range(5):
            wrong.extend(key[0] for key, text in texts.items() if entries.get(key) != text)

    for key, text in texts.items():
        entries.put(key, text)
    threads = [threading.Thread(target=read) for _ in range(3)]
    threads.append(threading.Thread(target=entries.settle))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries.settle()
    assert wrong == []
    assert entries.resident <= 60 * KB
