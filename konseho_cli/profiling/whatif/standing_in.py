"""Stands in for the models of a run: gives its answers again, in the time that a change leaves them.

A call is looked up by its identity alone. One that was never made, or was cut short, takes its
agent's median in that step, and some answer of that agent there.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import median_low

import msgspec
from msgspec import structs

from konseho_cli.core.errors import InvalidReply, ModelUnavailable, NotAsked
from konseho_cli.core.hashing import rng
from konseho_cli.models.base import Call, Identity, Model, Reply, Request, Usage, is_simulated
from konseho_cli.models.cassette import Failure
from konseho_cli.models.command import DONE
from konseho_cli.models.journal import Kept
from konseho_cli.models.sim_document import example
from konseho_cli.models.structured import decode
from konseho_cli.models.tape import Tape
from konseho_cli.profiling.whatif.held import Held, Try

_MARK = "[guessed]"
_DONE = {"status": 0, "output": f'"{_MARK}"', "errors": ""}
"""Of a program that was never executed: text, and JSON where that is read."""
_LATER = 1_000
"""Nanoseconds by which a call that was cut short is longer, at least, than it is known to be."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a call comes to in a what-if."""

    service: int
    """Nanoseconds, unchanged."""
    first: int
    model: str
    reply: Reply | None
    failure: Failure | None = None
    tries: tuple[Try, ...] = ()
    guessed: bool = False


class Library:
    """The answers of one run, by identity, and what stands for those that it lacks."""

    def __init__(self, calls: Sequence[Held]) -> None:
        self._calls = {call.identity: call for call in calls}
        self._whole: dict[tuple[str, str], list[Held]] = defaultdict(list)
        for call in calls:
            if call.reply is not None and call.is_from_model:
                for place in _places(call.identity):
                    self._whole[place].append(call)
        self._medians: dict[tuple[str, str], Held] = {}

    def known(self, identity: Identity) -> Held | None:
        """A call that came to its end; None: it was cut short, or never made."""
        found = self._calls.get(identity)
        return None if found is None or found.answered.cancelled else found

    def give(self, identity: Identity, request: Request) -> Given:
        """What it came to, or what stands for that."""
        found = self.known(identity)
        if found is None:
            return self._guess(identity, request)
        reply, repaired = found.reply, structs.replace(identity, repair=1) in self._calls
        fits = reply is None or repaired or _fits(reply, request.schema)
        return Given(
            service=found.service, first=found.first, model=found.model,
            reply=reply if fits else self._reply(identity, request),
            failure=found.failure, tries=found.tries, guessed=not fits,
        )  # fmt: skip

    def _guess(self, identity: Identity, request: Request) -> Given:
        """The median of its agent in that step, in other iterations of it, else anywhere, else the
        step's, the run's.
        """
        usual, cut = self._median(identity), self._calls.get(identity)
        service, first = (0, 0) if usual is None else (usual.total, usual.first)
        tries: tuple[Try, ...] = ()
        if cut is not None:  # what failed of it failed before it was cut short
            tries = cut.tries
            service = max(service - (cut.total - cut.service), cut.service + _LATER)
        return Given(
            service=service, first=min(first, service), tries=tries,
            model="" if usual is None else usual.model,
            reply=self._reply(identity, request), guessed=True,
        )  # fmt: skip

    def _median(self, identity: Identity) -> Held | None:
        for place in _places(identity):
            if place in self._medians:
                return self._medians[place]
            calls = self._whole.get(place)
            if calls:
                middle = median_low([call.total for call in calls])
                found = next(call for call in calls if call.total == middle)
                self._medians[place] = found
                return found
        return None

    def _reply(self, identity: Identity, request: Request) -> Reply:
        """One that was given there and fits; else the usual one's tokens, and an example."""
        for place in _places(identity)[: -len(_ELSEWHERE)]:
            for call in self._whole.get(place, ()):
                if call.reply is not None and _fits(call.reply, request.schema):
                    return call.reply
        usual = self._median(identity)
        text = _MARK
        if request.schema == DONE:
            text = json.dumps(_DONE)
        elif request.schema is not None:
            words = rng(_MARK, identity.parts())
            text = json.dumps(example(request.schema, words, _MARK), ensure_ascii=False)
        if usual is None or usual.reply is None:
            return Reply(text=text, model="")
        return structs.replace(usual.reply, text=text, finish="stop", notes=())


_ELSEWHERE = ("agent", "step", "run")
"""What is looked at last, as `_places` has it: an answer from there does not fit."""
_PLACE = "/"
"""In front of a place, which may be the address of another step."""


def _places(identity: Identity) -> tuple[tuple[str, str], ...]:
    """Step and agent, the nearest first; a step inside of others goes by its place, too."""
    step, agent, place = identity.step_id, identity.agent, identity.place
    inside = () if place == step else ((f"{_PLACE}{place}", agent),)
    return (step, agent), *inside, ("", agent), (step, ""), ("", "")


