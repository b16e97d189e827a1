"""What is held in a debate, round by round, and what becomes of it as a step's result."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from konseho_cli.steps.accounts import Account
from konseho_cli.steps.base import JSON
from konseho_cli.steps.results import Part, StepResult


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent holds after a round."""

    agent: str
    value: JSON
    text: str
    agree: bool | None
    """Whether it agrees with all others as they stood; None in a proposal, which saw none."""


class Held(msgspec.Struct, kw_only=True):
    """What was said so far."""

    latest: dict[str, Position]
    history: list[dict[str, Position]]
    """What was said in each round, the proposals first."""
    accounts: list[Account] = msgspec.field(default_factory=list)
    """The moderators', as many as there are rounds in `history`."""

    @property
    def rounds(self) -> int:
        """Exchanges after the proposals."""
        return len(self.history) - 1

    @property
    def agreed(self) -> bool:
        """Whether all who hold a position stated that they agree."""
        return bool(self.rounds) and all(position.agree for position in self.latest.values())

    @property
    def account(self) -> dict[str, JSON] | None:
        """The last one."""
        return self.accounts[-1].document() if self.accounts else None


def result(held: Held, *, by_moderator: bool) -> StepResult:
    """The step's result; `by_moderator`: whether the moderator says if they agree."""
    value: dict[str, JSON] = {
        "positions": {name: position.value for name, position in held.latest.items()},
        "agreed": held.accounts[-1].agreed if by_moderator else held.agreed,
        "rounds": held.rounds,
    }
    parts = [Part(label=name, text=position.text) for name, position in held.latest.items()]
    if held.accounts:
        last = held.accounts[-1]
        value["account"] = last.document()
        parts.append(Part(label=f"account of {last.moderator}", text=last.text))
    return StepResult(
        value=value, parts=tuple(parts), details={**record(held), "agreed": value["agreed"]}
    )


def record(held: Held) -> dict[str, JSON]:
    """Every round, and every account, as plain values."""
    rounds = [
        {
            name: {"position": position.value, "agree": position.agree}
            for name, position in spoken.items()
        }
        for spoken in held.history
    ]
    if not held.accounts:
        return {"agreed": held.agreed, "rounds": rounds}
    accounts = [
        {"moderator": account.moderator, "round": number, **account.document()}
        for number, account in enumerate(held.accounts)
    ]
    return {"agreed": held.agreed, "rounds": rounds, "accounts": accounts}


def grouped(groups: Sequence[Held]) -> StepResult:
    """All groups as one debate, and each for itself."""
    together: list[dict[str, Position]] = []
    for group in groups:
        for number, spoken in enumerate(group.history):
            if number == len(together):
                together.append({})
            together[number].update(spoken)
    latest = {name: position for group in groups for name, position in group.latest.items()}
    whole = result(Held(latest=latest, history=together), by_moderator=False)
    each = [
        {
            "agents": list(group.latest),
            "positions": {name: position.value for name, position in group.latest.items()},
            "agreed": group.agreed,
        }
        for group in groups
    ]
    told = [
        {"agents": list(group.latest), "agreed": group.agreed, "rounds": group.rounds}
        for group in groups
    ]
    return msgspec.structs.replace(
        whole, value={**whole.value, "groups": each}, details={**whole.details, "groups": told}
    )
