"""Seeds and ids that are the same in every process, whatever PYTHONHASHSEED says."""

from __future__ import annotations

import hashlib
import os
import random

import msgpack

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u


def seed(*parts: object) -> int:
    """A 64-bit seed from plain values (None, bool, 64-bit int, float, str, tuples of these)."""
    packed = msgpack.packb(parts, use_bin_type=True, unicode_errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "big")


def rng(*parts: object) -> random.Random:
    """A generator of its own, seeded by plain values."""
    return random.Random(seed(*parts))


def new_run_id(wall_s: float) -> str:
    """A short id that sorts by time: nine characters of milliseconds, three of chance."""
    number = int(wall_s * 1000) << 15 | int.from_bytes(os.urandom(2), "big") >> 1
    digits = [_ALPHABET[number >> shift & 31] for shift in range(55, -5, -5)]
    return "".join(digits)
