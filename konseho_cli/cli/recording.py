"""The one run that a tuning replays: made now, or taken from where it is kept."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import msgspec
from msgspec import structs

from konseho_cli.bench.tune.taken import with_attempts
from konseho_cli.cli.stored import check_replay, is_path, with_store
from konseho_cli.cli.streams import tell
from konseho_cli.cli.watching import conduct, screen_for
from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.history import cassette_of
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.remembered import decode
from konseho_cli.engine.storing import Storing
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cache import CacheWishes
from konseho_cli.models.cassette_file import Cassette, read_cassette
from konseho_cli.models.registry import sparing
from konseho_cli.profiling.whatif.held import held_calls
from konseho_cli.session import Session
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.loaded import Loaded
from konseho_cli.store.base import Store
from konseho_cli.store.find import find_stored


class CouncilFailed(KonsehoError):
    """There is nothing to replay: it ends with the status that the run would have ended with."""

    def __init__(self, outcome: RunOutcome) -> None:
        super().__init__("the council failed, so there is nothing to tune")
        self.exit_code = outcome.exit_code


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A run that can be replayed at no cost."""

    cassette: Cassette
    options: RunOptions
    """With the task and the inputs that it had."""
    name: str
    """As people name it: `a simulated run`, `run 3fk2…`, `run.jsonl`."""
    models: tuple[str, ...]
    """Who answered, `provider:model`."""
    left: int = 0
    """Calls that take their time as it was, whatever is changed."""


def record(loaded: Loaded, options: RunOptions, storing: Storing, *, quiet: bool) -> Record:
    """Run the council once: simulated at once, in virtual time, else as `konseho run` does.

    No answer is taken from a cache, since what a model takes is what is looked at. Raises
    CouncilFailed.
    """
    env = sparing(os.environ)
    with tempfile.TemporaryDirectory(prefix="konseho-") as folder:
        file = Path(folder) / "tune.jsonl"
        wanted = structs.replace(
            options, taping=Taping(record=file), caching=CacheWishes(cache=False)
        )
        session = Session(loaded, wanted, env)
        if session.casting.is_free:
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                outcome = runner.run(session.run())
        else:
            session = Session(loaded, structs.replace(wanted, storing=storing), env)
            outcome = conduct(session, screen_for(session, quiet=quiet), None)
        if outcome.error is not None:
            tell(KonsehoError(outcome.error, hint=outcome.hint))
            raise CouncilFailed(outcome)
        cassette = read_cassette(file)
    name = "a simulated run" if session.casting.is_free else f"run {outcome.run}"
    cassette = structs.replace(cassette, file=name)
    return Record(cassette=cassette, options=options, name=name, models=session.models)


def take(name: str, loaded: Loaded, options: RunOptions, store: Path | None) -> Record:
    """A cassette's file, or a run that is kept. Raises UsageError, StoreFailed."""
    if is_path(name):
        cassette = read_cassette(Path(name))
        inputs = options.inputs or fill_inputs(loaded.spec, {})
        options = structs.replace(options, inputs=inputs)
        session = _session(loaded, options, cassette)
        return Record(
            cassette=cassette, options=options, name=cassette.file, models=session.models
        )  # fmt: skip

    async def read(reader: Store) -> Record:
        stored = await find_stored(reader, name)
        spans, _ = await reader.trace(stored.row.began.run)
        cassette, began = cassette_of(stored), stored.row.began
        remembered = decode(began.document, began.run)
        then = structs.replace(
            options,
            task=remembered.task if options.task is None else options.task,
            inputs=options.inputs or remembered.inputs,
        )
        session = _session(loaded, then, cassette)
        asked = {agent: choice.name for agent, choice in session.casting.choices.items()}
        cassette, left = with_attempts(cassette, held_calls(stored, spans), asked)
        return Record(
            cassette=cassette, options=then, name=cassette.file, models=session.models, left=left
        )  # fmt: skip

    return with_store(store, read)


def _session(loaded: Loaded, options: RunOptions, cassette: Cassette) -> Session:
    """A replay of it. Raises UsageError."""
    check_replay(cassette, loaded)
    taping = Taping(replay=cassette, speed=0)
    return Session(loaded, structs.replace(options, taping=taping), sparing(os.environ))
