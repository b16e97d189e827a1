"""A model whose answers are paid for once: what is known already is not asked again."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from konseho_cli.core.errors import InvalidReply
from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.cache import Entry, ResponseCache
from konseho_cli.models.cache_key import Caching, Keying
from konseho_cli.models.flight import SingleFlight
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.structured import decode


class Cached:
    """A model in front of which the response cache stands."""

    __slots__ = ("_cache", "_caching", "_model")

    def __init__(self, model: Model, cache: ResponseCache, caching: Keying) -> None:
        self._model = model
        self._cache = cache
        self._caching = caching

    async def generate(self, request: Request, call: Call) -> Reply:
        """The kept answer, or a new one, which is kept. Raises what the model raises."""
        key = self._caching.key(request, call)
        if key is None:
            return await self._model.generate(request, call)
        cache = self._cache
        if not cache.refresh:
            entry = cache.recall(key)
            if entry is None and cache.has_below:
                with call.scope.span("cache") as span:
                    entry = await cache.fetch(key)
                    span.note(hit=entry is not None)
            if entry is not None:
                return _known(entry, call)
            cache.missed()
        reply = await self._model.generate(request, structs.replace(call, key=key))
        if call.account.source == "model" and _is_worth_keeping(request, reply):
            cache.keep(key, request, reply)
        return reply


def with_cache(
    model: Model, choice: ModelChoice, cache: ResponseCache | None, env: Mapping[str, str]
) -> Model:
    """The model behind cache and single-flight, where any of its calls can be cached."""
    if cache is None:
        return model
    if not may_cache(choice, env, asked=cache.asked, by_step=cache.by_step):
        return model
    caching = Caching.of(choice, env, asked=cache.asked)
    return Cached(SingleFlight(model, cache, caching), cache, caching)


def may_cache(choice: ModelChoice, env: Mapping[str, str], *, asked: bool, by_step: bool) -> bool:
    """Whether any call of such a model can be cached."""
    caching = Caching.of(choice, env, asked=asked)
    return caching.may_apply(choice.temperature, by_step=by_step)


def _known(entry: Entry, call: Call) -> Reply:
    """A kept answer, as if it were given now."""
    reply, account = entry.reply, call.account
    account.source, account.saved = "cache", entry.usage
    if call.on_text is not None and reply.text:
        call.on_text(reply.text)
    return reply


def _is_worth_keeping(request: Request, reply: Reply) -> bool:
    """Whole, plain, in the shape that was asked for, and by the model that was asked."""
    if reply.finish != "stop" or reply.notes:
        return False
    if request.schema is None:
        return True
    try:
        decode(reply.text, request.schema)
    except InvalidReply:
        return False
    return True
