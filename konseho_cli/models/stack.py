"""The one place where models are put together: a provider in the wrappers that it needs.

Outside in: journal → response cache → single-flight → fallback → budget → retry → circuit breaker →
hedge → limits → tape → provider. So a journal sees logical calls and a tape sees attempts, free
answers pass the budget, retries and hedges are counted, and a hedge takes a slot of its own. A
wrapper that would do nothing for a model is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from konseho_cli.core.slots import Slots
from konseho_cli.models.base import Model
from konseho_cli.models.budget import Budget, Budgeted
from konseho_cli.models.fallback import Alternative, WithFallback
from konseho_cli.models.http import Http
from konseho_cli.models.limits import Limited
from konseho_cli.models.registry import PROVIDERS, ModelChoice
from konseho_cli.models.retry import Retried
from konseho_cli.models.warm import Warmed, Warmth


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all models of a run have in common."""

    env: Mapping[str, str] = field(repr=False)
    """Where keys and addresses come from; never shown."""
    http: Http
    budget: Budget | None = None
    slots: Slots | None = None
    """`max_concurrency`; None: no limit."""
    warms: bool = False
    """Whether some step asks for `cache: warm`, whatever its models say."""
    warmth: Warmth = field(default_factory=Warmth)


def build(choice: ModelChoice, shared: Shared) -> Model:
    """The model that a choice stands for. Raises UsageError, e.g. for a key."""
    model = _with_fallback(choice, shared)
    if shared.warms or choice.cache == "warm":
        place = f"{choice.name} {choice.base_url or ''}"
        model = Warmed(place, model, shared.warmth, always=choice.cache == "warm")
    return model


def _with_fallback(choice: ModelChoice, shared: Shared) -> Model:
    """A model that asks others in its stead, where there are any."""
    first = _one(choice, shared)
    if not choice.fallback:
        return first
    chain = [Alternative(name=choice.name, model=first, adapt=lambda request: request)]
    chain += [
        Alternative(name=other.name, model=_with_fallback(other, shared), adapt=other.adapt)
        for other in choice.fallback
    ]
    return WithFallback(chain)


def _one(choice: ModelChoice, shared: Shared) -> Model:
    """A provider with what surrounds each of its attempts."""
    provider = PROVIDERS[choice.provider]
    model = provider.make(choice, provider, shared.env, shared.http)
    may_fail = getattr(model, "may_fail", True)
    if shared.slots is not None:
        model = Limited(model, shared.slots)
    if may_fail and choice.attempts > 1:
        model = Retried(model, choice.attempts)
    if shared.budget is not None and not shared.budget.unlimited:
        model = Budgeted(choice.name, model, shared.budget)
    return model
