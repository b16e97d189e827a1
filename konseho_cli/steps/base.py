"""What every kind of step shares: its common fields, what it may do, what it gives back."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Protocol,
    Self,
    TypeAlias,
    TypeVar,
)  # fmt: skip

import msgspec

from konseho_cli.agents.definition import Agent, AgentRef
from konseho_cli.agents.limits import Limits
from konseho_cli.agents.rota import Pick
from konseho_cli.context.templates import as_json, references
from konseho_cli.core.units import Duration
from konseho_cli.steps.fields import CacheUse, Fallback, OnError, Output, Window, as_lists, texts_of
from konseho_cli.steps.results import Answer, Conferred, Gathered, Part, Ran, StepResult
from konseho_cli.steps.shapes import ANYTHING, Shape, flat

if TYPE_CHECKING:
    from konseho_cli.agents.pool import AgentPool  # it brings asyncio, which a check needs not
    from konseho_cli.models.command import CommandDone, CommandRequest

T = TypeVar("T")
JSON: TypeAlias = Any
Template: TypeAlias = str
"""Text with `{{ expressions }}`; one lone expression keeps its type."""
Wait: TypeAlias = Literal["all", "quorum"]
Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]

# ----------------------------------------------------------------------------- what users write


class Base(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True,
    tag_field="kind",
):  # fmt: skip
    """The fields that all kinds share."""

    id: Annotated[str, msgspec.Meta(pattern="^([a-z][a-z0-9_]*)?$", max_length=64)] = ""
    """How templates name the step; by default its kind, then `debate2`."""
    needs: tuple[str, ...] | None = None
    """Steps to wait for beside those that the templates name; `[]` starts at once."""
    when: bool | Template | None = None
    """A boolean expression; false skips the step."""
    prompt: Template | None = None
    """What is asked. By default the task, the inputs and all earlier outputs."""
    window: Window | None = None
    """How much of the earlier outputs the default prompt shows; by default the council's."""
    timeout: Duration | None = None
    """For one try of the whole step."""
    retries: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    """How often a failed step is run again before `on_error` decides; 2 for `retry`, else 0."""
    on_error: OnError | None = None
    """halt ends the run; continue goes on with null; retry halts after `retries`; fallback."""
    fallback: Fallback | None = None
    priority: Annotated[int, msgspec.Meta(ge=0, le=10)] = 5
    """Who gets a free slot first: lower is sooner, 1 is urgent."""
    limits: Limits | None = None
    """What the step may use up, all its tries together."""
    cache: CacheUse | None = None
    """For this step, in the place of its models' own `cache`."""
    output: Output | None = None

    templates: ClassVar[tuple[str, ...]] = ("prompt",)
    """Fields that are templates, beside `when`."""
    names: ClassVar[frozenset[str]] = frozenset()
    """Names that this kind gives its `prompt`, beside `task`, `inputs` and the steps."""
    block_names: ClassVar[frozenset[str]] = frozenset()
    """Names that it gives the steps that it holds."""
    lists: ClassVar[tuple[str, ...]] = ()
    """Fields with several agents, in whose place a population may be written."""

    def __post_init__(self) -> None:
        """A population in the place of a list is a list of one."""
        as_lists(self, self.lists)

    @property
    def kind(self) -> str:
        """`debate` of `Debate`: the word that the file uses."""
        return str(self.__struct_config__.tag)

    @property
    def schema(self) -> Mapping[str, JSON] | None:
        """The JSON Schema that the step's answers must meet."""
        return self.output.schema if self.output else None

    @property
    def shows_earlier(self) -> bool:
        """Whether its prompts show what earlier steps said, all of it: it has none of its own."""
        return self.prompt is None

    @property
    def summariser(self) -> AgentRef | None:
        """Who sums up what does not fit into its window."""
        return self.window.summary if self.window is not None and self.shows_earlier else None

    def blocks(self) -> Mapping[str, Sequence[Base]]:
        """The steps that it holds, by the path that leads to them from here: `branches.bug`."""
        return {}

    def with_blocks(self, blocks: Mapping[str, Sequence[Base]]) -> Self:
        """The same step with other steps in it, by the same paths."""
        raise NotImplementedError(f"{type(self).__name__} holds no steps")

    def inner_templates(self) -> Mapping[str, tuple[Template, str]]:
        """Fields that read the steps of one of its blocks: the template, and the block's path."""
        return {}

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """Who speaks, by the field that names them (`agents`), or that is empty and means them."""
        return {}

    def overdue(self) -> StepResult | None:
        """What stands where its `timeout` is over; None: the step fails."""
        return None

    def programs(self) -> Sequence[str]:
        """What it would execute, a line each; a step that does needs --allow-exec."""
        return ()

    def keys(self) -> frozenset[str] | None:
        """What `{{ step.KEY }}` may read of its value; None: not known before the run."""
        return None

    def shape(self) -> Shape:
        """The same for all that is below the keys, as far as it is known before the run."""
        return flat(self.keys())

    def block_shapes(self) -> Mapping[str, Shape]:
        """What is known of the names that it gives the steps that it holds."""
        return dict.fromkeys(self.block_names, ANYTHING)

    def check(self) -> Mapping[str, str]:
        """Rules that one field alone cannot state: field → what is wrong. Pure."""
        return {}

    def references(self) -> Mapping[str, frozenset[str]]:
        """Dotted names that each template field reads. Pure; raises BadTemplate."""
        found: dict[str, frozenset[str]] = {}
        for name in self.templates:
            value = getattr(self, name)
            texts = texts_of(value)
            read = [references(text) for text in texts if isinstance(text, str)]
            if read:
                own = self.own_names(name)
                found[name] = frozenset(
                    path for path in frozenset[str]().union(*read) if root(path) not in own
                )
        if isinstance(self.when, str):
            found["when"] = references(self.when)
        blocks = self.blocks()
        for name, steps in blocks.items():
            inside = (names for step in steps for names in step.references().values())
            found[name] = self._outside(frozenset[str]().union(*inside), steps)
        for name, (text, block) in self.inner_templates().items():
            found[name] = self._outside(references(text), blocks[block])
        return found

    def own_names(self, field: str) -> frozenset[str]:
        """What this kind gives to one of its templates, beside `task`, `inputs` and the steps."""
        return self.names if field == "prompt" else frozenset()

    def _outside(self, read: frozenset[str], steps: Sequence[Base]) -> frozenset[str]:
        """What is read of what is around a block."""
        own = self.block_names | {step.id for step in steps}
        return frozenset(path for path in read if root(path) not in own)

    def estimate(self) -> Estimate:
        """How many model calls it will make, before any is made. Pure."""
        raise NotImplementedError(f"{type(self).__name__} has no estimate()")

    async def run(self, ctx: StepContext) -> StepResult:
        """Confer."""
        raise NotImplementedError(f"{type(self).__name__} has no run()")


