"""`--answers FILE`: what people answer, by step, `step/agent` or agent; a list is used up in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from konseho_cli.core.errors import (
    InvalidCouncil,
    InvalidReply,
    ModelRefused,
    NoAnswer,
    UsageError,
)
from konseho_cli.core.source import shown_path
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.models.base import JSON, place_of
from konseho_cli.models.person import Question, fitting
from konseho_cli.spec.load import read_yaml
from konseho_cli.steps.base import Base, speaker_ids
from konseho_cli.steps.human import Human

_WHOLE = frozenset({"ask", "parallel", "chair", "human"})
"""Kinds whose every answer has the shape of the step's `output`."""


class Answers:
    """A file's answers: a value answers every time, a list of answers each of them once."""

    def __init__(self, name: str, given: Mapping[str, JSON]) -> None:
        self._name = name
        self._given = dict(given)
        self._taken = dict.fromkeys(given, 0)
        """How many of each key's answers were used."""
        self._whole: set[str] = set()
        """Keys whose list is one answer."""

    def check(self, steps: Mapping[str, Base]) -> None:
        """Against the steps by their places, as far as it is known what is asked. Raises UsageError."""
        wrong = list(_wrong(self._name, self._given, steps))
        if wrong:
            raise UsageError("\n".join(wrong))

    def attends(self, place: str, agent: str) -> bool:
        """Whether there is any answer for an agent of a step, in whichever iteration."""
        wanted = _keys(place, agent)
        return any(place_of(key) in wanted for key in self._given)

    def has(self, step: str, agent: str) -> bool:
        """Whether there is an answer left for now."""
        return any(self._left(key) for key in _keys(step, agent))

    def take(self, question: Question) -> JSON:
        """The next answer. Raises NoAnswer where there is none, ModelRefused for one that misfits."""
        for key in _keys(question.step, question.agent):
            if self._left(key):
                return self._next(key, question)
        raise NoAnswer(f"{self._name} has no answer for {question.who}")

    @property
    def unused(self) -> tuple[str, ...]:
        """What to say of answers that nobody asked for."""
        return tuple(self._unused())

    def _unused(self) -> Iterator[str]:
        for key, taken in self._taken.items():
            given = self._given[key]
            if not taken:
                yield f"{self._name}: nobody asked for '{key}'"
            elif isinstance(given, list) and 0 < taken < len(given):
                yield f"{self._name}: {len(given) - taken} of the answers of '{key}' were not used"

    def _left(self, key: str) -> bool:
        if key not in self._given:
            return False
        given = self._given[key]
        one = key in self._whole or not isinstance(given, list)
        return one or self._taken[key] < len(given)

    def _next(self, key: str, question: Question) -> JSON:
        given, taken = self._given[key], self._taken[key]
        value = given
        if not isinstance(given, list):
            self._taken[key] = 1
        elif key in self._whole or (not taken and _fits(question.schema, given)):
            self._whole.add(key)
            self._taken[key] = len(given)
        else:
            self._taken[key], value = taken + 1, given[taken]
        if value is None:
            raise NoAnswer(f"{self._name} gives no answer for {question.who}")
        try:
            fitting(question.schema, value)
        except InvalidReply as error:
            raise ModelRefused(f"{self._name}: '{key}': {_told(error)}") from None
        return value


def read_answers(file: Path) -> Answers:
    """A file's answers. Raises UsageError, InvalidCouncil."""
    parsed = read_yaml(file, begin="STEP: ANSWER")
    if parsed.problems:
        raise InvalidCouncil(parsed.problems)
    name, given = shown_path(file), parsed.value
    if not isinstance(given, dict):
        raise UsageError(f"{name}: a file of answers is a mapping, as in `approve: yes`")
    return Answers(name, given)


def _wrong(name: str, given: Mapping[str, Any], steps: Mapping[str, Base]) -> Iterator[str]:
    speakers = {step: speaker_ids(each) for step, each in steps.items()}
    known = {key for step, agents in speakers.items() for a in agents for key in _keys(step, a)}
    for key, value in given.items():
        if place_of(key) not in known:
            near = did_you_mean(key, known) or f"known: {', '.join(sorted(known))}"
            yield f"{name}: '{key}' is no step, step/agent or agent ({near})"
            continue
        step = steps.get(place_of(key.partition("/")[0]))
        if step is not None and value is not None and (misfit := _misfit(step, value)):
            yield f"{name}: '{key}': {misfit}"


def _keys(step: str, agent: str) -> tuple[str, ...]:
    """What an answer may stand under, the narrowest first.

    In a loop that is `polish.2.approve`, one iteration, before `polish.approve`, all of them.
    """
    place = place_of(step)
    keys = (f"{step}/{agent}", step, f"{place}/{agent}", place, agent)
    return tuple(dict.fromkeys(keys))


def _misfit(step: Base, value: JSON) -> str:
    """What is wrong with a step's answer, as far as its shape is known before the run."""
    schema = step.schema
    if step.kind not in _WHOLE:
        return ""
    if isinstance(step, Human) and step.choices is not None:
        if not isinstance(step.choices, tuple) or any("{{" in each for each in step.choices):
            return ""
        schema = {"type": "string", "enum": list(step.choices)}
    if _fits(schema, value):
        return ""
    for each in value if isinstance(value, list) else [value]:
        try:
            if each is not None:
                fitting(schema, each)
        except InvalidReply as error:
            return _told(error)
    return ""


def _fits(schema: Mapping[str, JSON] | None, value: JSON) -> bool:
    try:
        fitting(schema, value)
    except InvalidReply:
        return False
    return True


def _told(error: InvalidReply) -> str:
    return str(error).replace("the document: ", "")
