"""Values as bytes and back: msgpack, with zstandard where that makes it smaller."""

from __future__ import annotations

from typing import Any

import msgpack

COMPRESSED_FROM = 1024
"""Bytes: what is shorter gains nothing."""
LARGEST = 1 << 30
"""Bytes that one value may unpack to."""
LEVEL = 3
"""zstd's own: small before fast."""
_PLAIN, _ZSTD = b"\x00", b"\x01"
_BIG_INTEGER = 1
"""The extension type of an integer that has more than 64 bits, in decimal digits."""


def pack(value: Any, *, compress: bool = True) -> bytes:
    """Built-in values (str, bytes, numbers, None, lists and string-keyed dicts) as bytes.

    Tuples come back as lists. Raises ValueError for what cannot be packed, such as a loop.
    """
    try:
        data = msgpack.packb(value, unicode_errors="surrogatepass", default=_unusual)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error
    return squeeze(data) if compress else _PLAIN + data


def unpack(data: bytes) -> Any:
    """The value again. Raises ValueError for bytes that were not packed here."""
    plain = expand(data)
    try:
        return msgpack.unpackb(
            plain, unicode_errors="surrogatepass", ext_hook=_extension, strict_map_key=False
        )
    except (msgpack.UnpackException, msgpack.ExtraData, RecursionError) as error:
        raise ValueError(f"this was not packed here: {error}") from error


def squeeze(data: bytes, *, level: int = LEVEL) -> bytes:
    """Bytes with a mark in front, compressed where that makes them smaller."""
    if len(data) > COMPRESSED_FROM:
        from zstandard import ZstdCompressor  # what is short needs none

        small = ZstdCompressor(level=level).compress(data)
        if len(small) < len(data):
            return _ZSTD + small
    return _PLAIN + data


def expand(data: bytes, *, largest: int = LARGEST) -> bytes:
    """What was squeezed. Raises ValueError, also for what would take more than `largest` bytes."""
    kind, rest = data[:1], data[1:]
    if kind == _PLAIN:
        return rest
    if kind != _ZSTD:
        raise ValueError("this was not packed here")
    from zstandard import ZstdDecompressor, ZstdError, frame_content_size

    try:
        if not 0 <= frame_content_size(rest) <= largest:
            raise ValueError("this is larger than anything that was packed here")
        return ZstdDecompressor().decompress(rest)
    except ZstdError as error:
        raise ValueError(f"this was not packed here: {error}") from error


def _unusual(value: Any) -> msgpack.ExtType:
    if isinstance(value, int):
        return msgpack.ExtType(_BIG_INTEGER, str(value).encode())
    raise TypeError(f"a {type(value).__name__} cannot be packed")


def _extension(code: int, data: bytes) -> Any:
    if code == _BIG_INTEGER:
        return int(data)
    raise ValueError(f"this was not packed here: type {code}")
