"""What `--record` and `--replay` come to: who is cast, with which seed, and the tape around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from konseho_cli.core.clock import Clock
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.source import shown_path
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.casting import Casting, Wishes
from konseho_cli.engine.state import Premises
from konseho_cli.models.base import Miss
from konseho_cli.models.redact import Redactor
from konseho_cli.models.registry import KEYS, PROVIDERS, ModelChoice
from konseho_cli.version import __version__

if TYPE_CHECKING:  # only a run that is recorded or replayed loads them
    from konseho_cli.engine.picked import Picked
    from konseho_cli.models.cassette import Wished
    from konseho_cli.models.cassette_file import Cassette
    from konseho_cli.models.tape import Tape

FASTEST = 1e6
_CLAUDE_KEY = "ANTHROPIC_API_KEY"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Taping(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says about recording and replaying."""

    record: str | Path | None = None
    replay: str | Path | Cassette | None = None
    speed: float = 1.0
    """Of a replay: 2 is twice as fast, 0 at once."""
    miss: Miss = "error"
    """What a call that was not recorded, or was recorded otherwise, comes to."""
    recalled: Wished | None = None
    """Who was to answer in the run that goes on; None: no run does."""
    caches: bool = False
    """Of a replay: whether answers are used again in memory, as they would be in a run."""
    stand_in: Callable[[], Tape] | None = None
    """Makes what answers in the place of the cassette's playback, as a what-if does; None: nothing."""


class Taped:
    """A session's part in it: the cassette is read, nothing is written yet."""

    def __init__(self, taping: Taping, wishes: Wishes, env: Mapping[str, str]) -> None:
        """Raises UsageError for a cassette that cannot be replayed."""
        self._taping = taping
        self._env = env
        self.cassette = _load(taping)
        self.wishes = wishes
        """Who is to answer: what is said now, else what was said when it was recorded."""
        self.chooses: Mapping[str, str] = env
        """The environment as far as it chooses models."""
        if self.cassette is not None:
            self.wishes = _recalled_wishes(wishes, self.cassette.header.wished)
            self.chooses = _recalled_env(env, self.cassette.header.wished, taping.miss)
        elif taping.recalled is not None:
            self.wishes = _recalled_wishes(wishes, taping.recalled)
            self.chooses = _recalled_env(env, taping.recalled, "call")

    @property
    def before_s(self) -> float:
        """Seconds that a limit on the time of the run did not count."""
        return 0.0 if self.cassette is None else self.cassette.before_s

    @property
    def replays(self) -> bool:
        """Whether everything is answered for: nothing is asked, and nothing executed."""
        taping = self._taping
        return taping.stand_in is not None or (self.cassette is not None and taping.miss == "error")

    @property
    def warnings(self) -> tuple[str, ...]:
        """About the cassette."""
        return () if self.cassette is None else self.cassette.warnings

    @property
    def loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        """Makes the loop that fits: a virtual one for a replay at once; None: asyncio's own."""
        if self.cassette is None or self._taping.speed or self._taping.miss == "call":
            return None
        return partial(VirtualLoop, wall_s=self.cassette.header.started)

    def seed(self, wanted: int | None, council: int) -> int:
        """What is wanted, else the recorded one, else the council's own."""
        if wanted is not None:
            return wanted
        return council if self.cassette is None else self.cassette.header.seed

    @property
    def picked(self) -> Picked:
        """Who was picked in what is replayed, so that they are again.

        A what-if lends instances anew: who is free first is what it is about.
        """
        if self.cassette is None:
            return {}
        from konseho_cli.engine.picked import picked
        from konseho_cli.models.cassette import identity_of
        from konseho_cli.steps.moderators import MODERATOR

        answers = sorted(self.cassette.answers, key=lambda answered: answered.start)
        names = (identity_of(answered.identity) for answered in answers)
        return picked(
            (name.step, name.item, name.turn, name.agent)
            for name in names
            if self._taping.stand_in is None or name.item == MODERATOR
        )

    def tape(self, casting: Casting, clock: Clock) -> Tape | None:
        """The tape of one run; None: it has none."""
        taping = self._taping
        if taping.stand_in is not None:
            return taping.stand_in()
        if self.cassette is None and taping.record is None:
            return None
        from konseho_cli.models.playback import Playback
        from konseho_cli.models.recording import Recording
        from konseho_cli.models.tape import Tape

        redactor = redactor_of(self._env, casting.choices.values())
        pace = taping.speed or (1.0 if isinstance(clock, VirtualLoop) else None)
        return Tape(
            recording=None if taping.record is None else Recording(Path(taping.record), redactor),
            playback=None if self.cassette is None else Playback(self.cassette, redactor),
            pace=pace,
            miss=taping.miss,
        )

    def begin(
        self,
        tape: Tape,
        premises: Premises,
        casting: Casting,
        clock: Clock,
        stop: Callable[[KonsehoError], None],
    ) -> None:
        """The run begins; `stop` ends it. Raises UsageError where the file cannot be written."""
        from konseho_cli.models.cassette import FORMAT, Header

        tape.stop = stop
        if tape.recording is not None:
            header = Header(
                konseho_cassette=FORMAT, version=__version__, council=premises.council,
                run=premises.run, seed=premises.seed, started=clock.wall(),
                wished=self.wished(casting),
            )  # fmt: skip
            tape.recording.begin(header, clock.now(), stop)

    def wished(self, casting: Casting) -> Wished:
        """What it takes to cast the same models again."""
        from konseho_cli.models.cassette import Wished

        return Wished(
            model=self.wishes.model,
            models=self.wishes.models,
            simulate=self.wishes.simulate,
            default=casting.default,
            claude=bool(self.chooses.get(_CLAUDE_KEY, "").strip()),
        )


