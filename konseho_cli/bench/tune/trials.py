"""Replays of one recorded run under other settings: what `konseho tune` measures, at no cost."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType

from msgspec import structs

from konseho_cli.bench.comparison import FEWEST_PAIRS, Compared, Pair, abba, compare
from konseho_cli.bench.tune.seen import repeats
from konseho_cli.bench.tune.tuning import Edit, Setup
from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.virtual import Deadlock, VirtualLoop
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.storing import Storing
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cache import ENTRIES, CacheWishes
from konseho_cli.models.cassette_file import Cassette
from konseho_cli.session import Session
from konseho_cli.spec.loaded import Loaded
from konseho_cli.telemetry.bus import Subscription

CONFIDENCE = 0.99
"""Of the interval that a change is kept by: many are tried."""
LEAST_S = 0.02
"""CPU seconds of one sample: as many replays as that takes."""
MOST_PAIRS = 60
MOST_S = 6.0
"""Seconds of real time for one comparison."""


class Replays:
    """All that one record can be asked."""

    def __init__(
        self,
        loaded: Loaded,
        options: RunOptions,
        cassette: Cassette,
        env: Mapping[str, str],
        *,
        is_over: Callable[[], bool] = lambda: False,
        timer: Callable[[], float] = time.process_time,
    ) -> None:
        """`options`: task, inputs, models; settings and council come with each setup.

        `is_over`: whether a comparison is to end as it stands. `timer`: CPU seconds.
        """
        self._is_over = is_over
        self._timer = timer
        self._loaded = loaded
        self._options = options
        self._cassette = cassette
        self._env = env

    @cached_property
    def repeated(self) -> dict[str, int]:
        """By step: requests that were made more than once in the record."""
        return repeats(self._cassette.attempts)

    def session(self, setup: Setup) -> Session:
        """Ready to replay. Raises KonsehoError."""
        size = setup.settings.cache_size
        options = structs.replace(
            self._options, settings=setup.settings, storing=Storing(),
            caching=CacheWishes(size=ENTRIES if size is None else size),
            taping=Taping(replay=self._cassette, speed=0, caches=True),
        )  # fmt: skip
        return Session(edited(self._loaded, setup.edits), options, self._env)

    def replay(self, setup: Setup) -> RunOutcome:
        """One, in virtual time. Raises KonsehoError."""
        session = self.session(setup)
        try:
            with asyncio.Runner(loop_factory=session.taped.loop_factory) as runner:
                return runner.run(session.run())
        except Deadlock as error:
            raise KonsehoError(str(error)) from error

    def cpu(self, before: Setup, after: Setup, gate: float) -> Compared:
        """CPU seconds of a replay, A B B A; pairs are added until the interval is narrow enough."""
        one, other = self._sampler(before), self._sampler(after)
        times = max(1, round(LEAST_S / max(1e-6, min(one(1), other(1)))))
        pairs: list[Pair] = []
        end_s = time.monotonic() + MOST_S
        while True:
            pairs += abba(lambda: one(times), lambda: other(times))
            if len(pairs) < FEWEST_PAIRS and not self._is_over():
                continue
            compared = compare(pairs, threshold=gate, confidence=CONFIDENCE)
            if self._is_over():
                return compared
            # By its width alone: to stop where it pleases would make it please too often.
            if compared.is_narrow or len(pairs) >= MOST_PAIRS or time.monotonic() > end_s:
                return compared

    def _sampler(self, setup: Setup) -> Callable[[int], float]:
        """Does so many replays and says what one took, in CPU seconds."""
        session = self.session(setup)
        # Somebody looks on, as at a run: else no event would be built at any level.
        watching = [Subscription(lambda batch: None, session.emitting.usual)]
        wall_s = self._cassette.header.started

        async def replays(times: int) -> float:
            gc.collect()  # so that nobody pays for the garbage of who came before
            start = self._timer()
            for _ in range(times):
                await session.run(watching)
            return (self._timer() - start) / times

        def sample(times: int) -> float:
            with asyncio.Runner(loop_factory=lambda: VirtualLoop(wall_s=wall_s)) as runner:
                return max(1e-9, runner.run(replays(times)))

        return sample


def edited(loaded: Loaded, edits: tuple[Edit, ...]) -> Loaded:
    """The council as it would be with these values."""
    spec, steps = loaded.spec, dict(loaded.steps)
    for edit in edits:
        head, *rest = edit.path
        if head == "steps":
            name, field = rest
            steps[name] = structs.replace(steps[name], **{field: edit.value})
        elif head == "models":
            name, field = rest
            model = structs.replace(spec.models[name], **{field: edit.value})
            spec = structs.replace(spec, models={**spec.models, name: model})
        else:
            spec = structs.replace(spec, **{head: edit.value})
    spec = structs.replace(spec, steps=tuple(steps.values()))
    return structs.replace(loaded, spec=spec, steps=MappingProxyType(steps))
