from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from konseho_cli.core.virtual import run_virtual
from konseho_cli.steps.base import Base
from konseho_cli.steps.results import StepResult
from konseho_cli.steps.scripted import Script, Scripted, perform

Confer = Callable[..., tuple[StepResult, Scripted]]


@pytest.fixture
def context() -> Callable[..., Scripted]:
    """A scripted context, from a function or from agent → answer."""

    def make(script: Script | Mapping[str, Any], **given: Any) -> Scripted:
        if isinstance(script, Mapping):
            answers = script
            return Scripted(script=lambda asked: answers[asked.agent], **given)
        return Scripted(script=script, **given)

    return make


@pytest.fixture
def confer(context: Callable[..., Scripted]) -> Confer:
    """Run a step in virtual time; gives its result and the context it ran in."""

    def run(
        step: Base, script: Script | Mapping[str, Any], **given: Any
    ) -> tuple[StepResult, Scripted]:
        ctx = context(script, **given)

        async def main(loop: object) -> StepResult:
            return await perform(step, ctx)

        return run_virtual(main), ctx

    return run
