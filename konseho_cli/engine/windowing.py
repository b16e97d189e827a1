"""A step's `window`: what its default prompt shows of earlier outputs, and the summary of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from konseho_cli.context.showing import (
    SUMMARY,
    Said,
    Shown,
    characters,
    said_of,
    shown,
    summary_room,
    within,
    words_for,
)
from konseho_cli.core.errors import ModelError, OwnLimitReached
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.steps.base import agent_id
from konseho_cli.steps.fields import Window
from konseho_cli.steps.wording import word
from konseho_cli.telemetry.spans import Scope

Source: TypeAlias = dict[str, str]
"""An earlier output as the default brief shows it: its `title`, `step / agent`, and its `text`."""


class Summary(NamedTuple):
    """What sums up the rest, and why it is less than was asked for: for all who show it."""

    text: str
    reasons: tuple[str, ...] = ()


class Summaries:
    """The summaries of one run by what they were asked: two steps with the same rest ask once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], asyncio.Future[tuple[Summary, int] | None]] = {}

    async def get(
        self, agent: str, prompt: str, scope: Scope, ask: Callable[[], Awaitable[Summary]]
    ) -> Summary:
        """What is known, or what somebody else is asking for just now, else ask.

        Raises what `ask` raises; whoever waited for it then asks for itself.
        """
        key = agent, prompt
        while (known := self._known.get(key)) is not None:
            if known.done():
                found = known.result()
            else:
                with scope.span("queue.flight", agent=agent, label=SUMMARY) as span:
                    found = await asyncio.shield(known)
                    span.waker = found[1] if found is not None else None
            if found is not None:
                return found[0]
        own = self._known[key] = asyncio.get_running_loop().create_future()
        try:
            summary = await ask()
        except BaseException:
            del self._known[key]
            own.set_result(None)
            raise
        own.set_result((summary, scope.latest))
        return summary


class Windowed(msgspec.Struct, frozen=True, kw_only=True):
    """Earlier outputs as a prompt shows them."""

    sources: Sequence[Source]
    note: dict[str, Any] | None
    """For the step's details; None: all of them are shown whole."""


async def windowed(
    sources: Sequence[Source],
    window: Window,
    chars: int | None,
    task: str,
    summarise: Callable[[str, str], Awaitable[Summary]],
    degrade: Callable[[str], None],
) -> Windowed:
    """The sources within a window of `chars` characters; `summarise` asks an agent by its id.

    A summary that fails degrades the step; its prompt then says what is missing. What was left out
    as the window wishes does not: it was asked for.
    """
    outputs = [
        Said(source["title"].partition(" / ")[0], source["title"], source["text"])
        for source in sources
    ]
    found = shown(outputs, window.messages, chars, summed_up=window.summary is not None)
    if not found.left_out and not found.shortened:
        return Windowed(sources=sources, note=None)
    summary, by = None, agent_id(window.summary) if window.summary else None
    if by and found.left_out:
        room = summary_room(chars)
        prompt = _prompt(found, task, room)
        try:
            told = await summarise(by, prompt)
            summary = within(told.text, room)
            for reason in told.reasons:
                degrade(reason)
        except (ModelError, OwnLimitReached) as error:
            degrade(f"what does not fit is left out, as {by} could not sum it up: {error}")
    note = {
        "shown": len(found.kept),
        "shortened": found.shortened,
        "left_out": len(found.left_out),
        "characters_left_out": characters(outputs) - characters(found.kept),
        "summary": summary,
        "summary_by": by if summary is not None else None,
    }
    return Windowed(sources=[*_rest(found, summary, by), *map(_source, found.kept)], note=note)


def _prompt(found: Shown, task: str, room: int) -> str:
    return word(
        "summary", task=task, sources=[_source(output) for output in found.left_out],
        words=words_for(room),
    )  # fmt: skip


def _rest(found: Shown, summary: str | None, by: str | None) -> Sequence[Source]:
    """What stands in the place of that which is left out."""
    if not found.left_out:
        return ()
    if summary is None:
        return ({"title": "Earlier outputs", "text": said_of(found.left_out)},)
    many = len(found.left_out)
    what = "An earlier output" if many == 1 else f"{many} earlier outputs"
    return ({"title": f"{what}, summed up by {by}", "text": summary},)


def _source(output: Said) -> Source:
    return {"title": output.title, "text": output.text}


def chars_for(window: Window, models: Sequence[str], tokens: TokenEstimator) -> int | None:
    """Characters that the window's tokens are to the model that makes the most tokens of them."""
    if window.tokens is None:
        return None
    return min(tokens.chars(model, window.tokens) for model in models or ("",))
