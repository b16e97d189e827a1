"""Prompts that fit: what a speaker is asked, made shorter where its model's window is too small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import msgspec

from konseho_cli.context.window import fit, shorten_prompt
from konseho_cli.core.errors import ModelRefused
from konseho_cli.core.units import show_count
from konseho_cli.engine.cast import Speaker
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.steps.base import JSON

_MOST_FOR_ANSWERS = 4_096
"""Tokens that are kept free for an answer whose length nobody limited."""

_LEAST = 200
"""Characters of a prompt: what is shorter asks nothing."""

Source = Mapping[str, str]
"""An earlier output as the default brief shows it: its `title`, `step / agent`, and its `text`."""


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """A default brief as it stands in a prompt, and how to write it again."""

    text: str
    sources: Sequence[Source]
    write: Callable[[Sequence[Source]], str]

    def within(self, limit: int) -> str:
        """With its sources shortened to bring it down to `limit` characters, if that is enough."""
        steps = [list(each) for _, each in groupby(self.sources, key=_step)]
        texts = [[source["text"] for source in step] for step in steps]
        rest = len(self.text) - sum(len(text) for step in texts for text in step)
        shorter = fit(texts, max(0, limit - rest))
        return self.write(
            [
                {**source, "text": text}
                for sources, outputs in zip(steps, shorter, strict=True)
                for source, text in zip(sources, outputs, strict=True)
            ]
        )


def _step(source: Source) -> str:
    return source["title"].partition(" / ")[0]


def fit_prompt(
    prompt: str,
    schema: Mapping[str, JSON] | None,
    speaker: Speaker,
    tokens: TokenEstimator,
    brief: Callable[[], Brief | None],
    degrade: Callable[[str], None],
) -> str:
    """The prompt as the speaker's window takes it in; a shortened one degrades the step.

    Raises ModelRefused where the role leaves no room for one.
    """
    if speaker.window is None:
        return prompt
    name = speaker.model_name
    around = sum(len(message.text) for message in speaker.opening)
    if schema is not None:
        around += len(msgspec.json.encode(schema))
    room = _room(speaker.window, speaker.request.max_tokens)
    limit = max(0, tokens.chars(name, room) - around)
    if len(prompt) <= limit:
        return prompt
    if limit < _LEAST:
        raise ModelRefused(
            f"{speaker.id}: its role fills the window of {name}, {show_count(speaker.window)} tokens",
            hint="raise the model's `window`, or shorten the role",
        )
    shorter = _shorten(prompt, limit, brief())
    before, after = (show_count(tokens.estimate(name, around + len(p))) for p in (prompt, shorter))
    degrade(
        f"{speaker.id}: the prompt was shortened from about {before} to {after} tokens "
        f"to fit the window of {name}"
    )
    return shorter


def _room(window: int, max_tokens: int | None) -> int:
    """Tokens for the prompt; an answer that leaves none of the window leaves it a quarter."""
    answer = max_tokens or min(window // 4, _MOST_FOR_ANSWERS)
    return max(window - answer, window // 4)


def _shorten(prompt: str, limit: int, brief: Brief | None) -> str:
    """What earlier steps said first; where that is not enough, the longest parts of all."""
    if brief is not None and brief.sources and brief.text in prompt:
        rest = len(prompt) - len(brief.text)
        prompt = prompt.replace(brief.text, brief.within(limit - rest), 1)
    return shorten_prompt(prompt, limit)
