"""The one run that a tuning replays: made now, or taken from where it is kept."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import structs

from konseho_cli.cli.streams import tell
from konseho_cli.cli.watching import conduct, screen_for
from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.storing import Storing
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cache import CacheWishes
from konseho_cli.models.cassette_file import Cassette, read_cassette
from konseho_cli.session import RunOptions, Session
from konseho_cli.spec.load import Loaded


class Failed(KonsehoError):
    """The council failed, so that there is nothing to replay. It has been told."""

    def __init__(self, status: int) -> None:
        super().__init__("the council failed")
        self.exit_code = status


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A run that can be replayed at no cost."""

    cassette: Cassette
    name: str
    """As people name it: `a simulated run`, `run 3fk2…`, `run.jsonl`."""
    models: tuple[str, ...]


def free_env(env: Mapping[str, str]) -> Mapping[str, str]:
    """The environment in which `sim` answers where nobody says otherwise: no key chooses a model."""
    return {**env, "KONSEHO_MODEL": env.get("KONSEHO_MODEL", "").strip() or "sim"}


def is_free(session: Session) -> bool:
    """Whether only the simulator can be asked."""
    names = session.casting.all_models
    return all(name.partition(":")[0] == "sim" for name in names)


def record(loaded: Loaded, options: RunOptions, storing: Storing, *, quiet: bool) -> Record:
    """Run the council once: simulated at once, in virtual time, else as `konseho run` does.

    No answer is taken from a cache, since what a model takes is what is looked at. Raises Failed.
    """
    env = free_env(os.environ)
    with tempfile.TemporaryDirectory(prefix="konseho-") as folder:
        file = Path(folder) / "tune.jsonl"
        wanted = structs.replace(
            options, taping=Taping(record=file), caching=CacheWishes(cache=False)
        )  # fmt: skip
        session = Session(loaded, wanted, env)
        if is_free(session):
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                outcome = runner.run(session.run())
        else:
            session = Session(loaded, structs.replace(wanted, storing=storing), env)
            outcome = conduct(session, screen_for(session, quiet=quiet), None)
        _require(outcome)
        cassette = structs.replace(read_cassette(file), file="the recorded run")
    name = "a simulated run" if is_free(session) else f"run {outcome.run}"
    return Record(cassette=cassette, name=name, models=session.models)


def _require(outcome: RunOutcome) -> None:
    if outcome.error is not None:
        tell(KonsehoError(outcome.error, hint=outcome.hint))
        raise Failed(outcome.exit_code)
