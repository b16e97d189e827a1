"""What py-spy saw: stacks of the process, so many times a second."""

from __future__ import annotations

import msgspec


class Frame(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One function on a stack."""

    name: str
    file: str
    line: int


class Stack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stack that was seen; frames by number, the outermost first."""

    frames: tuple[int, ...]
    samples: int
    thread: str


class Samples(msgspec.Struct, frozen=True, kw_only=True):
    """One run under py-spy."""

    rate: int
    """Samples a second, as they were asked for."""
    frames: tuple[Frame, ...]
    stacks: tuple[Stack, ...]
    idle: bool
    """Whether threads that wait were sampled too."""
    gil: bool
    """Whether only threads that hold the interpreter's lock were."""
    file: str = ""
    """Name of the speedscope file beside the recording."""

    @property
    def total(self) -> int:
        """All samples."""
        return sum(stack.samples for stack in self.stacks)
