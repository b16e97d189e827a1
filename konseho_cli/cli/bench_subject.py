"""What is measured: Konseho itself, or a council with all that it is given; and what was before."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from msgspec import structs

from konseho_cli.bench.baseline import OURSELVES, Baseline, read_report, recall
from konseho_cli.bench.builds import Past, find_commit, unpack_commit
from konseho_cli.bench.probe import MEASURED
from konseho_cli.bench.probing import CouncilJob
from konseho_cli.cli.asking import read_models
from konseho_cli.cli.stored import find_replay, with_store
from konseho_cli.core.errors import InvalidCouncil, UsageError
from konseho_cli.engine.casting import Casting, Wishes, cast_models
from konseho_cli.models.registry import ModelChoice, sparing
from konseho_cli.spec.find import find_council
from konseho_cli.spec.inputs import read_inputs
from konseho_cli.spec.load import load_council
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.preset import find_preset, preset_under
from konseho_cli.spec.settings import Settings, said_over

if TYPE_CHECKING:
    from konseho_cli.models.cassette_file import Cassette


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is measured."""

    council: Path | None
    """None: Konseho's own targets."""
    loaded: Loaded | None = None
    task: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    wishes: Wishes
    preset: str | None
    replay: str | Cassette | None
    seed: int | None
    max_concurrency: int | None
    store: Path | None

    @classmethod
    def of(
        cls, council: str | None, *, task: str | None, inputs: Sequence[str],
        models: Sequence[str], simulate: bool, preset: str | None, replay: str | None,
        seed: int | None, max_concurrency: int | None, store: Path | None,
    ) -> Self:  # fmt: skip
        """From the options. Raises UsageError, InvalidCouncil."""
        _check_text("the task", task or "")
        for pair in inputs:
            _check_text(f"--input {pair.partition('=')[0]}", pair)
        file = None if council is None else find_council(council)
        loaded = None if file is None else load_council(file)
        given = (task, replay, seed, max_concurrency) != (None,) * 4 or inputs or models
        if loaded is None and (given or simulate):
            raise UsageError("this is about a council, and none is named")
        return cls(
            council=file, loaded=loaded, task=task,
            inputs={} if loaded is None else read_inputs(loaded.spec, inputs),
            wishes=read_models(models, simulate=simulate), preset=preset,
            replay=find_replay(replay, store, loaded), seed=seed, max_concurrency=max_concurrency,
            store=store,
        )  # fmt: skip

    @property
    def name(self) -> str:
        """The council's, or our own."""
        return OURSELVES if self.loaded is None else self.loaded.spec.name

    @property
    def hash(self) -> str:
        """Of the council and of all that changes what its runs come to; empty for ourselves."""
        return "" if self.loaded is None else self._hash_of(self.loaded, self.preset)

    @property
    def casting(self) -> Casting:
        """Who answers, where nobody is replayed. Raises UsageError."""
        assert self.loaded is not None
        return self._cast(self.loaded)

    def _cast(self, loaded: Loaded) -> Casting:
        return cast_models(
            loaded.spec, loaded.steps, self.wishes, sparing(os.environ), loaded.councils
        )

    @property
    def pays(self) -> bool:
        """Whether a model that is no simulator would be asked, if only as a fallback."""
        if self.loaded is None or self.replay is not None:
            return False
        return not self.casting.is_free

    @property
    def unmeasured(self) -> list[str]:
        """Targets that the council or the preset states, and that no figure of a bench is held to."""
        if self.loaded is None:
            return []
        preset = preset_under(Settings(), self.preset, self.council).targets
        stated = said_over(self.loaded.spec.targets, preset)
        return [
            name for name, limit in structs.asdict(stated).items()
            if limit is not None and name not in MEASURED
        ]  # fmt: skip

    def job(self, folder: Path) -> CouncilJob:
        """What a probe is told; `folder`: for what is recorded."""
        assert self.council is not None
        return CouncilJob(
            file=str(self.council.resolve()), task=self.task, inputs=self.inputs,
            model=self.wishes.model, models=self.wishes.models, simulate=self.wishes.simulate,
            preset=self.preset, replay=_cassette(self.replay, folder),
            record=str(folder / "asked.jsonl") if self.pays else None, seed=self.seed,
            max_concurrency=self.max_concurrency,
            store=None if self.store is None else str(self.store.absolute()),
        )  # fmt: skip

    def then(self, job: CouncilJob, past: Past) -> tuple[CouncilJob, bool]:
        """The same job with the council of then; whether that is the same council.

        Raises UsageError where its models were others, so that it could not replay this one's.
        """
        assert self.council is not None
        file, preset = past.file(self.council), self._preset_of(past)
        try:
            loaded = load_council(file)
            if self.pays:
                self._check_models(loaded, past)
            same = self._hash_of(loaded, preset) == self.hash
        except InvalidCouncil:
            same = False  # the build of then may read it
        return structs.replace(job, file=str(file), preset=preset, record=None), same

    def _preset_of(self, past: Past) -> str | None:
        """A file of the working tree as it was then; a name is looked up beside the older council."""
        if self.preset is None:
            return None
        path = Path(self.preset)
        is_file = find_preset(self.preset, self.council) == path
        if is_file and path.resolve().is_relative_to(past.root):
            return str(past.file(path))
        return self.preset

    def _check_models(self, loaded: Loaded, past: Past) -> None:
        now, then = self.casting.choices, self._cast(loaded).choices
        changed = [name for name in then if name in now and _asks(then[name]) != _asks(now[name])]
        if changed:
            raise UsageError(
                f"other models, or others of their settings, at {past.label}: {', '.join(changed)}",
                hint="--simulate compares both with simulated answers, and costs nothing",
            )

    def _hash_of(self, loaded: Loaded, preset: str | None) -> str:
        replay = self.replay
        origin = replay if replay is None or isinstance(replay, str) else replay.header.run
        under = preset_under(Settings(), preset, loaded.file)
        told = (
            loaded.spec, self.task, sorted(self.inputs.items()), self.wishes, under.settings,
            under.targets, self.seed, self.max_concurrency, origin, sparing(os.environ)["KONSEHO_MODEL"],
        )  # fmt: skip
        return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


