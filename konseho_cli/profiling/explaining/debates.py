"""What changed between the rounds of a debate: who moved, how far, and towards whom. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.profiling.explaining.excerpt import Excerpt, excerpt
from konseho_cli.profiling.explaining.likeness import alike, all_alike, change, changed_keys
from konseho_cli.steps.base import as_text

MOST_COMPARED = 60
"""Agents that debate with each other: among more, nobody is compared with everybody."""
NEARER = 0.05
"""The likeness that must be won for a move to be one towards somebody."""


class Towards(msgspec.Struct, frozen=True, kw_only=True):
    """Whose earlier position one came nearer to, and how alike the two were."""

    agent: str
    before: float
    after: float


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent said in one round."""

    agent: str
    agree: bool | None
    """None in a proposal, which saw no other."""
    change: float | None
    """The share that is new, 0 to 1; None in a proposal."""
    changed: tuple[str, ...]
    """Of positions that are objects: the keys whose values are new."""
    towards: Towards | None
    position: Excerpt


class Moderated(msgspec.Struct, frozen=True, kw_only=True):
    """What a moderator said after a round."""

    agent: str
    agreed: bool
    text: Excerpt


class Round(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One round; the first, number 0, is the proposals."""

    number: int
    moves: tuple[Move, ...]
    left: tuple[str, ...]
    """Who had spoken in the round before and was not heard in this one."""
    alike: float | None
    """How alike the positions are after it, 0 to 1, on average over all pairs of agents; of groups,
    the average of theirs. None: too many to compare."""
    account: Moderated | None = None
    """None: nobody moderates."""

    @property
    def agreed(self) -> int:
        """How many stated that they agree with all others."""
        return sum(move.agree is True for move in self.moves)


class DebateAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A whole debate."""

    agreed: bool
    rounds: tuple[Round, ...]


class _Said(msgspec.Struct, frozen=True):
    position: Any
    agree: bool | None = None


class _Account(msgspec.Struct, frozen=True):
    moderator: str
    round: int
    agreed: bool
    summary: str
    open_points: list[str] = []


class _Group(msgspec.Struct, frozen=True):
    agents: list[str]


class _Record(msgspec.Struct, frozen=True):
    """The details that `steps/debate.py` leaves."""

    agreed: bool
    rounds: list[dict[str, _Said]]
    groups: list[_Group] = []
    accounts: list[_Account] = []


def debate_account(step: StepOutcome) -> DebateAccount | None:
    """None: it left no record, as when it failed."""
    try:
        record = msgspec.convert(dict(step.details), _Record)
    except msgspec.ValidationError:
        return None
    latest: dict[str, Any] = {}
    rounds: list[Round] = []
    groups = [group.agents for group in record.groups] or [
        list(spoken) for spoken in record.rounds[:1]
    ]
    mates = {agent: group for group in groups for agent in group if len(group) <= MOST_COMPARED}
    accounts = {one.round: _moderated(one) for one in record.accounts}
    for number, spoken in enumerate(record.rounds):
        before = dict(latest)
        latest.update({agent: said.position for agent, said in spoken.items()})
        was_there = record.rounds[number - 1] if number else {}
        rounds.append(
            Round(
                number=number,
                moves=tuple(
                    _move(agent, said, before, mates.get(agent, ()))
                    for agent, said in spoken.items()
                ),
                left=tuple(agent for agent in was_there if agent not in spoken),
                alike=_alike(latest, groups),
                account=accounts.get(number),
            )
        )
    return DebateAccount(agreed=record.agreed, rounds=tuple(rounds))


def _moderated(account: _Account) -> Moderated:
    still_open = f" Open: {'; '.join(account.open_points)}" if account.open_points else ""
    return Moderated(
        agent=account.moderator, agreed=account.agreed, text=excerpt(account.summary + still_open)
    )


def _alike(latest: Mapping[str, Any], groups: Sequence[Sequence[str]]) -> float | None:
    """On average over the groups; None: there are not two, or too many to compare."""
    found = [
        all_alike({agent: latest[agent] for agent in group if agent in latest})
        for group in groups
        if len(group) <= MOST_COMPARED
    ]
    known = [share for share in found if share is not None]
    return sum(known) / len(known) if known else None


def _move(agent: str, said: _Said, before: Mapping[str, Any], mates: Sequence[str]) -> Move:
    own = before.get(agent)
    seen = {name: before[name] for name in mates if name in before}
    moved = change(own, said.position) if agent in before else None
    return Move(
        agent=agent,
        agree=said.agree,
        change=moved,
        changed=changed_keys(own, said.position),
        towards=_towards(agent, own, said.position, seen) if moved else None,
        position=excerpt(as_text(said.position)),
    )


def _towards(agent: str, own: Any, held: Any, before: Mapping[str, Any]) -> Towards | None:
    """The one whose position, as it stood, it came nearer to by most."""
    others = (
        Towards(agent=name, before=alike(own, position), after=alike(held, position))
        for name, position in before.items()
        if name != agent
    )
    nearest = max(others, key=lambda one: one.after - one.before, default=None)
    if nearest is None or nearest.after - nearest.before < NEARER:
        return None
    return nearest
