"""An agent as the user writes it: a role, and who answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec

from konseho_cli.agents.limits import Limits

ID_PATTERN = "^[a-z][a-z0-9_]*$"
"""Of step, agent and model ids. No hyphen: inside a template it would be a subtraction."""

Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=ID_PATTERN, max_length=64)]
Temperature: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=2)]
OwnWeight: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
if TYPE_CHECKING:
    Weight: TypeAlias = float
    """In a population it may be a template until its members are known."""
else:
    Weight = OwnWeight | str


class People(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The items of a population in a file: a JSON or YAML list, JSON Lines, or CSV with a header."""

    file: str
    """Relative to the council file, in its folder or below it."""


class Agent(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """Who speaks. In the council's `agents` table the key is its id; elsewhere `name` is.

    With `each` it is a population: an agent for every item.
    """

    name: str = ""
    """Its id where it is written outside the table; a population's template makes its members'."""
    each: list[Any] | str | People | None = None
    """A list, a template over `task` and `inputs`, or `{file: people.csv}`: one agent an item.
    `role`, `description`, `name` and `weight` may then read `item` and `index`."""
    description: str = ""
    """What it is good for, for people and for whoever hands out work."""
    role: str = ""
    """The system prompt."""
    from_: str | None = msgspec.field(name="from", default=None)
    """The name of an agent, such as `reviewer`, or a Markdown file; its body is the role."""
    model: str | None = None
    """A name from `models`, or `provider:model`; None: the council's."""
    weight: Weight = 1.0
    """Its say in a `weighted` vote: above 0."""
    temperature: Temperature | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Upper limit of one answer, in tokens."""
    limits: Limits | None = None
    """What it may use up in a run; `time` is that of its calls together."""

    @property
    def system(self) -> str:
        """The system prompt as it is sent."""
        return self.role.strip()


AgentRef: TypeAlias = Id | Agent
"""In a step: the id of an agent in the table, or an agent of its own (with a `name`)."""

if TYPE_CHECKING:
    AgentRefs: TypeAlias = tuple[AgentRef, ...]
    """Several of them; a population may stand in the place of the list."""
else:
    AgentRefs = tuple[AgentRef, ...] | Agent
