"""One model at one address: what all who ask it share, and what was learnt of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from math import inf
from typing import Literal

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.slots import Slots
from konseho_cli.models.adaptive import HIGHEST, Adaptive
from konseho_cli.models.base import Request, Usage
from konseho_cli.models.breaker import Breaker
from konseho_cli.models.gate import Gate
from konseho_cli.models.latency import Latencies
from konseho_cli.models.quota import PREFIXES, read_quotas
from konseho_cli.models.rates import Rates
from konseho_cli.models.service_state import ServiceState

_FIRST_HOLD_S = 0.5
_LONGEST_HOLD_S = 30.0
"""Of a pause after a 429 that does not say how long."""


class Service:
    """The state that limits, circuit breaker, hedges and fallbacks keep of one model."""

    def __init__(
        self,
        name: str,
        address: str = "",
        *,
        wall: Callable[[], float] = time.time,
        estimate: Callable[[str, int], int] = lambda model, size: size // 4,
    ) -> None:
        self.name = name
        self.address = address
        self.gate = Gate(name)
        self.rates: Rates | None = None
        self.adaptive: Adaptive | None = None
        self.slots: Slots | None = None
        self.breaker = Breaker()
        self.latencies = Latencies()
        self.rests_until = -inf
        """Until when a fallback passes it over, on the loop's clock in seconds."""
        self.rests_for = ""
        """Why."""
        self.requests = 0
        self.throttled = 0
        self._wall = wall
        self._estimate = estimate
        """Tokens of so many characters, by model."""
        self._typical = 0.0
        """Tokens of an answer, on average of late."""
        self._refusals = 0
        """429s in a row."""
        self._left: float | None = None
        """Requests that the server's count still allows; None: it does not say."""
        self._hold_s = 0.0
        """How long until it allows another one."""

    def limit(
        self, concurrency: int | Literal["auto"] | None, *, rpm: int | None, tpm: int | None
    ) -> None:
        """Hold it to these as well; of several the strictest counts."""
        if concurrency == "auto":
            if self.slots is None or self.adaptive is not None:
                self.adapt(HIGHEST)
        elif concurrency is not None:
            fixed = self.slots.capacity if self.slots and not self.adaptive else concurrency
            self.adaptive, self.slots = None, Slots(min(fixed, concurrency))
        if rpm is not None or tpm is not None:
            rates = self.rates = self.rates or Rates(self.name)
            rates.rpm = min(filter(None, (rates.rpm, rpm)), default=None)
            rates.tpm = min(filter(None, (rates.tpm, tpm)), default=None)

    def adapt(self, highest: int) -> None:
        """Feel out how many requests at once it takes, up to so many."""
        self.adaptive = Adaptive(highest)
        self.slots = Slots(self.adaptive.limit)

    def expected(self, request: Request) -> Usage:
        """What a request will take, as far as can be told before."""
        prompt = self._estimate(self.name, request.size)
        return Usage(input_tokens=prompt, output_tokens=round(self._typical))

    def paid_for(self, request: Request, said: str) -> Usage:
        """What was paid for an answer that broke off after so much."""
        return Usage(
            input_tokens=self._estimate(self.name, request.size),
            output_tokens=self._estimate(self.name, len(said)),
        )

    def note(self, usage: Usage) -> None:
        """Learn from what an answer took."""
        share = 0.1 if self._typical else 1.0
        self._typical += share * (usage.output_tokens - self._typical)

    def sent(self) -> int:
        """A request goes out; its number."""
        self.requests += 1
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.gate.close(self._hold_s)
        return self.requests

    def heard(self, number: int, headers: Mapping[str, str]) -> None:
        """Note what an answer's headers say of the server's limits."""
        if not any(name.startswith(PREFIXES) for name in headers):
            return
        self._left = None
        for quota in read_quotas(headers, self._wall()):
            if quota.remaining is None or not quota.reset_s:
                continue
            if quota.name in ("requests", ""):
                # Those that went out after it are not in its count yet.
                left = quota.remaining - (self.requests - number)
                # A count that is refilled all the time has room for one before it is full.
                used = max(1.0, (quota.limit or 0.0) - quota.remaining)
                self._left, self._hold_s = left, quota.reset_s / used
                if left <= 0:
                    self.gate.close(self._hold_s)
            elif quota.remaining <= 0:
                self.gate.close(quota.reset_s)

    def answered(self, *, tried: bool, by: int) -> None:
        """A request was answered; `by` is the span that got the answer."""
        self._refusals = 0
        adaptive, slots = self.adaptive, self.slots
        if adaptive is not None and slots is not None and slots.taken >= adaptive.limit:
            adaptive.answered(asyncio.get_running_loop().time(), slots.taken)
            if adaptive.limit != slots.capacity:
                slots.resize(adaptive.limit, by)
        if tried:
            if self._left is not None and self._left <= 0:
                self.gate.stay_closed()
            else:
                self.gate.open(by)

    def failed(self, error: ModelUnavailable, *, tried: bool, by: int) -> None:
        """A request failed, perhaps because the server wants to be left alone."""
        hold_s = error.retry_after_s
        if error.status == 429:
            self.throttled += 1
            self._refusals += 1
            if hold_s is None:
                hold_s = min(_FIRST_HOLD_S * 2 ** (self._refusals - 1), _LONGEST_HOLD_S)
            if self.adaptive is not None and self.slots is not None:
                self.adaptive.refused(asyncio.get_running_loop().time())
                self.slots.resize(self.adaptive.limit, by)
        if hold_s is not None:
            self.gate.close(hold_s)
        if tried:
            self.gate.stay_closed()

    def state(self, now: float) -> ServiceState:
        """As it is now, on the loop's clock in seconds."""
        return ServiceState(
            model=self.name,
            address=self.address,
            circuit=self.breaker.state(now),
            failures=self.breaker.failures,
            concurrency=self.slots.capacity if self.slots else None,
            requests=self.requests,
            throttled=self.throttled,
            hedges=self.latencies.hedges,
        )
