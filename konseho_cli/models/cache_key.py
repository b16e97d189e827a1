"""Which calls may be answered from the cache, and by which key: all that changes an answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Protocol

import msgspec
from msgspec import structs

from konseho_cli.models.base import Call, Request
from konseho_cli.models.registry import PROVIDERS, ModelChoice

_encoder = msgspec.msgpack.Encoder()
VERSION = 1
"""Of the keys: raised where an old answer must not be found under a new key."""


def cache_key(request: Request, *, provider: str, base_url: str) -> bytes:
    """32 bytes over every field of the request, its provider and its address.

    The fields are taken from the request itself, so that a new one cannot be forgotten. The order
    of a schema's keys counts: the model sees it.
    """
    parts = (VERSION, provider, base_url, _evened(request))
    try:
        packed = _encoder.encode(parts)
    except (UnicodeEncodeError, OverflowError):  # half a character; a number of more than 64 bits
        packed = json.dumps(msgspec.to_builtins(parts)).encode()
    return hashlib.blake2b(packed, digest_size=32).digest()


def _evened(request: Request) -> Request:
    """One form for what is equal: temperature 0 and 0.0, a mapping of any kind and a dict."""
    if any(isinstance(number, int) for number in (request.temperature, request.top_p)):
        request = structs.replace(
            request, temperature=_float(request.temperature), top_p=_float(request.top_p)
        )
    if request.schema is not None and type(request.schema) is not dict:
        return structs.replace(request, schema=dict(request.schema))
    return request


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)


class Keying(Protocol):
    """Says by what the answer of a call is kept."""

    def key(self, request: Request, call: Call) -> bytes | None:
        """None: it is asked for itself."""
        ...


class Caching(msgspec.Struct, frozen=True, kw_only=True):
    """What a model's answers are kept by, and which of them."""

    provider: str
    base_url: str
    """Without what proves who we are."""
    wanted: bool | None
    """What is said of the model; None: what is asked at temperature 0 is kept."""

    @classmethod
    def of(cls, choice: ModelChoice, env: Mapping[str, str], *, asked: bool = False) -> Caching:
        """Of a chosen model; `asked`: the run asks for it wherever nothing else is said."""
        wanted = _decided(choice.cache)
        if wanted is None and (asked or choice.provider == "sim"):
            wanted = asked  # the simulator is free, and its latency is what it is asked for
        place = PROVIDERS[choice.provider].place(choice, env)
        return cls(provider=choice.provider, base_url=place, wanted=wanted)

    def may_apply(self, temperature: float | None, *, by_step: bool) -> bool:
        """Whether any call of such a model can be cached; `by_step`: some step asks for it."""
        return by_step or (temperature == 0 if self.wanted is None else self.wanted)

    def key(self, request: Request, call: Call) -> bytes | None:
        """The key of a call whose answer is kept; None: it is asked for itself."""
        wanted = _decided(call.cache)
        if wanted is None:
            wanted = self.wanted
        if wanted is None:
            wanted = request.temperature == 0
        if not wanted:
            return None
        return cache_key(request, provider=self.provider, base_url=self.base_url)


def _decided(stated: object) -> bool | None:
    """`warm` speaks of the provider's prompt cache, and says nothing of answers."""
    return stated if isinstance(stated, bool) else None
