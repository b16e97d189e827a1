"""One model at one address: what all who ask it share, and what was learnt of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from math import inf
from typing import Literal

from konseho_cli.core.errors import CircuitOpen, ModelUnavailable
from konseho_cli.core.slots import Slots
from konseho_cli.core.units import show_duration
from konseho_cli.models.adaptive import HIGHEST, Adaptive
from konseho_cli.models.base import Request, Usage
from konseho_cli.models.breaker import Breaker
from konseho_cli.models.gate import Gate
from konseho_cli.models.latency import Latencies
from konseho_cli.models.quota import PREFIXES, read_quotas
from konseho_cli.models.rates import Rates
from konseho_cli.models.service_state import ServiceState
from konseho_cli.telemetry.spans import Scope

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
        self._left_until = -inf
        """Until when that count means anything, on the loop's clock in seconds."""

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

    def sent(self, now: float) -> int:
        """A request goes out; its number. Raises CircuitOpen: it may have waited for too long."""
        if self.breaker.state(now) == "open":
            raise self.refusal(now)
        self.requests += 1
        if self._left is not None:
            self._left -= 1
            if now >= self._left_until:
                self._left = None
            elif self._left <= 0:
                self.gate.close(self._hold_s)
        return self.requests

    def heard(self, number: int, headers: Mapping[str, str]) -> None:
        """Note what the headers of an answer say of the server's limits."""
        self._left = None
        if not any(name.startswith(PREFIXES) for name in headers):
            return
        for quota in read_quotas(headers, self._wall()):
            if quota.remaining is None or not quota.reset_s:
                continue
            if quota.name in ("requests", ""):
                # Those that went out after it are not in its count yet.
                left = quota.remaining - (self.requests - number)
                # A count that is refilled all the time has room for one before it is full.
                used = max(1.0, (quota.limit or 0.0) - quota.remaining)
                self._left, self._hold_s = left, quota.reset_s / used
                self._left_until = asyncio.get_running_loop().time() + quota.reset_s
                if left <= 0:
                    self.gate.close(self._hold_s)
            elif quota.name.endswith("tokens") and quota.remaining <= 0:
                self.gate.close(quota.reset_s)

    def answered(self, scope: Scope) -> None:
        """A request was answered; `scope` is where."""
        self._refusals = 0
        adaptive, slots = self.adaptive, self.slots
        if adaptive is not None and slots is not None and slots.taken >= adaptive.limit:
            adaptive.answered(asyncio.get_running_loop().time(), slots.taken)
            if adaptive.limit != slots.capacity:
                slots.resize(adaptive.limit, by=scope.here)

    def failed(self, error: ModelUnavailable, scope: Scope, *, tried: bool) -> None:
        """A request failed, perhaps because the server wants to be left alone."""
        hold_s = error.retry_after_s
        if error.status == 429:
            self.throttled += 1
            if tried or not self.gate.closed:
                self._refusals += 1  # of requests that were under way together one counts
            if hold_s is None:
                hold_s = min(_FIRST_HOLD_S * 2.0 ** min(self._refusals, 9), _LONGEST_HOLD_S)
            if self.adaptive is not None and self.slots is not None:
                self.adaptive.refused(asyncio.get_running_loop().time())
                self.slots.resize(self.adaptive.limit, by=scope.here)
        if hold_s is not None:
            self.gate.close(hold_s)
        if tried:
            self.gate.stay_closed(refused=hold_s is not None)

    def refusal(self, now: float) -> CircuitOpen:
        """Why nobody asks it now."""
        breaker = self.breaker
        wait_s = breaker.wait_s(now)
        when = (
            f"for {show_duration(wait_s)}" if wait_s else "before the one that tries it has ended"
        )
        last = breaker.last.removeprefix(f"{self.name}: ")
        return CircuitOpen(
            f"{self.name}: not asked {when}: {breaker.failures} requests in a row have failed, "
            f"the last one with: {last}",
            retry_after_s=wait_s,
        )

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
