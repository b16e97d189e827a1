"""Fields that are a template, or a list that may hold some."""

from __future__ import annotations

from collections.abc import Sequence

from konseho_cli.steps.base import JSON, StepContext, Template


def is_fixed(value: object) -> bool:
    """Whether a field that is to give a list is a text that computes nothing."""
    return isinstance(value, str) and "{{" not in value and "{%" not in value


def evaluate_field(ctx: StepContext, value: Template | Sequence[JSON]) -> JSON:
    """A field that is a template, or a list in which text may be one."""
    if isinstance(value, str):
        return ctx.evaluate(value)
    return [ctx.evaluate(item) if isinstance(item, str) else item for item in value]
