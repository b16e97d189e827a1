"""The one place where models are put together: a provider in the wrappers that it needs.

Outside in: journal → warming → response cache → single-flight → fallback → budget → retry →
circuit breaker → hedge → limits → tape → provider. So a journal sees logical calls and a tape
sees attempts, free answers pass the budget, retries and hedges are counted, and a hedge takes a
slot of its own. A wrapper that would do nothing for a model is left out; a person has the journal
alone, and what plays them in a replay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from konseho_cli.core.slots import Slots
from konseho_cli.models.adaptive import HIGHEST
from konseho_cli.models.base import PERSON, Model
from konseho_cli.models.budget import Budgeted, Budgets
from konseho_cli.models.cache import ResponseCache
from konseho_cli.models.cached import with_cache
from konseho_cli.models.circuit import Guarded
from konseho_cli.models.fallback import Alternative, WithFallback
from konseho_cli.models.hedge import Hedged
from konseho_cli.models.http import CONNECTIONS, PER_HOST, Http
from konseho_cli.models.limits import Limited, Throttled
from konseho_cli.models.registry import PROVIDERS, ModelChoice
from konseho_cli.models.retry import Retried
from konseho_cli.models.service import Service
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.models.warm import Warmed, Warmth

if TYPE_CHECKING:  # only a run that is recorded or replayed loads them
    from konseho_cli.models.journal import Journal
    from konseho_cli.models.person import Desk
    from konseho_cli.models.tape import Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all models of a run have in common."""

    env: Mapping[str, str] = field(repr=False)
    """Where keys and addresses come from; never shown."""
    http: Http
    budgets: Budgets = field(default_factory=Budgets)
    slots: Slots | None = None
    """`max_concurrency`; None: no limit."""
    wall: Callable[[], float] = time.time
    tokens: TokenEstimator = field(default_factory=TokenEstimator)
    services: dict[tuple[str, str], Service] = field(default_factory=dict)
    """By the model's full name and its address: what was learnt of one holds for all who ask it."""
    cache: ResponseCache | None = None
    """Answers that may be used again; None: every call asks a model."""
    tape: Tape | None = None
    journal: Journal | None = None
    warms: bool = False
    """Whether some step asks for `cache: warm`, whatever its models say."""
    warmth: Warmth = field(default_factory=Warmth)
    desk: Desk | None = None
    """Where people are asked; None: nowhere."""


def build(choice: ModelChoice, shared: Shared) -> Model:
    """The model that a choice stands for. Raises UsageError, e.g. for a key."""
    model = _with_fallback(choice, shared)
    if choice.provider != PERSON:
        model = _kept_warm(model, choice, shared)
    if shared.journal is None:
        return model
    from konseho_cli.models.journal import Journaled

    return Journaled(model, shared.journal)


def _kept_warm(model: Model, choice: ModelChoice, shared: Shared) -> Model:
    """With the caches around it: ours, and the provider's own."""
    model = with_cache(model, choice, shared.cache, shared.env)
    if shared.warms or choice.cache == "warm":
        place = f"{choice.name} {PROVIDERS[choice.provider].place(choice, shared.env)}"
        model = Warmed(place, model, shared.warmth, always=choice.cache == "warm")
    return model


def http_for(
    choices: Mapping[str, ModelChoice], *, wall: Callable[[], float], on_open: Callable[[], None]
) -> Http:
    """Connections for models of these choices: as many as they may have requests at once."""
    most = max((_most_at_once(choice) for choice in choices.values()), default=PER_HOST)
    connections, per_host = max(CONNECTIONS, most), max(PER_HOST, most)
    return Http(connections=connections, per_host=per_host, wall=wall, on_open=on_open)


def _most_at_once(choice: ModelChoice) -> int:
    own = HIGHEST if choice.concurrency == "auto" else choice.concurrency or PER_HOST
    return max((own, *map(_most_at_once, choice.fallback)))


def _with_fallback(choice: ModelChoice, shared: Shared) -> Model:
    """A model that asks others in its stead, where there are any."""
    first = _one(choice, shared)
    if not choice.fallback:
        return first
    return WithFallback(
        [
            Alternative(
                name=each.name,
                model=first if each is choice else _with_fallback(each, shared),
                adapt=(lambda request: request) if each is choice else each.adapt,
                service=_service(each, shared),
                cooldown_s=choice.cooldown_s,
            )
            for each in (choice, *choice.fallback)
        ]
    )


def _one(choice: ModelChoice, shared: Shared) -> Model:
    """A provider with what surrounds each of its attempts."""
    if choice.provider == PERSON:
        return _person(choice, shared)
    provider = PROVIDERS[choice.provider]

    def make() -> Model:
        return provider.make(choice, provider, shared.env, shared.http)

    model = make() if shared.tape is None else shared.tape.around(choice.name, make)
    may_fail = getattr(model, "may_fail", True)
    service = _service(choice, shared)
    if may_fail or choice.hedge or service.slots or service.rates:
        model = Throttled(model, service, shared.slots)  # a 429 of one holds all of them
    elif shared.slots is not None:
        model = Limited(model, shared.slots)
    if choice.hedge:
        model = Hedged(model, service)
    if may_fail:
        model = Guarded(model, service)
        if choice.attempts > 1:
            model = Retried(model, choice.attempts)
    if not shared.budgets.unlimited:
        model = Budgeted(choice.name, model, shared.budgets)
    return model


def _person(choice: ModelChoice, shared: Shared) -> Model:
    """Somebody who takes their time: no slot is held for them, and nothing is tried again."""
    from konseho_cli.models.person import Person, Recalled

    person = Person(choice.model, shared.desk, choice.timeout_s)
    if shared.tape is None or not shared.tape.replays:
        return person  # what they said is on the tape as an answer, not as an attempt
    return Recalled(shared.tape.around(choice.name, lambda: person))


def _service(choice: ModelChoice, shared: Shared) -> Service:
    """The state of a model at its address; of limits that differ the strictest holds."""
    place = PROVIDERS[choice.provider].place(choice, shared.env)
    service = shared.services.get((choice.name, place))
    if service is None:
        service = Service(choice.name, place, wall=shared.wall, estimate=shared.tokens.estimate)
        if place:
            service.adapt(PER_HOST)  # as many as there are connections
        shared.services[choice.name, place] = service
    service.limit(choice.concurrency, rpm=choice.rpm, tpm=choice.tpm)
    return service
