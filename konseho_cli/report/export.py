"""A run as JSON Lines: all that is kept of it, one record a line."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from konseho_cli.core.packing import unpack
from konseho_cli.report.json import FORMAT
from konseho_cli.store.base import EventKept, SpanKept, StoredRun

_PACKED = ("document", "body")
_JSON = ("attributes", "fields")


def export_lines(
    stored: StoredRun, spans: Iterable[SpanKept], events: Iterable[EventKept]
) -> Iterator[str]:
    """First the run, then its end, steps, calls, spans and events; each line has its `record`."""
    row = stored.row
    yield _line("run", row.began)
    if row.ended is not None:
        yield _line("end", row.ended)
    for kind, records in (
        ("step", stored.steps), ("call", stored.calls), ("span", spans), ("event", events),
    ):  # fmt: skip
        for record in records:
            yield _line(kind, record)


def _line(kind: str, record: msgspec.Struct) -> str:
    fields = {name: getattr(record, name) for name in record.__struct_fields__ if name != "again"}
    for name in _PACKED:
        if name in fields:
            fields[name] = _unpacked(fields[name])
    for name in _JSON:
        if name in fields:
            fields[name] = _parsed(fields[name])
    return json.dumps({"konseho": FORMAT, "record": kind, **_plain(fields)})


def _unpacked(body: bytes) -> Any:
    try:
        return unpack(body)
    except ValueError:
        return body


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _plain(value: Any) -> Any:
    """What JSON knows: bytes as base64, and no number that is none."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and value - value != 0:
        return None
    return value