def _load(taping: Taping) -> Cassette | None:
    if not 0 <= taping.speed <= FASTEST:
        raise UsageError(f"a replay at {taping.speed} times its speed is not possible")
    if taping.replay is None:
        if taping.speed != 1 or taping.miss != "error":
            raise UsageError("a speed and what a miss comes to are of a replay: name its cassette")
        return None
    if isinstance(taping.replay, msgspec.Struct):
        return taping.replay
    if taping.record is not None and _same(Path(taping.record), Path(taping.replay)):
        raise UsageError(
            f"{shown_path(Path(taping.record))} is replayed, so it cannot be recorded to as well",
            hint="record to another file",
        )
    from konseho_cli.models.cassette_file import read_cassette

    return read_cassette(Path(taping.replay))


def _recalled_wishes(wishes: Wishes, then: Wished) -> Wishes:
    return Wishes(
        model=wishes.model or then.model,
        models={**then.models, **wishes.models},
        simulate=wishes.simulate or then.simulate,
    )


def _recalled_env(env: Mapping[str, str], then: Wished, miss: Miss) -> Mapping[str, str]:
    """The environment in which the models were chosen: a replay needs no key.

    Who is new, and may be asked, is chosen as always.
    """
    found = dict(env) if miss == "call" else _without_keys(env)
    if then.default or miss == "error":
        found["KONSEHO_MODEL"] = then.default or "sim"
    if then.claude:
        found[_CLAUDE_KEY] = "recorded"
    return found


def _without_keys(env: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in env.items() if name not in KEYS}


def redactor_of(
    env: Mapping[str, str], choices: Iterable[ModelChoice], urls: Iterable[str | None] = ()
) -> Redactor:
    """Knows every key in the environment, and every password in an address, `urls` included."""
    addresses = [env.get(each.base_url_env, "") for each in PROVIDERS.values()]
    addresses += [text for name, text in env.items() if name.upper() in _PROXIES]
    addresses += [url for choice in choices for url in _addresses(choice)]
    addresses += [url for url in urls if url]
    keys = [env.get(name, "").strip() for name in KEYS]
    return Redactor(*keys, *_passwords(addresses))


def _passwords(addresses: Iterable[str]) -> list[str]:
    found: list[str] = []
    for address in addresses:
        place = address.partition("://")[2] or address  # a proxy may be written without a scheme
        userinfo = place.partition("/")[0].rpartition("@")[0]
        password = userinfo.partition(":")[2]
        found += [userinfo, unquote(userinfo), password, unquote(password)]
    return found


def _addresses(choice: ModelChoice) -> list[str]:
    own = [choice.base_url] if choice.base_url else []
    return own + [url for other in choice.fallback for url in _addresses(other)]


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one is not there yet
        return False
