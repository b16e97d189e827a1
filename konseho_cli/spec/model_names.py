"""Names of models: a key of `models`, or `provider:model`; aliases come to an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from konseho_cli.core import marks
from konseho_cli.core.errors import UsageError
from konseho_cli.core.graph import find_cycle
from konseho_cli.core.marks import quote
from konseho_cli.models.registry import is_claude_word, parse_model_name
from konseho_cli.spec.document import ModelSpec
from konseho_cli.spec.draft import Draft
from konseho_cli.spec.problems import loop_text

MAX_CHOICES = 100
"""Models that one name may stand for, fallbacks and their fallbacks counted."""


def check_models(draft: Draft) -> None:
    """Every name of a model can be followed to a provider."""
    models = draft.spec.models
    for path, name in _names(draft):
        if name not in models:
            _check_name(draft, path, name)
    for name, agent in draft.agents.items():
        model = agent.model
        if model is not None and model not in models and not is_claude_word(model):
            _check_name(draft, (*draft.places[name], "model"), model)
    loop = find_cycle({name: _next(model) for name, model in models.items()})
    if loop is not None:
        field = "use" if models[loop[0]].use == loop[1] else "fallback"
        what = f"these models stand for each other: {loop_text(loop)}"
        draft.problems.error(("models", loop[0], field), what)
    else:
        _check_choices(draft)


def _names(draft: Draft) -> Iterator[tuple[marks.Path, str]]:
    if draft.spec.model is not None:
        yield ("model",), draft.spec.model
    for name, model in draft.spec.models.items():
        yield ("models", name, "use"), model.use
        for index, other in enumerate(model.fallback):
            yield ("models", name, "fallback", index), other


def _check_name(draft: Draft, path: marks.Path, name: str) -> None:
    try:
        parse_model_name(name)
    except UsageError as error:
        message, near = _short(str(error)), None
        if ":" not in name:
            message = f"unknown model {quote(name)}: it is no key of `models`, nor provider:model"
            near = (name, draft.spec.models.keys())
        draft.problems.error(path, message, value=name, near=near, hint=error.hint)


def _short(message: str) -> str:
    return message if len(message) <= 200 else message[:199] + "…"


def _next(model: ModelSpec) -> tuple[str, ...]:
    return (model.use, *model.fallback)


def _check_choices(draft: Draft) -> None:
    """Fallbacks of fallbacks multiply: bound them before they are followed."""
    counts: dict[str, int] = {}
    for name in _inside_out(draft.spec.models):
        counts[name] = sum(counts.get(other, 1) for other in _next(draft.spec.models[name]))
        if counts[name] > MAX_CHOICES:
            what = f"it stands for more than {MAX_CHOICES} models, fallbacks of fallbacks counted"
            draft.problems.error(("models", name), what, key=True)
            return


def _inside_out(models: Mapping[str, ModelSpec]) -> Iterator[str]:
    """Every name after the names that it uses; there is no loop here."""
    done: set[str] = set()
    for start in models:
        stack = [start]
        while stack:
            name = stack[-1]
            rest = [each for each in _next(models[name]) if each in models and each not in done]
            if rest and name not in done:
                stack.extend(rest)
                continue
            stack.pop()
            if name not in done:
                done.add(name)
                yield name
