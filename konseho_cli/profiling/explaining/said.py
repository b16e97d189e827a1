"""One output, as an explanation tells of it."""

from __future__ import annotations

import msgspec

from konseho_cli.profiling.explaining.excerpt import Excerpt


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One output of a step."""

    label: str
    """Whose it is, or which piece."""
    agent: str
    """Who said it, where the label does not tell; else empty."""
    about: str
    """The beginning of the piece that it is about; empty where there was none."""
    text: Excerpt
