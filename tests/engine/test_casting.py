"""Who is answered for by which model, and what was asked for in vain."""

from __future__ import annotations

import pytest

from konseho_cli.agents.definition import Agent
from konseho_cli.core.errors import UsageError
from konseho_cli.engine.casting import Casting, Wishes, cast_models
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.steps.parallel import Parallel

VAIN = "model openai:x answers for nobody: each agent names a model of its own"


def cast(*models: str | None, **wishes: str | bool) -> Casting:
    """Agents with these models, under such wishes."""
    agents = {f"a{at}": Agent(model=model) for at, model in enumerate(models)}
    step = Parallel(agents=tuple(agents))
    spec = CouncilSpec(konseho=1, name="c", steps=(step,), agents=agents)
    return cast_models(spec, {"p": step}, Wishes(**wishes), {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("models", "warnings"),
    [
        (("sim", "sim:fast"), (VAIN,)),
        (("sim", "human"), (VAIN,)),
        (("sim", None), ()),
        (("human",), ()),
    ],
)
def test_a_model_that_answers_for_nobody_is_told(
    models: tuple[str | None, ...], warnings: tuple[str, ...]
) -> None:
    assert cast(*models, model="openai:x").warnings == warnings


def test_a_word_that_is_no_model_is_refused_though_nobody_is_answered_for_by_it() -> None:
    with pytest.raises(UsageError, match="'foo' names no provider"):
        cast("sim", model="foo")


def test_the_simulator_that_answers_everything_leaves_nothing_to_tell() -> None:
    assert cast("openai:y", model="openai:x", simulate=True).warnings == ()
