"""What a run may keep in memory, and what becomes of the rest."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

Collect: TypeAlias = Literal["end", "eager"]
"""When the outputs of a step that nothing waits for any more leave memory."""


LARGE = 64 * 1024
"""Bytes from which `compress` packs a value at once, and what is released goes to the file."""
EARLIER_FROM = 1 << 20
"""Bytes of earlier versions that may lie about before they are packed, whatever the limit."""


class ContextSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what was said stays in memory; by default all of it, as it is."""

    memory_limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Bytes of outputs and answers in memory; None: as many as there are."""
    spill_at: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8
    """The share of `memory_limit` from which the coldest are packed, then written to a file."""
    compress: bool = False
    """Whether what is larger than 64 KiB is compressed at once, whatever the limit."""
    collect: Collect = "end"
    """`eager`: outputs leave memory as soon as no step that is still to run reads them."""

    @property
    def inert(self) -> bool:
        """Whether everything stays as it is."""
        return self.memory_limit is None and not self.compress and self.collect == "end"
