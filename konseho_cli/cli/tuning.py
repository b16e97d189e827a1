"""What `konseho tune` does: get a record, try changes, tell each, remember all, write a preset."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import structs

from konseho_cli.bench.tune.learning import KIND, Learning, digest_of, learning_of, name_of
from konseho_cli.bench.tune.suggestion import Suggestion, suggest
from konseho_cli.bench.tune.trials import Replays
from konseho_cli.bench.tune.tuned_preset import Origin, plain, preset_text
from konseho_cli.bench.tune.tuner import Tried, Tuner, Wanted
from konseho_cli.bench.tune.tuning import KINDS, Kind, Scope, Setup
from konseho_cli.cli.durations import read_seconds
from konseho_cli.cli.recording import Record, record, take
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.stored import with_store
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.files import shipped, write_atomically
from konseho_cli.core.source import read_source, shown_path
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.storing import storing_for
from konseho_cli.models.registry import parse_model_name, sparing
from konseho_cli.profiling.recording import Machine
from konseho_cli.profiling.targets import load_stated
from konseho_cli.report import tune as report
from konseho_cli.report.symbols import Symbols, symbols_for
from konseho_cli.report.when import local
from konseho_cli.session import Session
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.preset import FOLDER, Preset, load_preset, presets_beside
from konseho_cli.store.base import Store
from konseho_cli.version import __version__


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The command line, read."""

    loaded: Loaded
    options: RunOptions
    base: Preset
    """What is in force to begin with."""
    replay: str | None
    store: Path | None
    gate: float
    kinds: tuple[Kind, ...]
    max_s: float
    again: bool
    output: Path | None
    force: bool
    dry_run: bool
    quiet: bool
    json: bool
    name: str
    """As the council was named."""

    @property
    def preset(self) -> Path:
        """Where the preset goes: of a council that ships, into the current folder."""
        if self.output is not None:
            return self.output
        file = self.loaded.file
        is_ours = file is None or file.resolve().is_relative_to(shipped("councils").resolve())
        stem = self.loaded.spec.name if file is None else file.stem
        folder = Path(FOLDER) if file is None or is_ours else file.parent / FOLDER
        return folder / f"{stem}-tuned.yaml"


def tune(asked: Asked) -> int:
    """Tune, and tell it; the exit status."""
    if not asked.dry_run:
        _check_place(asked)
    symbols = symbols_for(getattr(sys.stdout, "encoding", None))
    found = _record(asked)
    tuner = _tuner(asked, found)
    if asked.dry_run:
        plan = tuner.plan()
        text = report.plan_json(plan) if asked.json else report.plan_text(plan, symbols)
        deliver_to_stdout(text)
        return 0
    _say(asked, _head(asked, tuner, found, symbols))
    tried: list[Tried] = []
    try:
        for each in tuner.tries():
            tried.append(each)
            _say(asked, report.tried_text(each, symbols))
    finally:
        _remember(asked, found, tried)
    preset = _preset_text(asked, found, tuner, tried)
    failed = None if preset is None else _written(asked, preset)
    done = _finish(asked, found, tuner, tried, is_there=preset is not None and failed is None)
    if failed is not None:
        done = structs.replace(done, unwritten=True)
    text = report.tuning_json(done) if asked.json else report.summary_text(done, symbols)
    deliver_to_stdout(text)
    if failed is not None:
        if preset is not None and not asked.json:
            deliver_to_stdout(preset)
        raise failed
    return done.exit_status


def _record(asked: Asked) -> Record:
    """Raises UsageError, StoreFailed, CouncilFailed."""
    loaded, options = asked.loaded, asked.options
    if asked.replay is not None:
        return take(asked.replay, loaded, options, asked.store)
    if asked.dry_run and not Session(loaded, options, sparing(os.environ)).casting.is_free:
        raise UsageError(
            "what would be tried depends on a run, and a run of this council asks models",
            hint="--replay RUN takes one that is kept, --simulate costs nothing",
        )
    storing = storing_for(asked.base.settings, wanted=None, file=asked.store)
    return record(loaded, options, storing, quiet=asked.quiet)


def _tuner(asked: Asked, found: Record) -> Tuner:
    """Raises KonsehoError where the record cannot be replayed."""
    spec = asked.loaded.spec
    end_s = time.monotonic() + asked.max_s

    def is_over() -> bool:
        return time.monotonic() > end_s

    trials = Replays(
        asked.loaded, found.options, found.cassette, sparing(os.environ), is_over=is_over
    )  # fmt: skip
    presets = {name: load_preset(file).settings for name, file in presets_beside().items()}
    scope = Scope(spec=spec, kinds=asked.kinds, presets=presets, aliases=_aliases(spec))
    wanted = Wanted(
        scope=scope, gate=asked.gate, council=_digest_of(asked, found),
        learnt={} if asked.again else _learnt(asked),
        is_over=is_over,
    )  # fmt: skip
    return Tuner(trials, Setup(settings=asked.base.settings), wanted)


def _digest_of(asked: Asked, found: Record) -> str:
    options = found.options
    return digest_of(asked.loaded, found.models, options.task, options.inputs)


def _aliases(spec: CouncilSpec) -> dict[str, str]:
    """By name in the council's `models`, the model behind it."""
    found = {}
    for alias in spec.models:
        name = alias
        while name in spec.models:
            name = spec.models[name].use
        provider, model = parse_model_name(name)
        found[alias] = f"{provider}:{model}" if model else provider
    return found


def _learnt(asked: Asked) -> dict[str, Learning]:
    async def read(store: Store) -> dict[str, Learning]:
        known = [learning_of(note) for note in await store.notes(KIND)]
        return {each.name: each for each in known if each is not None}

    return with_store(asked.store, read)