def _check_text(what: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{what} is not UTF-8") from None


def _asks(choice: ModelChoice) -> tuple[object, ...]:
    """What of a choice is a part of each request; limits are not."""
    return (
        choice.names, choice.temperature, choice.top_p, choice.max_tokens, choice.stop, choice.seed,
    )  # fmt: skip


def find_before(subject: Subject, name: str | None) -> Past | Baseline | None:
    """What `--against` names: a baseline, a file that --json wrote, or a git ref, in this order.

    Raises UsageError.
    """
    if name is None:
        return None
    found = with_store(subject.store, lambda store: recall(store, subject.name, name))
    if found is not None:
        return found
    if Path(name).suffix == ".json" and Path(name).exists():
        report = read_report(Path(name))
        if report.subject != subject.name:
            raise UsageError(f"{name} is about {report.subject}, not about {subject.name}")
        return report
    folder = Path.cwd() if subject.council is None else subject.council.resolve().parent
    commit = find_commit(name, folder)
    if commit is None:
        raise UsageError(
            f"--against {name:.80}: there is no such baseline of {subject.name}, file or git ref",
            hint="konseho bench --history shows the baselines; --save NAME keeps one",
        )
    return unpack_commit(name, *commit, os.environ)


def _cassette(replay: str | Cassette | None, folder: Path) -> str | None:
    """The file of a cassette: that of a kept run is written for the probe to read."""
    if replay is None:
        return None
    if isinstance(replay, str):
        return str(Path(replay).resolve())
    from konseho_cli.models.cassette_file import CassetteWriter
    from konseho_cli.models.redact import Redactor

    file = folder / "replayed.jsonl"
    writer = CassetteWriter(file, replay.header, Redactor())
    for answer in replay.answers:
        writer.write(answer)
    writer.close()
    return str(file)
