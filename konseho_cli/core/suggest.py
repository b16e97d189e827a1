"""'Did you mean …': the nearest known word to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean 'critic'?`, or None where nothing is near."""
    import difflib  # only on the error path: it is not free to import

    near = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else None
