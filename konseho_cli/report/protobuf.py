"""The wire format of Protocol Buffers, as far as a trace needs it: fields in, bytes out.

https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import struct
from functools import cache

_VARINT, _FIXED64, _BYTES = 0, 1, 2
_BITS64 = (1 << 64) - 1


def varint(field: int, value: int) -> bytes:
    """An integer, an enum or a boolean; a negative one as 64 bits."""
    return _key(field, _VARINT) + _number(value & _BITS64)


def fixed64(field: int, value: int) -> bytes:
    """A `fixed64`."""
    return _key(field, _FIXED64) + struct.pack("<Q", value)


def double(field: int, value: float) -> bytes:
    """A `double`."""
    return _key(field, _FIXED64) + struct.pack("<d", value)


def text(field: int, value: str) -> bytes:
    """A string; what UTF-8 cannot hold is replaced."""
    return message(field, value.encode("utf-8", "replace"))


def message(field: int, *parts: bytes) -> bytes:
    """A message made of fields, or bytes."""
    body = b"".join(parts)
    return _key(field, _BYTES) + _number(len(body)) + body


@cache  # a trace has two dozen of them, half a million times
def _key(field: int, kind: int) -> bytes:
    return _number(field << 3 | kind)


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    if value < 0x80:
        return bytes((value,))
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