def _fits(reply: Reply, schema: Mapping[str, object] | None) -> bool:
    if schema is None:
        return True
    try:
        decode(reply.text, schema)
    except InvalidReply:
        return False
    return True


Retime = Callable[[str, str, int], int]
"""Agent, model and recorded nanoseconds → those of the what-if."""


class StandIn(Tape):
    """In the tape's place: around each provider, and the run's journal for what asked no model."""

    def __init__(
        self, library: Library, retime: Retime, *, seed: int, cache_hit: float = 0.0
    ) -> None:
        super().__init__()
        self._library = library
        self._retime = retime
        self._seed = seed
        self._cache_hit = cache_hit
        self._over: set[Identity] = set()
        self.guessed = 0
        """Calls so far that the run did not hold."""

    @property
    def replays(self) -> bool:
        """It answers, and nothing else that knows answers may."""
        return True

    def answered(self, identity: Identity, request: Request) -> Kept | None:
        """As the journal: what came from a cache then, or is to come from one now."""
        found = self._library.known(identity)
        if found is not None and not found.is_from_model:
            wait = self._retime(identity.agent, found.model, found.service)
            error = None if found.failure is None else found.failure.raised()
            answered = found.answered
            return Kept(
                reply=found.reply, error=error, source=answered.source, saved=answered.saved,
                wait_s=wait / 1e9,
            )  # fmt: skip
        if self._cache_hit and self._is_hit(identity):
            given = self._library.give(identity, request)
            if given.reply is not None:
                self.guessed += given.guessed
                free = structs.replace(given.reply, usage=Usage())
                return Kept(reply=free, source="cache", saved=given.reply.usage)
        return None

    def _is_hit(self, identity: Identity) -> bool:
        """By the seed and the call: whoever is hit at some share is hit at any greater one."""
        return rng("cache-hit", self._seed, identity.parts()).random() < self._cache_hit

    def around(self, name: str, make: Callable[[], Model]) -> Model:
        """In the place of the provider, which is made only where it is the simulator."""
        return _Player(
            self, name, may_fail=not is_simulated(name) or getattr(make(), "may_fail", True)
        )

    async def play(self, request: Request, call: Call, name: str) -> Reply:
        """One attempt. Raises what was raised."""
        identity = call.identity
        if identity.hedge:  # chance decides when one is made; the first one's answer is there
            raise ModelUnavailable(f"{name}: what-if makes no second request")
        given = self._library.give(identity.logical, request)
        agent, model = identity.agent, given.model or name
        if identity.attempt < len(given.tries):
            failed = given.tries[identity.attempt]
            with call.scope.span("ttft"):
                await _sleep(self._retime(agent, model, failed.service))
            raise _again(failed, call, identity.attempt + 1)
        if identity.logical in self._over:  # a fallback's turn: its time is in the first one's
            assert given.failure is not None
            raise _for_good(given.failure)
        whole = self._retime(agent, model, given.service)
        first = whole * given.first // given.service if given.service else whole
        with call.scope.span("ttft"):
            await _sleep(first)
            if given.failure is not None:
                await _sleep(whole - first)
                self._over.add(identity.logical)
                raise _for_good(given.failure)
        assert given.reply is not None
        if call.on_text:
            call.on_text(given.reply.text)
        with call.scope.span("stream"):
            await _sleep(whole - first)
        self.guessed += given.guessed
        return given.reply if given.reply.model else structs.replace(given.reply, model=name)


class _Player:
    """One model as far as the wrappers around it can tell."""

    __slots__ = ("_name", "_stand_in", "may_fail")

    def __init__(self, stand_in: StandIn, name: str, *, may_fail: bool) -> None:
        self._stand_in = stand_in
        self._name = name
        self.may_fail = may_fail

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer in the time of the what-if."""
        return await self._stand_in.play(request, call, self._name)


async def _sleep(nanoseconds: int) -> None:
    if nanoseconds > 0:
        await asyncio.sleep(nanoseconds / 1e9)


def _again(failed: Try, call: Call, again: int) -> ModelUnavailable:
    """A failure after which it is asked again, as late as it was: see models/retry.py."""
    logical = call.identity.logical
    chance = rng("backoff", call.seed, logical.parts(), again).random()
    usual_s = chance * min(2.0**again, 30.0)
    was_s = usual_s if failed.backoff is None else failed.backoff / 1e9
    asked = None if abs(usual_s - was_s) <= max(0.05 * was_s, 0.005) else was_s / (1 + 0.1 * chance)
    busy = "429" in failed.reason
    return ModelUnavailable(failed.reason, status=429 if busy else 503, retry_after_s=asked)


def _for_good(failure: Failure) -> Exception:
    """The end of a call that failed: nobody is to ask again, since nobody was answered then."""
    error = failure.raised()
    if isinstance(error, ModelUnavailable):
        return NotAsked(str(error), hint=error.hint)
    return error
