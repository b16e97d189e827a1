"""The seam to whoever answers: a request, the call it is part of, a reply, and one protocol.

Records that every call makes are structs: a frozen dataclass takes 2 µs to make, a struct 0.1 µs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import msgspec
from msgspec import structs

from konseho_cli.telemetry.spans import Scope

JSON = Any
"""None, bool, int, float, str, and lists and string-keyed dicts of these."""


_TRY = re.compile(r"~\d+")
_ITERATION = re.compile(r"\.\d+(?=\.)")


def place_of(address: str) -> str:
    """Where a step is written, by its address: `polish.draft` of `polish.2.draft`."""
    return _ITERATION.sub("", address) if "." in address else address


PERSON = "human"
"""The provider behind which a person answers."""
PROGRAM = "command"
"""The provider behind which a program does."""
SIMULATOR = "sim"
"""The provider behind which the embedded simulator does."""
UNPAID = frozenset({SIMULATOR, PERSON, PROGRAM})
"""Providers that cost nothing."""


def is_person(model: str) -> bool:
    """Whether a model's full name, `provider:model`, is that of a person."""
    return model.partition(":")[0] == PERSON


def is_program(model: str) -> bool:
    """Whether it is that of a program."""
    return model.partition(":")[0] == PROGRAM


def is_simulated(model: str) -> bool:
    """Whether it is that of the simulator."""
    return model.partition(":")[0] == SIMULATOR


def is_asked(model: str) -> bool:
    """Whether it is that of a model, so that what it answers is a call: no person's, no program's."""
    return not (is_person(model) or is_program(model))


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that changes the answer, and nothing else: what a cache may key on."""

    model: str
    """The provider's own name for the model: `gpt-5-mini`."""
    messages: tuple[Message, ...]
    schema: Mapping[str, JSON] | None = None
    """JSON Schema that the answer must meet; None for free text."""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None

    @property
    def size(self) -> int:
        """Characters of all messages together."""
        return sum(len(message.text) for message in self.messages)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which call of the run this is: the same in every run of the same council."""

    step: str
    iteration: int = 0
    item: str = ""
    """The piece of a split; empty elsewhere."""
    agent: str
    turn: int = 0
    """0-based; a debate's round, a repair, a second ballot."""
    repair: int = 0
    """Raised when an answer in the wrong shape is asked for again."""
    tool_turn: int = 0
    attempt: int = 0
    """0-based; raised by the retry wrapper."""
    hedge: int = 0

    @property
    def step_id(self) -> str:
        """The step's address, without tries (`review~1`) and whom it stands in for."""
        address = self.step.partition("/")[0]
        return _TRY.sub("", address) if "~" in address else address

    @property
    def place(self) -> str:
        """Where the step is written: its address without iterations, `polish.draft`."""
        return place_of(self.step_id)

    @property
    def logical(self) -> Identity:
        """Of the logical call that an attempt or a hedge belongs to."""
        return structs.replace(self, attempt=0, hedge=0) if self.attempt or self.hedge else self

    def parts(self) -> tuple[str | int, ...]:
        """As plain values, for seeds and keys."""
        return (
            self.step, self.iteration, self.item, self.agent, self.turn, self.repair, self.tool_turn,
            self.attempt, self.hedge,
        )  # fmt: skip


class Usage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens as the provider counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """The part of `input_tokens` that the provider had in its prompt cache."""
    written_tokens: int = 0
    """The part of `input_tokens` that it wrote into that cache, where it charges for that."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            written_tokens=self.written_tokens + other.written_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens - other.input_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
            cached_tokens=self.cached_tokens - other.cached_tokens,
            written_tokens=self.written_tokens - other.written_tokens,
        )

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


Miss = Literal["error", "call"]
"""What a call that is not on a cassette comes to in a replay: an error, or a call to the model."""

Source = Literal["model", "cache", "flight", "journal", "human"]
"""Who gave an answer: a model now, the response cache, an identical call in flight, a journal, or
a person."""


class Account(msgspec.Struct, kw_only=True):
    """What one logical call took, beside its reply; the wrappers fill it in as it happens."""

    source: Source = "model"
    requests: int = 0
    """Requests that went out, past all limits."""
    sent_at: float = 0.0
    """When the latest of them did, on the loop's clock in seconds."""
    retries: int = 0
    """Requests made again after a failure."""
    hedges: int = 0
    """Second requests made because the first one was slow."""
    wasted: Usage = Usage()
    """Tokens of requests that were paid for and whose answer nobody used, as estimated."""
    deadline: float | None = None
    """The earliest one that held for it, a budget's included."""
    saved: Usage = Usage()
    """Tokens that an answer took when it was paid for, where it was not paid for now."""


class Call(msgspec.Struct, kw_only=True):
    """How and for whom a request is made; nothing in it changes the answer.

    Wrappers pass it on, with what they change, by `msgspec.structs.replace`; the account is one
    and the same for all copies.
    """

    identity: Identity
    scope: Scope
    """Where the phases of the call are recorded as spans."""
    label: str = ""
    """What people call it: the item, round or turn it is about."""
    model: str = ""
    """Full name of who is asked first, `provider:model`."""
    seed: int = 0
    """The council's seed."""
    priority: int = 5
    on_text: Callable[[str], None] | None = None
    """Called with each piece of text as it streams; None: nobody looks."""
    on_retry: Callable[[str, float], None] | None = None
    """Called with the reason and the seconds until the next attempt."""
    on_sent: Callable[[], None] | None = None
    """Called when a request goes out, after all the waiting for its turn."""
    on_headers: Callable[[int, Mapping[str, str]], None] | None = None
    """Called with the status and the headers of each answer, names in lower case."""
    admit: Callable[[], None] | None = None
    """Called before each request after the first. Raises BudgetReached where there may be none."""
    cache: bool | Literal["warm"] | None = None
    """What the step says about caching; None: the model's own `cache` decides."""
    key: bytes | None = None
    """What its answer is kept by, where the response cache has found that out already."""
    stable: int = 0
    """Characters at the beginning of the first user message that other calls share."""
    deadline: float | None = None
    """When nobody waits for the answer any more, on the loop's clock in seconds; None: never."""
    account: Account = msgspec.field(default_factory=Account)


class Reply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finished answer."""

    text: str
    """The whole text; JSON where the request had a schema."""
    model: str
    """Full name of who answered, `provider:model`: not the first choice after a fallback."""
    usage: Usage = Usage()
    finish: str = "stop"
    """stop, length (cut off by max_tokens), refusal or other."""
    notes: tuple[str, ...] = ()
    """What made this answer less than plain: `fallback: openai:… unavailable`."""


class Model(Protocol):
    """Whoever answers; every provider and every wrapper is one."""

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer once. Raises ModelRefused, ModelUnavailable, InvalidReply, BudgetReached."""
        ...
