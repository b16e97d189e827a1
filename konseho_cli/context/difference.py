"""Bytes as a difference against others: what changed, and where it stood.

What both begin and end with is told by two numbers, so a change in one place costs what the change
costs. The middle is compressed with the other's middle as a dictionary, so that what moved or was
changed in several places is found again.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from konseho_cli.core.prefix import common_prefix

if TYPE_CHECKING:
    from zstandard import ZstdCompressionDict

_HEADER = struct.Struct(">BQQ")
"""How long the first bytes are, and what both begin and end with after them."""
_FIRST = 16
"""Bytes that are told as they are: a packed text begins with its length, which any change changes."""
_LEVEL = 1
_FEWEST_SLOTS, _MOST_SLOTS = 14, 22
"""Powers of two: places of the dictionary that the compressor remembers. With zstd's own choice for
this level it loses sight of a dictionary of some megabytes."""
_LARGEST_WINDOW = 30
"""A power of two: bytes across which it may refer."""


def difference(data: bytes, base: bytes) -> bytes:
    """What has to be known beside `base` to tell `data`."""
    first, data, base = data[:_FIRST], data[_FIRST:], base[_FIRST:]
    head = common_prefix(data, base)
    tail = _common_suffix(data, base, min(len(data), len(base)) - head)
    middle, known = data[head : len(data) - tail], base[head : len(base) - tail]
    changed = _compressed(middle, known) if middle else b""
    return _HEADER.pack(len(first), head, tail) + first + changed


def restore(change: bytes, base: bytes) -> bytes:
    """The bytes of which `change` is the difference against `base`.

    Raises ValueError where it cannot be one.
    """
    base = base[_FIRST:]
    if len(change) < _HEADER.size:
        raise ValueError("this is no difference against these bytes")
    length, head, tail = _HEADER.unpack_from(change)
    if head + tail > len(base):
        raise ValueError("this is no difference against these bytes")
    start = _HEADER.size + length
    first, changed = change[_HEADER.size : start], change[start:]
    middle = _expanded(changed, base[head : len(base) - tail]) if changed else b""
    return b"".join((first, base[:head], middle, base[len(base) - tail :]))


def _compressed(middle: bytes, known: bytes) -> bytes:
    from zstandard import ZstdCompressionParameters, ZstdCompressor  # what is short needs none

    both = len(middle) + len(known)
    slots = min(max(both.bit_length() - 4, _FEWEST_SLOTS), _MOST_SLOTS)
    parameters = ZstdCompressionParameters.from_level(
        _LEVEL,
        window_log=min(max(both.bit_length(), 10), _LARGEST_WINDOW),
        hash_log=slots,
        chain_log=slots,
        write_checksum=True,
    )
    return ZstdCompressor(dict_data=_dictionary(known), compression_params=parameters).compress(
        middle
    )


def _expanded(changed: bytes, known: bytes) -> bytes:
    from zstandard import ZstdDecompressor, ZstdError

    try:
        return ZstdDecompressor(
            dict_data=_dictionary(known), max_window_size=1 << _LARGEST_WINDOW
        ).decompress(changed)
    except ZstdError as error:
        raise ValueError(f"this is no difference against these bytes: {error}") from error


def _dictionary(known: bytes) -> ZstdCompressionDict | None:
    from zstandard import DICT_TYPE_RAWCONTENT, ZstdCompressionDict

    # Fewer than eight bytes are no dictionary to zstd, and would help nobody.
    return ZstdCompressionDict(known, dict_type=DICT_TYPE_RAWCONTENT) if len(known) >= 8 else None


def _common_suffix(one: bytes, other: bytes, limit: int) -> int:
    """How many bytes both end with, at most `limit`."""
    least, most = 0, limit
    while least < most:
        middle = (least + most + 1) // 2
        here = slice(len(one) - middle, len(one) - least)
        there = slice(len(other) - middle, len(other) - least)
        if one[here] == other[there]:
            least = middle
        else:
            most = middle - 1
    return least
