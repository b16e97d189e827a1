"""The council as it is written: every top-level key of the file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from konseho_cli.agents.definition import Agent, Id, Temperature
from konseho_cli.agents.limits import Limits
from konseho_cli.core.units import Count, Duration, Money, Share, Size
from konseho_cli.steps.base import Positive, Template
from konseho_cli.steps.fields import CacheUse, OnError, Window
from konseho_cli.steps.union import Step


class Table(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A strict table: a key that it does not have is a mistake."""


class Input(Table, frozen=True, kw_only=True):
    """One value that the caller gives with `--input NAME=VALUE`."""

    description: str = ""
    required: bool = False
    default: Any = None
    type: Literal["text", "number", "boolean", "json"] = "text"
    """How the text of the command line is read."""


class ModelSpec(Table, frozen=True, kw_only=True):
    """A model under a name of its own, with parameters."""

    use: str
    """`provider:model`, or another name from `models`."""
    temperature: Temperature | None = None
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    max_tokens: Positive | None = None
    """Upper limit of one answer, in tokens."""
    stop: tuple[str, ...] = ()
    seed: int | None = None
    """Handed to the provider, where it takes one."""
    timeout: Duration | None = None
    """For one attempt, from connecting to the last token; 10 minutes by default."""
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    """Tries on 408, 409, 5xx and broken connections; one that is told to wait is not counted."""
    base_url: str | None = None
    fallback: tuple[str, ...] = ()
    """Models to ask in turn when this one is unavailable."""
    cooldown: Duration | None = None
    """How long a model that failed is passed over where there is a fallback; 60 s by default."""
    rpm: Count | None = None
    """Requests a minute."""
    tpm: Count | None = None
    """Tokens a minute, input and output."""
    concurrency: Positive | Literal["auto"] | None = None
    """Requests at the same time; `auto` feels its way between 1 and 200 by the server's 429s."""
    hedge: bool = False
    """Whether a request slower than 95 % of them is made once more, for at most 5 % of them."""
    cache: CacheUse | None = None
    """Whether answers are kept and used again: by default those at temperature 0."""
    window: Count | None = None
    """Tokens that the model takes in, prompt and answer; a longer prompt is shortened to fit."""


class Targets(Table, frozen=True, kw_only=True):
    """What a run is held to; missing one is exit status 1."""

    time: Duration | None = None
    step_overhead: Duration | None = None
    """Konseho's own time in the slowest step, all waiting for models left out."""
    cost: Money | None = None
    tokens: Count | None = None
    calls: Count | None = None
    creation: Duration | None = None
    """To load, check and plan the council."""
    event: Duration | None = None
    """What listeners take for one event, on average."""
    delegation: Duration | None = None
    """Konseho's own time for one call, on average: measured by `konseho profile`."""
    context: Duration | None = None
    """The longest time to pack or unpack what is remembered: measured by `konseho profile`."""
    memory_per_agent: Size | None = None
    """Bytes that the run adds for each agent: measured by `konseho profile --memory`."""
    efficiency: Share | None = None
    """At least: models' working time over slots times makespan, by `konseho profile`."""
    cache_hits: Share | None = None
    """At least: hits of the cache of answers over lookups."""


class CouncilSpec(Table, frozen=True, kw_only=True):
    """A council file."""

    konseho: Literal[1]
    """The version of this format."""
    name: str
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]
    description: str = ""
    task: str | None = None
    """What the council is to do, where the command line does not say."""
    inputs: dict[Id, Input] = {}
    model: str | None = None
    """The model of all agents that choose none: a name from `models`, or `provider:model`."""
    models: dict[Id, ModelSpec] = {}
    agents: dict[Id, Agent] = {}
    limits: Limits = Limits()
    on_error: OnError = "halt"
    """For steps that do not say."""
    max_concurrency: Positive | None = None
    """Model calls at the same time; by default as many as there are."""
    window: Window | None = None
    """For steps that do not say."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    """Of shuffles, ties, jitter and simulated answers."""
    answer: Template | None = None
    """By default the last step's output."""
    gate: Template | None = None
    """A boolean; false is exit status 1."""
    targets: Targets = Targets()
