"""What a run holds: packing it, telling what changed, reading it, and far more of it than fits."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter

import msgpack
import msgspec

from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.processes import child
from konseho_cli.bench.rows.much_context import Measured
from konseho_cli.context.difference import restore
from konseho_cli.context.entries import Entries
from konseho_cli.context.settings import ContextSettings
from konseho_cli.context.spill import SpillFile
from konseho_cli.context.version import packed_against, plain_bytes

_WHOLE, _ENTRY = 5_000_000, 1_000_000
_MUCH, _LIMIT = 1_000_000_000, 100_000_000
_KEY = ("review", "part", "ann")


@contextmanager
def _pack(scale: float) -> Iterator[Pair]:
    outputs = {f"agent{number}": _prose(_WHOLE // 500, number) for number in range(500)}
    outputs = dict(list(outputs.items())[: max(1, round(500 * scale))])

    def ours() -> float:
        start = perf_counter()
        packed_against(plain_bytes(outputs), None)
        return perf_counter() - start

    def peer() -> float:
        start = perf_counter()
        msgpack.packb(outputs)
        return perf_counter() - start

    yield Pair(ours=ours, peer=peer)


@contextmanager
def _change(scale: float) -> Iterator[Pair]:
    before = _prose(max(1000, round(_WHOLE * scale)), 1)
    middle = len(before) // 2
    after = plain_bytes(f"{before[:middle]} On second thoughts: no. {before[middle + 200 :]}")
    change, changed = packed_against(plain_bytes(before), after)
    assert not changed or restore(change, after) == plain_bytes(before)

    def packed(base: bytes | None) -> float:
        start = perf_counter()
        packed_against(plain_bytes(before), base)
        return perf_counter() - start

    yield Pair(ours=partial(packed, after), peer=partial(packed, None))


@contextmanager
def _hot(scale: float) -> Iterator[Pair]:
    times = max(10, round(10_000 * scale))
    entries = Entries(ContextSettings(memory_limit=10 * _ENTRY))
    entries.put(_KEY, _prose(_ENTRY, 1))
    known = {_KEY: "a value"}

    def ours() -> float:
        start = perf_counter()
        for _ in range(times):
            entries.get(_KEY)
        return (perf_counter() - start) / times

    def peer() -> float:
        start = perf_counter()
        for _ in range(times):
            known[_KEY]
        return (perf_counter() - start) / times

    yield Pair(ours=ours, peer=peer)


@contextmanager
def _cold(scale: float) -> Iterator[Pair]:
    count = max(2, round(20 * scale))
    text = _prose(_ENTRY, 1)
    keys = [(f"step{number}",) for number in range(count)]
    file = SpillFile()
    places = [file.write(plain_bytes(text)) for _ in keys]

    def ours() -> float:
        entries = Entries(ContextSettings())  # anew each time: what is read often comes to stay
        for key in keys:
            entries.put(key, text)
        entries.release(keys)
        entries.settle()
        start = perf_counter()
        for key in keys:
            entries.get(key)
        return (perf_counter() - start) / count

    def peer() -> float:
        start = perf_counter()
        for place in places:
            file.read(place)
        return (perf_counter() - start) / count

    yield Pair(ours=ours, peer=peer)


@contextmanager
def _much(scale: float) -> Iterator[Pair]:
    size, limit = round(_MUCH * scale), round(_LIMIT * scale)
    yield Pair(
        ours=lambda: float(max(1, measured(size, limit).peak)),
        peer=lambda: float(max(1, measured(limit, None).peak)),
    )


@contextmanager
def _much_time(scale: float) -> Iterator[Pair]:
    size, limit = round(_MUCH * scale), round(_LIMIT * scale)
    yield Pair(ours=lambda: measured(size, limit).took, peer=lambda: measured(size, None).took)


def measured(size: int, limit: int | None) -> Measured:
    """A run of so many bytes in a process of its own. Raises RuntimeError."""
    arguments = ["-m", "konseho_cli.bench.rows.much_context", "--size", f"{size}B"]
    if limit is not None:
        arguments += ["--limit", f"{limit}B"]
    with child(arguments) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    if not said:
        raise RuntimeError(f"python {' '.join(arguments)} said nothing")
    return msgspec.json.decode(said, type=Measured)


def _prose(size: int, seed: int) -> str:
    """Text that compresses about as well as what models write."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("etaoinshrdlucm", k=rng.randint(2, 9))) for _ in range(2_000)]
    weights = [1 / (number + 1) for number in range(len(words))]
    return " ".join(rng.choices(words, weights, k=size // 4))[:size]


ROWS = (
    Row(
        name="context_pack",
        title="5 MB of outputs, packed and compressed",
        peer="msgpack alone, nothing compressed",
        prepare=_pack,
    ),
    Row(
        name="context_change",
        title="5 MB of text of which a sentence changed, told as what changed",
        peer="packing it whole",
        prepare=_change,
    ),
    Row(
        name="context_hot",
        title="an entry of 1 MB that is in memory",
        peer="a dict lookup",
        prepare=_hot,
    ),
    Row(
        name="context_cold",
        title="an entry of 1 MB, read back from the spill file",
        peer="the bare bytes from a file",
        prepare=_cold,
    ),
    Row(
        name="context_1gb",
        title="a council that says 1 GB within a limit of 100 MB: the most that is resident",
        peer="a council that says 100 MB, and no limit",
        prepare=_much,
        costly=True,
        quick=False,
    ),
    Row(
        name="context_1gb_time",
        title="a council that says 1 GB within a limit of 100 MB: seconds in all",
        peer="the same without a limit, all of it in memory",
        prepare=_much_time,
        costly=True,
        quick=False,
    ),
)
