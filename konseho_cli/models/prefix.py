"""The stable beginning of prompts: from which length on a provider keeps it, and where it ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from konseho_cli.core.prefix import common_prefix
from konseho_cli.models.base import Message

_CHARS = 4
"""Of a token, roughly: a length that turns out too short is sent as well, and not kept."""
_LEAST: Sequence[tuple[str, int]] = (
    ("claude-3-haiku", 2048), ("claude-3-5-haiku", 2048), ("claude-haiku", 4096),
    ("claude-opus-4-5", 4096), ("claude-opus-4-6", 4096),
)  # fmt: skip
"""Tokens from which Anthropic keeps a prefix, by how a model's name begins; else 1,024."""


def least_chars(model: str) -> int:
    """Characters from which a prefix can be kept for a model, by the provider's own name for it."""
    own = model.rpartition("/")[2]
    tokens = next((tokens for name, tokens in _LEAST if own.startswith(name)), 1024)
    return tokens * _CHARS


def system_text(messages: Iterable[Message]) -> str:
    """All system messages as the one that providers keep first."""
    return "\n\n".join(each.text for each in messages if each.role == "system")


def first_prompt(messages: Iterable[Message]) -> str:
    """The first message of the user: what stays the same as a conversation goes on."""
    return next((each.text for each in messages if each.role == "user"), "")


def common_length(texts: Sequence[str]) -> int:
    """Characters that all texts begin with."""
    # Whatever the first and the last in order share, all between them share as well.
    return common_prefix(min(texts), max(texts))


def whole_lines(text: str, length: int) -> int:
    """`length` moved back to the end of a line, where it lies inside one."""
    return length if length >= len(text) else text.rfind("\n", 0, length) + 1
