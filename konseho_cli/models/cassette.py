"""The format of a cassette: a header, then what became of each attempt and of each logical call.

JSON Lines in UTF-8, one record a line, written as it happens. All times are integer nanoseconds:
`start` since the recording began, everything else since the record's own start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from konseho_cli.core.errors import (
    BudgetReached,
    InvalidReply,
    LimitReached,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    NoAnswer,
    OwnLimitReached,
)
from konseho_cli.core.packing import pack, unpack
from konseho_cli.models.base import Identity, Reply, Request, Source, Usage
from konseho_cli.models.redact import Redactor

FORMAT = 1
_MOST_TOKENS = 2**53

Ns = Annotated[int, msgspec.Meta(ge=0, le=100 * 86_400 * 10**9)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Parts: TypeAlias = tuple[str, Number, str, str, Number, Number, Number, Number, Number]
"""An identity as `Identity.parts()` gives it: step, iteration, item, agent, turn, and so on."""
PhaseKind = Literal["queue.limit", "connect", "ttft", "stream", "tool"]

ERRORS: Mapping[str, type[ModelError]] = {
    kind.__name__: kind for kind in (NoAnswer, ModelRefused, ModelUnavailable, InvalidReply)
}
LIMITS: Mapping[str, type[LimitReached]] = {
    kind.__name__: kind for kind in (BudgetReached, OwnLimitReached)
}


class Wished(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Who was to answer, as far as the council file does not say it."""

    model: str | None = None
    """`--model`."""
    models: Mapping[str, str] = msgspec.field(default_factory=dict)
    simulate: bool = False
    default: str = ""
    """Who answered where nobody chose; empty where everybody had chosen."""
    claude: bool = False
    """Whether there was a key for Claude, so that `model: sonnet` meant Claude."""


