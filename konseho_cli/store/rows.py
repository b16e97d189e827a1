"""Records as rows and back, and the statements that keep them: pure, for SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import astuple

from konseho_cli.store.base import (
    IDENTITY,
    CallKept,
    EventKept,
    Note,
    RunBegan,
    RunEnded,
    SpanKept,
    StepKept,
)

MOST_VALUES = 600
"""Of one statement: a thread gives way before each, and comes back late where others are busy."""
_NANO = 9
_WORDS = {"index": "position", "cost": "nanodollars"}
"""Fields whose column is called otherwise: a word of SQL, and a unit that nobody is to guess."""
_LARGEST = 2**63 - 1
_KEYS: Mapping[type[Any], tuple[str, ...]] = {
    CallKept: ("run", *IDENTITY, "session"),
    StepKept: ("run", "step"),
    SpanKept: ("run", "id"),
    EventKept: (),
    Note: ("kind", "name"),
}
TABLES: Mapping[type[Any], str] = {
    CallKept: "calls", StepKept: "steps", SpanKept: "spans", EventKept: "events", Note: "notes",
}  # fmt: skip
_COST = CallKept.__struct_fields__.index("cost")
_REASONS = StepKept.__struct_fields__.index("reasons")
BEGAN = tuple(field for field in RunBegan.__struct_fields__ if field != "again")
_MODELS = BEGAN.index("models")


def columns(kind: type[Any]) -> tuple[str, ...]:
    """What the fields of a record are called in its table, in order."""
    return tuple(_WORDS.get(field, field) for field in kind.__struct_fields__)


_AGAIN = ", ".join(f"{name} = excluded.{name}" for name in BEGAN if name not in ("run", "started"))
BEGIN = f"""
    INSERT INTO runs ({", ".join(BEGAN)}) VALUES ({", ".join("?" * len(BEGAN))})
    ON CONFLICT (run) DO UPDATE SET {_AGAIN},
    status = NULL, exit_status = NULL, ended = NULL, duration = NULL, error = NULL, body = NULL
    WHERE session = excluded.session - 1
"""  # noqa: S608 - constants
FORGET = "DELETE FROM steps WHERE run = ? AND step IN (SELECT value FROM json_each(?))"
_ENDS = ", ".join(f"{name} = ?" for name in columns(RunEnded)[1:])
END = f"UPDATE runs SET {_ENDS} WHERE run = ?"  # noqa: S608


@cache
def insertion(kind: type[Any], count: int) -> str:
    """The statement that keeps so many records of a kind; later ones take the place of earlier."""
    names, keys = columns(kind), _KEYS[kind]
    places = ", ".join(("(" + ", ".join("?" * len(names)) + ")",) * count)
    statement = f"INSERT INTO {TABLES[kind]} ({', '.join(names)}) VALUES {places}"  # noqa: S608
    if not keys:
        return statement
    others = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    return f"{statement} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {others}"


def portions(kind: type[Any], records: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """As many at once as a statement takes."""
    most = MOST_VALUES // len(kind.__struct_fields__)
    return (records[start : start + most] for start in range(0, len(records), most))


def values(kind: type[Any], records: Sequence[Any]) -> list[Any]:
    """What is bound to the statement that keeps them."""
    bound: list[Any] = []
    if kind is CallKept:
        for record in records:
            row = [*astuple(record)]
            row[_COST] = nanodollars(row[_COST])
            bound += row
    elif kind is StepKept:
        for record in records:
            row = [*astuple(record)]
            row[_REASONS] = _json(row[_REASONS])
            bound += row
    else:
        for record in records:
            bound += astuple(record)
    return bound


def begin_values(record: RunBegan) -> list[Any]:
    """What is bound to `BEGIN`."""
    row = [getattr(record, field) for field in BEGAN]
    row[_MODELS] = _json(row[_MODELS])
    return row


def forget_values(record: RunBegan) -> tuple[str, str]:
    """What is bound to `FORGET`."""
    return record.run, _json(record.again)


def end_values(record: RunEnded) -> tuple[Any, ...]:
    """What is bound to `END`."""
    run, *rest = astuple(record)
    return (*rest, run)


def printable(bound: Sequence[Any]) -> list[Any]:
    """The same with halves of characters spelt out, which a model may send and SQLite refuses."""
    return [
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for value in bound
    ]


def read_began(row: Sequence[Any]) -> RunBegan:
    """From the columns of `RunBegan`."""
    fields = dict(zip(BEGAN, row, strict=True))
    fields["models"] = tuple(msgspec.json.decode(fields["models"]))
    fields["simulated"] = bool(fields["simulated"])
    return RunBegan(**fields)


def read_ended(row: Sequence[Any]) -> RunEnded | None:
    """From the columns of `RunEnded`."""
    fields = dict(zip(RunEnded.__struct_fields__, row, strict=True))
    return None if fields["status"] is None else RunEnded(**fields)


def read_call(row: Sequence[Any]) -> CallKept:
    """From the columns of `CallKept`."""
    fields = dict(zip(CallKept.__struct_fields__, row, strict=True))
    fields["cost"] = dollars(fields["cost"])
    return CallKept(**fields)


def read_step(row: Sequence[Any]) -> StepKept:
    """From the columns of `StepKept`."""
    fields = dict(zip(StepKept.__struct_fields__, row, strict=True))
    fields["reasons"] = tuple(msgspec.json.decode(fields["reasons"]))
    return StepKept(**fields)


def read_span(row: Sequence[Any]) -> SpanKept:
    """From the columns of `SpanKept`."""
    return SpanKept(**dict(zip(SpanKept.__struct_fields__, row, strict=True)))


def read_event(row: Sequence[Any]) -> EventKept:
    """From the columns of `EventKept`."""
    return EventKept(**dict(zip(EventKept.__struct_fields__, row, strict=True)))


def nanodollars(cost: Decimal | None) -> int | None:
    """Dollars as a whole number, the largest that a row holds at most."""
    return None if cost is None else min(int(cost.scaleb(_NANO).to_integral_value()), _LARGEST)


def dollars(nanos: int | None) -> Decimal | None:
    """And back."""
    return None if nanos is None else Decimal(nanos).scaleb(-_NANO)


def _json(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()
