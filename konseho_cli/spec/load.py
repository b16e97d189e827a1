"""From a file, or a document made in Python, to a council whose every rule holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import InvalidCouncil, Problem, UsageError
from konseho_cli.core.marks import Marks
from konseho_cli.core.source import read_source, refusal, shown_path
from konseho_cli.core.units import Duration, Money, Share
from konseho_cli.core.yaml_events import Parsed, parse_yaml
from konseho_cli.spec.check import checked
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.draft import Draft
from konseho_cli.spec.problems import Problems, by_line
from konseho_cli.spec.rules import apply_rules
from konseho_cli.steps.union import Step


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A council without mistakes."""

    spec: CouncilSpec
    """With every id filled in, agents read from their files, and only ids in the steps."""
    steps: Mapping[str, Step]
    """By id, in the order of the file."""
    warnings: tuple[Problem, ...]
    file: Path | None
    """None: the document was made in Python."""
    took_s: float = 0.0
    """Seconds that it took to read and check it."""


def load_council(path: Path) -> Loaded:
    """Read and check a council file. Raises InvalidCouncil with every mistake in it."""
    began = RealClock.now()
    parsed = read_yaml(path, begin="konseho: 1")
    return _check(
        parsed.value, Problems(parsed.marks, shown_path(path)), parsed.problems,
        path=path, folder=path.resolve().parent, quick=parsed.finite, began=began,
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
    return _check(
        value, Problems(marks, file), (), path=None, folder=folder or Path.cwd(), quick=False,
        began=RealClock.now(),
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
    )
    apply_rules(draft)
    problems.raise_any()
    return Loaded(
        spec=draft.finished(),
        steps=MappingProxyType({step.id: step for step in draft.steps}),
        warnings=tuple(by_line(problems.warnings)),
        file=path,
        took_s=(RealClock.now() - began) / 1e9,
    )
