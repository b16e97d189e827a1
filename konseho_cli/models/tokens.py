"""How many tokens a text takes: guessed at first, then learnt from what the providers report."""

from __future__ import annotations

from math import ceil

from konseho_cli.models.base import Usage

START = 4.0
"""Characters per token of English text, until a model has said."""
LEAST, MOST = 1.0, 8.0
"""Whatever a server counts, no estimate leaves this range."""
_RATE = 0.25
"""How much of what was learnt the newest prompt replaces."""
_STEP = 0.25
_TELLING = 400
"""Characters from which a prompt says more about the text than about its wrapping."""


class TokenEstimator:
    """Characters per token by model, `provider:model`: an average in which the newest counts most.

    It learns from prompts alone: what a model thinks before it answers is counted as output, but
    is in no text that we see.
    """

    __slots__ = ("_ratios",)

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}

    def observe(self, model: str, chars: int, usage: Usage) -> None:
        """Learn from a prompt of so many characters; too short a one, or one uncounted, says nothing."""
        if chars < _TELLING or usage.input_tokens <= 0:
            return
        seen = min(max(chars / usage.input_tokens, LEAST), MOST)
        known = self._ratios.get(model)
        self._ratios[model] = seen if known is None else known + _RATE * (seen - known)

    def per_token(self, model: str) -> float:
        """Characters per token, from 1 to 8."""
        return self._ratios.get(model, START)

    def estimate(self, model: str, text: str | int) -> int:
        """Tokens of a text, or of so many characters: at least 1."""
        size = text if isinstance(text, int) else len(text)
        return max(1, ceil(size / self.per_token(model)))

    def chars(self, model: str, tokens: int) -> int:
        """Characters that take so many tokens at most.

        In coarse steps: what was learnt in another order, as in a replay, cuts no other prompt.
        """
        return int(tokens * (self.per_token(model) // _STEP * _STEP))