def _remember(asked: Asked, found: Record, tried: Sequence[Tried]) -> None:
    """Keep what was learnt of each change that was tried. Raises StoreFailed."""
    council, file = _digest_of(asked, found), asked.loaded.file
    learnings = [
        Learning(
            name=name_of(council, each.beside, each.change), made=RealClock.wall(),
            council=asked.loaded.spec.name, file="" if file is None else str(file.absolute()),
            kind=each.change.kind, change=each.change.text, verdict=each.ruling.verdict,
            why=each.ruling.why, measure=each.measure, before_s=each.before_s,
            after_s=each.after_s, low=each.low, high=each.high, gate=asked.gate,
            models=found.models, version=__version__, machine=Machine.here(),
            same_answers=each.same_answers,
        )
        for each in tried if each.ruling.verdict != "skipped"
    ]  # fmt: skip

    async def write(store: Store) -> None:
        for learning in learnings:
            await store.note(learning.note)

    if learnings:
        with_store(asked.store, write)


def _preset_text(asked: Asked, found: Record, tuner: Tuner, tried: Sequence[Tried]) -> str | None:
    """None: nothing was kept that a preset can hold."""
    settings = tuner.setup.settings
    if settings == asked.base.settings:
        return None
    origin = Origin(
        council=asked.loaded.spec.name, record=found.name,
        date=local(RealClock.wall()).partition(" ")[0], version=__version__,
    )  # fmt: skip
    return preset_text(settings, asked.base, [each for each in tried if each.kept], origin)


def _finish(
    asked: Asked, found: Record, tuner: Tuner, tried: Sequence[Tried], *, is_there: bool
) -> report.Tuning:
    """`is_there`: whether the preset was written."""
    return report.Tuning(
        council=asked.loaded.spec.name, record=found.name, gate=asked.gate, tried=tuple(tried),
        before_s=tuner.baseline.duration_s, after_s=tuner.now.duration_s, settings=plain(tuner.setup.settings),
        out_of_time=tuner.out_of_time, preset=asked.preset if is_there else None, use=_use(asked),
        suggestion=_suggestion(asked, tuner),
    )  # fmt: skip


def _suggestion(asked: Asked, tuner: Tuner) -> Suggestion | None:
    file, edits = asked.loaded.file, tuner.setup.edits
    if not edits or file is None:
        return None
    return suggest(read_source(file), file.name, asked.loaded.spec, edits)


def _use(asked: Asked) -> str:
    """The command; a preset beside the council goes by its name."""
    beside = presets_beside(asked.loaded.file).get(asked.preset.stem)
    is_beside = beside is not None and beside.resolve() == asked.preset.resolve()
    preset = asked.preset.stem if is_beside else shown_path(asked.preset)
    return f"konseho run {shlex.quote(asked.name)} --preset {shlex.quote(preset)}"


def _written(asked: Asked, text: str) -> KonsehoError | None:
    """What was in the way of it; None: nothing."""
    file = asked.preset
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text)
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        instead = "`settings` holds what it would say" if asked.json else "it was printed instead"
        return KonsehoError(f"{file} could not be written: {why}", hint=instead)
    return None


def _check_place(asked: Asked) -> None:
    """Before anything is measured. Raises UsageError."""
    file = asked.preset
    try:
        folder = next(each for each in file.absolute().parents if each.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            raise UsageError(
                f"{shown_path(file)}: nothing can be written in {folder}",
                hint="--output FILE writes elsewhere",
            )
        if file.is_dir():
            raise UsageError(f"{shown_path(file)} is a folder")
        if file.exists() and not asked.force:
            raise UsageError(
                f"{shown_path(file)} is there already",
                hint="--force writes over it, --output FILE writes elsewhere",
            )
    except (OSError, ValueError) as error:
        raise UsageError(f"--output {str(file)[:80]}: {error}") from None


def _head(asked: Asked, tuner: Tuner, found: Record, symbols: Symbols) -> str:
    head = report.head_text(
        asked.loaded.spec.name, found.name, tuner.baseline.duration_s, asked.gate, symbols
    )
    return f"{head}\n{report.left_text(found.left)}" if found.left else head


def _say(asked: Asked, text: str) -> None:
    if not (asked.quiet or asked.json):
        deliver_to_stdout(text)


def read_gate(text: str | None) -> float:
    """`20%` or `0.2`: a share of more than nothing and less than all; None: what is stated.

    Raises UsageError.
    """
    if text is None:
        return float(load_stated()["improvement"].limit)
    plain_text = text.strip()
    try:
        share = float(plain_text.removesuffix("%"))
    except ValueError:
        share = -1.0
    if plain_text.endswith("%"):
        share /= 100
    if not 0 < share < 1:
        raise UsageError(f"--gate {text}: expected a share such as 20% or 0.2")
    return share


def read_kinds(text: str | None) -> tuple[Kind, ...]:
    """`concurrency,quorum`. Raises UsageError."""
    if text is None:
        return KINDS
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in KINDS:
            hint = did_you_mean(word, KINDS) or f"known: {', '.join(KINDS)}"
            raise UsageError(f"--only {word}: nothing of that kind can be tried", hint=hint)
    if not words:
        raise UsageError("--only: name a kind", hint=f"known: {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in words)


def read_max_time(text: str) -> float:
    """Seconds. Raises UsageError."""
    seconds = read_seconds("--max-time", text)
    if seconds <= 0:
        raise UsageError(f"--max-time {text}: to try things takes some time")
    return seconds
