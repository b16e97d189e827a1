"""The response cache: answers in memory, over a tier that outlives the process."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import msgspec

from konseho_cli.core.errors import KonsehoError
from konseho_cli.models.base import Reply, Request, Usage

if TYPE_CHECKING:
    from konseho_cli.models.memory_tier import MemoryTier  # only a run that caches loads it

ENTRIES = 1000
"""Answers in memory, where nothing else is said."""
ABOUT = 200
"""Characters of a question or a task that are kept in the clear, so that people can find it."""
Price = Callable[[str, Usage], Decimal | None]
"""Dollars by a model's full name; None: unknown."""


class CacheWishes(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller says about caching."""

    cache: bool | None = None
    """True: above temperature 0 too, where the file does not forbid it. False: not at all."""
    refresh: bool = False
    """Whether models are asked in any case, and their answers kept."""
    size: int = ENTRIES
    """Answers in memory at most; 0: no cache at all."""


class Tier(Protocol):
    """Where answers outlive the process: SQLite, and one day Redis or PostgreSQL. Deals in bytes.

    Only `get` and `aclose` wait. Both raise KonsehoError where the tier does not work.
    """

    async def get(self, key: bytes) -> bytes | None:
        """The value that was put; None: there is none, or not any more."""
        ...

    def put(self, key: bytes, value: bytes, *, model: str, about: str, tokens: int) -> None:
        """Keep a value, soon. The rest is for people who look for it."""
        ...

    def drop(self, key: bytes) -> None:
        """Forget a value, soon."""
        ...

    def count(self, *, hits: int, misses: int, saved_tokens: int, saved_cost: Decimal) -> None:
        """Add to what was counted over all runs."""
        ...

    async def aclose(self) -> None:
        """Finish what was put, and let go."""
        ...


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A kept answer."""

    version: int
    text: bytes
    """UTF-8, halves of pairs let through: a model may say anything."""
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    written_tokens: int
    cost: str | None
    """Dollars that it took; None: unknown."""

    @property
    def reply(self) -> Reply:
        """The answer again, at no cost."""
        return Reply(text=self.text.decode("utf-8", "surrogatepass"), model=self.model)

    @property
    def usage(self) -> Usage:
        """Tokens that it took when it was paid for."""
        return Usage(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_tokens=self.cached_tokens,
            written_tokens=self.written_tokens,
        )


FORMAT = 1
_decoder = msgspec.msgpack.Decoder(Entry)


def encode(reply: Reply, cost: Decimal | None) -> bytes:
    """An answer as bytes. Raises UnicodeEncodeError for a model's name that is no text."""
    usage = reply.usage
    return msgspec.msgpack.encode(
        Entry(
            FORMAT, reply.text.encode("utf-8", "surrogatepass"), reply.model,
            usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.written_tokens,
            None if cost is None else str(cost),
        )
    )  # fmt: skip


def decode(value: bytes) -> Entry | None:
    """The answer; None where the bytes are not exactly one of ours."""
    try:
        entry = _decoder.decode(value)
        entry.text.decode("utf-8", "surrogatepass")
        if entry.cost is not None and not Decimal(entry.cost).is_finite():
            return None
        if min(msgspec.structs.astuple(entry.usage)) < 0:
            return None
    except (ValueError, ArithmeticError):  # msgspec's errors and Unicode's are ValueErrors
        return None
    return entry if entry.version == FORMAT else None


class CacheStats(msgspec.Struct, kw_only=True):
    """What the cache did in one run."""

    memory_hits: int = 0
    stored_hits: int = 0
    """Answers from the tier that outlives the process."""
    shared: int = 0
    """Answers of an identical request that was in flight already."""
    misses: int = 0
    writes: int = 0
    broken: bool = False
    """Whether the tier that outlives the process did not work."""
    saved_tokens: int = 0
    saved_cost: Decimal = Decimal(0)
    """Dollars that the answers took when they were paid for, as far as that is known."""

    @property
    def hits(self) -> int:
        """Answers from either tier."""
        return self.memory_hits + self.stored_hits


class ResponseCache:
    """The answers that a run may use again, and those that it leaves.

    A tier below that does not work never fails the run: it is left out, and `warnings` says so.
    """

    def __init__(
        self,
        memory: MemoryTier,
        below: Tier | None = None,
        *,
        price: Price = lambda model, usage: None,
        asked: bool = False,
        by_step: bool = False,
        refresh: bool = False,
        hide: Callable[[str], str] = str,
    ) -> None:
        """`hide` takes secrets out of what is kept in the clear."""
        self.stats = CacheStats()
        self.warnings: list[str] = []
        self.asked = asked
        """Whether the run asks for it above temperature 0 too."""
        self.by_step = by_step
        """Whether some step asks for it."""
        self.refresh = refresh
        """Whether the model is asked in any case, and its answer kept."""
        self._memory = memory
        self._below = below
        self._tier = below
        self._price = price
        self._hide = hide

    @property
    def has_below(self) -> bool:
        """Whether there is a tier to be waited for."""
        return self._tier is not None

    def recall(self, key: bytes) -> Entry | None:
        """From memory."""
        value = self._memory.get(key)
        entry = None if value is None else decode(value)
        if entry is None:
            return None
        self.stats.memory_hits += 1
        self._saved(entry.usage, entry.cost)
        return entry

    async def fetch(self, key: bytes) -> Entry | None:
        """From the tier below; what is broken there is dropped."""
        value = await self._ask_below(key)
        known = self.recall(key)  # somebody may have learnt it while we waited
        if value is None or known is not None:
            return known
        entry = decode(value)
        if entry is None:
            self._forget(key)
            return None
        self._memory.put(key, value)
        self.stats.stored_hits += 1
        self._saved(entry.usage, entry.cost)
        return entry

    def missed(self) -> None:
        """Count an answer that was not there."""
        self.stats.misses += 1

    def keep(self, key: bytes, request: Request, reply: Reply) -> None:
        """Keep an answer that was just given, in both tiers."""
        try:
            value = encode(reply, self._price(reply.model, reply.usage))
        except UnicodeEncodeError:
            return
        self._memory.put(key, value)
        self.stats.writes += 1
        if self._tier is not None:
            said = next(
                (each.text for each in reversed(request.messages) if each.role == "user"), ""
            )
            about = one_line(said, self._hide)
            self._tier.put(
                key, value, model=reply.model, about=about, tokens=reply.usage.total
            )  # fmt: skip

    def shared(self, reply: Reply) -> None:
        """Count an answer that two calls had of one request."""
        self.stats.shared += 1
        cost = self._price(reply.model, reply.usage)
        self._saved(reply.usage, None if cost is None else str(cost))

    async def aclose(self) -> None:
        """Finish what is to be kept; what goes wrong is a warning."""
        below, stats = self._below, self.stats
        if below is None:
            return
        if self._tier is not None and (stats.hits or stats.misses):
            below.count(
                hits=stats.hits, misses=stats.misses,
                saved_tokens=stats.saved_tokens, saved_cost=stats.saved_cost,
            )  # fmt: skip
        try:
            await below.aclose()
        except KonsehoError as error:
            self._leave_out(error)

    async def _ask_below(self, key: bytes) -> bytes | None:
        if self._tier is None:
            return None
        try:
            return await self._tier.get(key)
        except KonsehoError as error:
            self._leave_out(error)
            return None

    def _leave_out(self, error: KonsehoError) -> None:
        if self._tier is not None:
            self._tier = None
            self.stats.broken = True
            hint = f" ({error.hint})" if error.hint else ""
            self.warnings.append(f"answers are not kept on disk: {error}{hint}")

    def _forget(self, key: bytes) -> None:
        if self._tier is not None:
            self._tier.drop(key)

    def _saved(self, usage: Usage, cost: str | None) -> None:
        self.stats.saved_tokens += usage.total
        if cost is not None:
            self.stats.saved_cost += Decimal(cost)


def one_line(said: str, hide: Callable[[str], str]) -> str:
    """The beginning of a text in one line, `ABOUT` characters at most, for people who look for it."""
    line = hide(" ".join(said[: 8 * ABOUT].split()))[:ABOUT]
    return line.encode("utf-8", "replace").decode("utf-8")
