"""From a file, or a document made in Python, to a council whose every rule holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from konseho_cli.core import marks as places
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import InvalidCouncil, Problem, UsageError
from konseho_cli.core.marks import Marks
from konseho_cli.core.source import read_source, refusal, shown_path
from konseho_cli.core.units import Duration, Money, Share
from konseho_cli.core.yaml_events import Parsed, parse_yaml
from konseho_cli.spec.agent_files import council_file
from konseho_cli.spec.check import checked, converted
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.draft import Draft
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.problems import Problems, by_line, loop_text
from konseho_cli.spec.rules import apply_rules
from konseho_cli.steps.blocks import every_step
from konseho_cli.steps.nested import Nested

MAX_COUNCILS = 100
"""Councils inside of one, in all."""
MAX_CHAIN = 8
"""Councils inside of each other."""


class Within:
    """The files of the councils around one that is read, and how many were read in all."""

    def __init__(self, chain: tuple[Path, ...], read: list[int] | None = None) -> None:
        self.chain = chain
        self.read = [0] if read is None else read

    def inside(self, file: Path | None) -> Within:
        """For a council inside; `file` None: it stands in the document."""
        return Within((*self.chain, file or Path(f"#{len(self.chain)}")), self.read)


@cache
def resolve_types() -> None:
    """What a process does once, whatever council comes first: that is start-up, and no council's."""
    least = {"konseho": 1, "name": "least", "steps": [{"kind": "ask", "agent": "one"}]}
    converted(least, CouncilSpec)


def load_council(path: Path) -> Loaded:
    """Read and check a council file. Raises InvalidCouncil with every mistake in it."""
    resolve_types()
    began = RealClock.now()
    parsed = read_yaml(path, begin="konseho: 1")
    return _check(
        parsed.value, Problems(parsed.marks, shown_path(path)), parsed.problems,
        path=path, folder=path.resolve().parent, quick=parsed.finite, began=began,
        within=Within((path.resolve(),)),
    )  # fmt: skip


def read_yaml(path: Path, *, begin: str) -> Parsed:
    """A file's document; `begin`: how one of its kind begins. Raises InvalidCouncil."""
    parsed = parse_yaml(read_source(path), file=shown_path(path))
    if not parsed.complete:
        raise InvalidCouncil(by_line(parsed.problems))
    if parsed.value is None and not parsed.problems:
        raise refusal(path, "the file is empty", hint=f"begin with `{begin}`")
    return parsed


def check_document(
    value: object, *, marks: Marks | None = None, file: str = "", folder: Path | None = None
) -> Loaded:
    """Check a document of built-in values. Raises InvalidCouncil.

    Agents' files are relative to `folder`, by default the current one.
    """
    resolve_types()
    return _check(
        value, Problems(marks, file), (), path=None, folder=folder or Path.cwd(), quick=False,
        began=RealClock.now(), within=Within(()),
    )  # fmt: skip


def to_document(**fields: Any) -> dict[str, Any]:
    """The document of keys and values made in Python, steps and agents as structs included.

    It takes the same walk as a file. Raises UsageError for what no file could hold.
    """
    try:
        document: dict[str, Any] = msgspec.to_builtins(fields, enc_hook=_builtin)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"this is no council: {error}") from error
    return document


def _builtin(value: Any) -> Any:
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, Duration | Share):
        return float(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"a {type(value).__name__} cannot be written in a council")


def _check(
    value: Any,
    problems: Problems,
    found: Sequence[Problem],
    *,
    path: Path | None,
    folder: Path,
    quick: bool,
    began: int,
    within: Within,
) -> Loaded:
    problems.errors.extend(found)
    if not isinstance(value, dict):
        problems.error((), "a council is a mapping of keys", hint="begin with `konseho: 1`")
        problems.raise_any()
    spec = checked(value, CouncilSpec, problems, quick=quick)
    if spec is None:
        problems.raise_any()
        raise AssertionError("a document that does not convert has a mistake")
    draft = Draft(
        spec=spec,
        raw=value,
        problems=problems,
        folder=folder,
        broken=frozenset(problems.wrong_steps),
        document_of=council_document,
    )
    draft.read = lambda step, place: _nested(draft, step, place, within)
    apply_rules(draft)
    problems.raise_any()
    return Loaded(
        spec=draft.finished(),
        steps=MappingProxyType({step.id: step for step in draft.steps}),
        warnings=tuple(by_line(problems.warnings)),
        file=path,
        councils=_by_place(draft),
        took_s=(RealClock.now() - began) / 1e9,
    )


def council_document(spec: CouncilSpec) -> dict[str, Any]:
    """A loaded council as built-in values: equal documents are equal councils."""
    return to_document(**{name: getattr(spec, name) for name in spec.__struct_fields__})


def _by_place(draft: Draft) -> Mapping[str, Loaded]:
    if not draft.councils:
        return {}
    places = zip(draft.placed(), every_step(draft.steps), strict=True)
    return {name: draft.councils[at] for (at, _), (name, _) in places if at in draft.councils}


def _nested(draft: Draft, step: Nested, place: places.Path, within: Within) -> Loaded | None:
    """The council of a step; None, with the mistakes reported, where it has some."""
    field = (*place, "file" if step.file is not None else "council")
    within.read[0] += 1
    if len(within.chain) >= MAX_CHAIN or within.read[0] > MAX_COUNCILS:
        bound = f"{MAX_COUNCILS} councils in all" if within.read[0] > MAX_COUNCILS else (
            f"{MAX_CHAIN} councils inside of each other"
        )  # fmt: skip
        draft.problems.error(field, f"more than {bound} are not possible")
        return None
    try:
        if step.file is None:
            return _check(
                step.council, draft.problems.inside(field), (), path=None, folder=draft.folder,
                quick=False, began=RealClock.now(), within=within.inside(None),
            )  # fmt: skip
        file = council_file(draft, step.file, field)
        if file is None:
            return None
        if file in within.chain:
            chain = (*within.chain[within.chain.index(file) :], file)
            loop = loop_text([each.name for each in chain])
            draft.problems.error(field, f"these councils hold each other: {loop}")
            return None
        parsed = read_yaml(file, begin="konseho: 1")
        found = _check(
            parsed.value, Problems(parsed.marks, shown_path(file)), parsed.problems, path=file,
            folder=file.parent, quick=parsed.finite, began=RealClock.now(),
            within=within.inside(file),
        )  # fmt: skip
        draft.problems.warnings.extend(found.warnings)
        return found
    except InvalidCouncil as error:
        draft.problems.errors.extend(error.problems)
        draft.problems.wrong_steps.add(place)
        return None
