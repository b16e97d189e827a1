"""Values as bytes and back: msgpack, with zstandard where that makes it smaller."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from zstandard import ZstdCompressor

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
    """Built-in values, or structs of them, as bytes: tuples and structs come back as lists and dicts.

    Raises ValueError for what cannot be packed, such as a loop.
    """
    try:
        data = _encode(value)
    except (UnicodeEncodeError, OverflowError):  # half a character, or a huge number
        data = _encode_unusual(value)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return squeeze(data) if compress else _PLAIN + data


def unpack(data: bytes) -> Any:
    """The value again. Raises ValueError for bytes that were not packed here."""
    plain = expand(data)
    try:
        return _decode(plain)
    except UnicodeDecodeError:
        return _decode_unusual(plain)
    except (msgspec.DecodeError, RecursionError, TypeError) as error:
        raise ValueError(f"this was not packed here: {error}") from error


def squeeze(data: bytes, *, level: int = LEVEL) -> bytes:
    """Bytes with a mark in front, compressed where that makes them smaller."""
    if len(data) > COMPRESSED_FROM:
        small = _compressor(level).compress(data)
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


_own = threading.local()


def _compressor(level: int) -> ZstdCompressor:
    """One of the thread: to make it takes longer than what it mostly does."""
    by_level: dict[int, ZstdCompressor] = _own.__dict__.setdefault("compressors", {})
    if level not in by_level:
        from zstandard import ZstdCompressor  # what is short needs none

        by_level[level] = ZstdCompressor(level=level)
    return by_level[level]


def _extension(code: int, data: memoryview | bytes) -> Any:
    if code == _BIG_INTEGER:
        return int(bytes(data))
    raise ValueError(f"this was not packed here: type {code}")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ext_hook=_extension).decode


def _encode_unusual(value: Any) -> bytes:
    import msgpack  # it packs what msgspec will not

    def huge(value: Any) -> msgpack.ExtType:
        if isinstance(value, int):
            return msgpack.ExtType(_BIG_INTEGER, str(value).encode())
        raise TypeError(f"a {type(value).__name__} cannot be packed")

    try:
        plain = msgspec.to_builtins(value, builtin_types=(bytes,))
        packed: bytes = msgpack.packb(plain, unicode_errors="surrogatepass", default=huge)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error
    return packed


def _decode_unusual(plain: bytes) -> Any:
    import msgpack

    try:
        return msgpack.unpackb(
            plain, unicode_errors="surrogatepass", ext_hook=_extension, strict_map_key=False
        )
    except (msgpack.UnpackException, msgpack.ExtraData, RecursionError) as error:
        raise ValueError(f"this was not packed here: {error}") from error
