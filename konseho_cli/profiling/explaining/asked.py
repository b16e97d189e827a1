"""What the calls of a stored run were asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from konseho_cli.engine.history import answered
from konseho_cli.models.base import Message
from konseho_cli.store.base import CallKept


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What one call was asked."""

    step: str
    agent: str
    label: str
    """The item, round or turn; empty where there was only one."""
    messages: tuple[Message, ...]
    """The agent's role, the prompt; of a repair, what it had answered and what was wrong with it."""

    @property
    def prompt(self) -> str:
        """The first that it was told after its role."""
        return next((one.text for one in self.messages if one.role == "user"), "")


def asked_in(calls: Sequence[CallKept]) -> tuple[Asked, ...]:
    """Of all calls whose request was kept, in their order. Raises StoreFailed."""
    return tuple(_asked(calls))


def _asked(calls: Sequence[CallKept]) -> Iterator[Asked]:
    for call in calls:
        request = answered(call).request
        if request is not None:
            yield Asked(
                step=call.step, agent=call.agent, label=call.label, messages=request.messages
            )