class Header(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The first line."""

    konseho_cassette: int
    """The version of the format."""
    version: str
    """Of the Konseho that wrote it."""
    council: str
    run: str
    """Id of the run that was recorded."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    started: Annotated[float, msgspec.Meta(ge=0, le=1e11)]
    """Seconds since the epoch."""
    wished: Wished = Wished()


class Failure(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An error of a model, or a limit that refused the call or cut it short."""

    error: Literal[
        "NoAnswer", "ModelRefused", "ModelUnavailable", "InvalidReply",
        "BudgetReached", "OwnLimitReached",
    ]  # fmt: skip
    message: str
    hint: str | None = None
    status: int | None = None
    retry_after_s: float | None = None
    partial: str = ""

    @classmethod
    def of(cls, error: ModelError | LimitReached) -> Failure:
        """What is kept of it: its class is the nearest of those that providers raise."""
        if isinstance(error, LimitReached):
            return cls(error=type(error).__name__, message=str(error), hint=error.hint)  # type: ignore[arg-type]
        names = (name for name, kind in ERRORS.items() if isinstance(error, kind))
        return cls(
            error=next(names, "ModelUnavailable"),  # type: ignore[arg-type]
            message=str(error), hint=error.hint, status=error.status,
            retry_after_s=error.retry_after_s, partial=error.partial,
        )  # fmt: skip

    @property
    def is_limit(self) -> bool:
        """Whether no model failed: it was not asked, or not waited for any longer."""
        return self.error in LIMITS

    def raised(self) -> ModelError | LimitReached:
        """The error again."""
        if self.is_limit:
            return LIMITS[self.error](self.message, hint=self.hint)
        return ERRORS[self.error](
            self.message, hint=self.hint, status=self.status,
            retry_after_s=self.retry_after_s, partial=self.partial,
        )  # fmt: skip


class Attempt(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True,
    tag_field="kind", tag="attempt",
):  # fmt: skip
    """One request to one model. It ended in a reply, in a failure, or it was cancelled."""

    identity: Parts
    hash: str
    """Of the request."""
    model: str
    """Who was asked, `provider:model`."""
    request: Request
    start: Ns
    duration: Ns
    phases: tuple[tuple[PhaseKind, Ns, Ns], ...] = ()
    """Kind, begin and end; one after the other."""
    status: int | None = None
    """The HTTP status of the answer, where there was one."""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Those that limits read; names in lower case."""
    answered: Ns | None = None
    """When status and headers were there."""
    chunks: tuple[tuple[Ns, str], ...] = ()
    """When each piece of text came."""
    reply: Reply | None = None
    failure: Failure | None = None
    cancelled: bool = False

    def __post_init__(self) -> None:
        _check_end(self)
        ends_so_far = 0
        for _, start, end in self.phases:
            if not ends_so_far <= start <= end <= self.duration:
                raise ValueError("phases come one after the other")
            ends_so_far = end


class Answered(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True,
    tag_field="kind", tag="answer",
):  # fmt: skip
    """What a logical call came to, and who answered."""

    identity: Parts
    hash: str
    source: Source
    start: Ns
    duration: Ns
    reply: Reply | None = None
    failure: Failure | None = None
    """Only where no attempt holds it, as when the failure was somebody else's."""
    cancelled: bool = False
    """Nobody waited for it any more."""
    saved: Usage = Usage()
    """Tokens that were not paid for now."""
    request: Request | None = None
    """Only where no attempt holds it, because the answer came from somewhere else."""

    def __post_init__(self) -> None:
        _check_end(self)


Record = Attempt | Answered


def identity_of(parts: Parts) -> Identity:
    """The identity that a record states."""
    return Identity(**dict(zip(Identity.__struct_fields__, parts, strict=True)))  # type: ignore[arg-type]


def request_hash(request: Request) -> str:
    """32 hexadecimal digits over everything that changes the answer."""
    try:
        text = msgspec.json.encode(request, order="sorted")
    except UnicodeEncodeError:  # half a character, as a lone surrogate: they are escaped here
        text = json.dumps(msgspec.to_builtins(request), sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def hidden_request(request: Request, redactor: Redactor) -> Request:
    """The request without secrets, which is what is hashed: no hash of a key is on a cassette."""
    shown = without_secrets(request, redactor)
    return request if shown is request else msgspec.convert(shown, Request)


def encode(record: Header | Record, redactor: Redactor) -> bytes:
    """One line, its newline included, without a secret in any text of it."""
    line = _line(record, redactor)
    if line is not None:
        return line + b"\n"
    plain = hidden(msgspec.to_builtins(record), redactor.hide)
    try:
        return msgspec.json.encode(plain) + b"\n"
    except UnicodeEncodeError:
        whole = hidden(plain, lambda text: text.encode("utf-8", "replace").decode())
        return msgspec.json.encode(whole) + b"\n"


def packed(record: Record, redactor: Redactor) -> bytes:
    """A record as a store keeps it, without a secret in any text of it."""
    return pack(without_secrets(record, redactor))


def unpacked(body: bytes) -> Answered:
    """The record again. Raises ValueError for what is none."""
    return msgspec.convert(unpack(body), Answered)


def without_secrets(value: Any, redactor: Redactor, *, free: bool = False) -> Any:
    """The value itself where it holds no secret, else as built-in values, `hidden`."""
    if _line(value, redactor) is not None:
        return value
    return hidden(msgspec.to_builtins(value), redactor.hide, free=free)


def _line(value: Any, redactor: Redactor) -> bytes | None:
    """As JSON, where it holds no secret; mostly it does not, and to look at each text is slow."""
    try:
        line = msgspec.json.encode(value)
    except UnicodeEncodeError:
        return None
    return None if redactor.finds(line) else line


_WORDS = frozenset({"role", "kind", "error", "source", "finish"})
"""Fields whose values are words of ours: a placeholder for a key may be the same word."""


def hidden(value: Any, hide: Callable[[str], str], *, free: bool = False) -> Any:
    """Built-in values without secrets in any text; where the keys are the user's (`free`), as in a
    schema, they are hidden as well.
    """
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, (list, tuple)):
        return [hidden(each, hide, free=free) for each in value]
    if isinstance(value, dict):
        return {
            (hide(key) if free else key): each
            if key in _WORDS and not free
            else hidden(each, hide, free=free or key == "schema")
            for key, each in value.items()
        }
    return value


def _check_end(record: Record) -> None:
    if sum((record.reply is not None, record.failure is not None, record.cancelled)) != 1:
        raise ValueError(f"an {record.__struct_config__.tag} is a reply, a failure, or cancelled")
    reply = record.reply
    if reply is not None and not all(
        0 <= tokens <= _MOST_TOKENS for tokens in msgspec.structs.astuple(reply.usage)
    ):
        raise ValueError("no such number of tokens")


decode_header = msgspec.json.Decoder(Header).decode
decode_record = msgspec.json.Decoder(Record).decode
"""Raises msgspec.DecodeError (ValidationError too), UnicodeDecodeError, RecursionError."""
