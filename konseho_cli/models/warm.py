"""`cache: warm`: of calls that begin alike one goes first, and the others find its beginning kept.

A provider keeps a prompt's beginning once it has read it. Calls of a fan-out that start together
would each pay for it; so the first to come leads, and the others wait for the first word that it
gets. What they share is found by comparing their prompts, and marked for providers that want it
marked (`Call.stable`).
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec
from msgspec import structs

from konseho_cli.models.base import JSON, Call, Model, Reply, Request
from konseho_cli.models.prefix import (
    common_length,
    first_prompt,
    least_chars,
    system_text,
    whole_lines,
)

KEPT_S = 300.0
"""Seconds for which a provider keeps a beginning after its last use."""
_MOST_GROUPS = 64
"""Beginnings that are remembered: each holds the text of one."""

Key = tuple[str, str, str, bytes]
"""Model with its address, system prompt, how the first user message begins, schema: what a provider keeps apart."""
Woken = tuple[int, bool]
"""The span that ended a wait, and whether the call is to lead, since the one before it failed."""


class _Group(msgspec.Struct, kw_only=True, eq=False):
    """Calls that begin alike: one that leads, and those that wait for it."""

    key: Key
    texts: list[str] = msgspec.field(default_factory=list)
    """First user messages of all that came before the leader went ahead."""
    stable: str | None = None
    """What they all begin with; None: still being gathered."""
    kept_until: float | None = None
    """When the provider forgets it, on the loop's clock; None: it has not read it yet."""
    waiting: deque[asyncio.Future[Woken]] = msgspec.field(default_factory=deque)

    def takes(self, text: str, now: float) -> bool:
        """Whether a call that comes now belongs to it."""
        if self.kept_until is not None and now >= self.kept_until:
            return False
        if self.stable is None:
            return True
        # A leader that came alone had nothing marked but, where it is long, its system prompt.
        return len(self.stable) >= len(self.key[2]) and text.startswith(self.stable)

    def settle(self) -> None:
        """Find what all that came have in common; from now on nobody changes it."""
        if self.stable is None:
            self.stable = _shared(self.texts, len(self.key[2]))
            self.texts.clear()


class Warmth:
    """Which beginnings the providers have by now; shared by all models of a run."""

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[Key, _Group] = {}

    def group(self, key: Key, text: str, now: float) -> tuple[_Group, bool]:
        """The group that a call belongs to, and whether it is the first of it."""
        group = self._groups.get(key)
        if group is not None and group.takes(text, now):
            return group, False
        self._groups.pop(key, None)
        if len(self._groups) >= _MOST_GROUPS:
            del self._groups[next(iter(self._groups))]
        group = self._groups[key] = _Group(key=key)
        return group, True

    def forget(self, group: _Group) -> None:
        """Drop a group whose calls have all failed."""
        if self._groups.get(group.key) is group:
            del self._groups[group.key]


class Warmed:
    """A model whose calls let one of them go first where they begin alike and ask for it."""

    __slots__ = ("_always", "_model", "_name", "_warmth")

    def __init__(self, name: str, model: Model, warmth: Warmth, *, always: bool) -> None:
        """`always`: whether calls that say nothing about caching ask for it."""
        self._name = name
        self._model = model
        self._warmth = warmth
        self._always = always

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, once the beginning is kept. Raises what the model raises."""
        asked = self._always if call.cache is None else call.cache == "warm"
        key = _key(self._name, request) if asked else None
        if key is None:
            return await self._model.generate(request, call)
        text, now = first_prompt(request.messages), asyncio.get_running_loop().time
        group, leads = self._warmth.group(key, text, now())
        if group.stable is None:
            group.texts.append(text)
        if leads:
            await self._gather(group, call)
        elif group.kept_until is None:
            leads = await self._wait(group, call)
        group.settle()
        call = structs.replace(call, stable=len(group.stable or ""))
        if leads:
            return await self._lead(group, request, call)
        group.kept_until = now() + KEPT_S
        return await self._model.generate(request, call)

    async def _gather(self, group: _Group, call: Call) -> None:
        """One turn of the loop, in which the others of a fan-out come."""
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._pass_on(group, call.scope.here)
            raise

    async def _lead(self, group: _Group, request: Request, call: Call) -> Reply:
        """Go first: the others follow at the first text, or one of them leads where it fails."""
        loop, scope, heard = asyncio.get_running_loop(), call.scope, call.on_text
        led = False

        def kept() -> None:
            nonlocal led
            if led:
                return
            led = True
            if call.account.source in ("cache", "journal"):  # the provider never saw it
                self._pass_on(group, scope.here)
                return
            group.kept_until = loop.time() + KEPT_S
            while group.waiting:
                _wake(group, scope.here, leads=False)

        def on_text(text: str) -> None:
            kept()
            if heard is not None:
                heard(text)

        try:
            reply = await self._model.generate(request, structs.replace(call, on_text=on_text))
        except BaseException:
            if not led:
                self._pass_on(group, scope.here)
            raise
        kept()
        return reply

    async def _wait(self, group: _Group, call: Call) -> bool:
        """Wait for the leader; whether this call is to lead now."""
        future: asyncio.Future[Woken] = asyncio.get_running_loop().create_future()
        group.waiting.append(future)
        try:
            with call.scope.span("queue.warm", resource="prompt cache") as span:
                span.waker, leads = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.result()[1]:
                self._pass_on(group, call.scope.here)  # it was to lead as it was cancelled
            raise
        return leads

    def _pass_on(self, group: _Group, by: int) -> None:
        """Let the next one that waits lead; a group of nobody is forgotten."""
        while group.waiting:
            if _wake(group, by, leads=True):
                return
        self._warmth.forget(group)


def _wake(group: _Group, by: int, *, leads: bool) -> bool:
    """Wake the one that has waited longest; whether it was still there."""
    future = group.waiting.popleft()
    if future.done():
        return False
    future.set_result((by, leads))
    return True


def _key(name: str, request: Request) -> Key | None:
    """What calls must have in common to share a beginning; None: it is too short to be kept."""
    system, text = system_text(request.messages), first_prompt(request.messages)
    least = least_chars(request.model)
    if len(system) + len(text) < least:
        return None
    return name, system, text[: max(0, least - len(system))], _shape(request.schema)


def _shape(schema: JSON) -> bytes:
    return b"" if schema is None else msgspec.json.encode(schema)


def _shared(texts: list[str], least: int) -> str:
    """What the texts begin with, in whole lines where that leaves enough; one alone shares nothing."""
    if len(texts) < 2:
        return ""
    common = common_length(texts)
    lines = whole_lines(texts[0], common)
    return texts[0][: lines if lines >= least else common]