def root(path: str) -> str:
    """The name that a dotted name begins with: `item` of `item.title`."""
    return path.partition(".")[0]


def agent_id(ref: AgentRef) -> str:
    """The id that an agent goes by in this run."""
    return ref.name if isinstance(ref, Agent) else ref


def speaker_ids(step: Base) -> tuple[str, ...]:
    """Ids of all who speak in a step, each once, in the order in which it names them."""
    ids = (agent_id(ref) for refs in step.speakers().values() for ref in refs)
    return tuple(dict.fromkeys(ids))


def as_text(value: JSON) -> str:
    """A value as a prompt shows it: text as it is, structures as JSON."""
    return value if isinstance(value, str) else as_json(value)


# ----------------------------------------------------------------------------- what is decided


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Model calls, from fewest to most; `most` None: not known before the run."""

    fewest: int
    most: int | None

    def __add__(self, other: Estimate) -> Estimate:
        known = self.most is not None and other.most is not None
        return Estimate(
            fewest=self.fewest + other.fewest,
            most=(self.most or 0) + (other.most or 0) if known else None,
        )


# ----------------------------------------------------------------------------- what happens


Branch: TypeAlias = Callable[["StepContext"], Awaitable[T]]
"""One strand of concurrent work; it gets a context of its own."""


class StepContext(Protocol):
    """All that a step may do. It never sees the engine, a model or a cache."""

    @property
    def step(self) -> str:
        """The step's id, which is not always written."""
        ...

    @property
    def random(self) -> random.Random:
        """Seeded by the council and the step: the same shuffles in every run."""
        ...

    def agent(self, ref: AgentRef) -> Agent:
        """The definition behind a reference: its description, its weight."""
        ...

    def brief(self, *, earlier: bool = True, **names: JSON) -> str:
        """What is asked: the step's `prompt`, else task, inputs and all earlier outputs.

        `earlier=False` leaves the outputs out: they would tell whose a candidate is. `names` are those that the kind declares in `Base.names`.
        """
        ...

    def evaluate(self, template: Template, **names: JSON) -> JSON:
        """A template field's value; one lone expression keeps its type. `names` may be read, too."""
        ...

    async def ask(
        self, agent: AgentRef, prompt: str, *, schema: Mapping[str, JSON] | None = None,
        item: str = "", turn: int = 0, label: str = "",
    ) -> Answer:  # fmt: skip
        """Ask one agent once. `item` and `turn` make the call's identity, so must not repeat.

        With a schema the answer is parsed, checked and repaired once; raises InvalidReply after
        that, ModelError when the model failed and no fallback agent helped.
        """
        ...

    async def gather(
        self,
        branches: Mapping[str, Branch[T]],
        *,
        quorum: int | None = None,
        wait: Wait = "all",
        enough: Callable[[Mapping[str, T]], bool] | None = None,
        batch: int | None = None,
        after: Mapping[str, Collection[str]] | None = None,
    ) -> Gathered[T]:
        """Run branches concurrently, in their order; at most `batch` of them at a time.

        A branch begins when those that it is to come `after` have ended, well or not; there must
        be no circle among them.
        A failed branch is dropped, which degrades the step; fewer than `quorum` successes raise
        StepFailed (None: all are needed, or one under `on_error: continue`). `wait="quorum"` goes
        on at the quorum, `enough` as soon as it says so; both cancel the rest.
        """
        ...

    async def execute(self, request: CommandRequest) -> CommandDone:
        """Execute a program; `name` makes its identity, so must not repeat. Raises ModelError."""
        ...

    def pick(
        self, pool: Sequence[AgentRef], by: Pick, *, item: str = "", turn: int = 0,
        without: Collection[str] = (),
    ) -> AgentRef:  # fmt: skip
        """Whom of a pool to ask now, but for the ids `without`; steps that name it share the turns.

        `item` and `turn`: of the call, so that a replay picks the same. Raises ValueError.
        """
        ...

    async def run(
        self, block: str, *, iteration: int = 0, names: Mapping[str, JSON] | None = None,
        earlier: Sequence[Part] = (),
    ) -> Ran:  # fmt: skip
        """Run the steps of one of `Base.blocks`, each as soon as what it waits for is there.

        `iteration` counts from 1 where they run more than once, and is then a part of their address
        (`polish.2.draft`). They may read `names`, which the kind declares in `Base.block_names`,
        and their default prompts show `earlier` after all that this step sees. Raises what a step
        in it fails with, as its own `on_error` says.
        """
        ...

    def skip(self, block: str, reason: str) -> Ran:
        """Leave the steps of a block out, and say so: each is skipped, its value null."""
        ...

    async def confer(self, task: str | None, inputs: Mapping[str, JSON]) -> Conferred:
        """Run the council of a `council` step; task None: its own, or else this council's.

        Raises what it fails with, StepFailed for inputs that it does not take.
        """
        ...

    def lease(self, pool: AgentPool, item: str = "") -> AbstractAsyncContextManager[str]:
        """Borrow an instance from a pool of agents: `async with ctx.lease(pool) as instance`.

        `item`: what it is asked about, for a run that goes on.
        """
        ...

    def progress(self, note: str, *, calls: int | None = None) -> None:
        """Tell whoever watches: `round 2`; `calls`: how many there will be in all, now known."""
        ...

    def degrade(self, reason: str) -> None:
        """Record that the step's result is less than was asked for, and why."""
        ...
