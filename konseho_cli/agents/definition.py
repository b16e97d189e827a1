"""An agent as the user writes it: a role, and who answers for it."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from konseho_cli.agents.limits import Limits

ID_PATTERN = "^[a-z][a-z0-9_]*$"
"""Of step, agent and model ids. No hyphen: inside a template it would be a subtraction."""

Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=ID_PATTERN, max_length=64)]
Temperature: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=2)]


class Agent(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """Who speaks. In the council's `agents` table the key is its id; elsewhere `name` is."""

    name: str = ""
    """Its id where it is written outside the table."""
    description: str = ""
    """What it is good for, for people and for whoever hands out work."""
    role: str = ""
    """The system prompt."""
    from_: str | None = msgspec.field(name="from", default=None)
    """The name of an agent, such as `reviewer`, or a Markdown file; its body is the role."""
    model: str | None = None
    """A name from `models`, or `provider:model`; None: the council's."""
    weight: Annotated[float, msgspec.Meta(gt=0, le=1e9)] = 1.0
    """Its say in a `weighted` vote."""
    temperature: Temperature | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Upper limit of one answer, in tokens."""
    limits: Limits | None = None
    """What it may use up in a run; `time` is that of its calls together."""


AgentRef: TypeAlias = Id | Agent
"""In a step: the id of an agent in the table, or an agent of its own (with a `name`)."""
