"""An outcome as Markdown: the answer first, then how the council came to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from konseho_cli.core.units import show_count, show_duration, show_money
from konseho_cli.engine.outcome import RunOutcome, StepOutcome, total_cost, total_usage
from konseho_cli.engine.within import by_step, within
from konseho_cli.models.base import place_of
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.answer import answer_text
from konseho_cli.report.subtree import MOST_INSIDE
from konseho_cli.report.summary import counted, measure, reasons, stops
from konseho_cli.report.text import encodable, one_line

_INDENT = "&emsp;"


def outcome_markdown(outcome: RunOutcome, verdicts: Sequence[Verdict]) -> str:
    """The whole outcome; ends with a newline."""
    blocks = [
        f"# {inline(outcome.council)}",
        status_markdown(outcome),
        *path_markdown(outcome),
        *_remarks(outcome, verdicts),
        "## Answer",
        _answer(outcome.answer),
        "## Steps",
        _table(outcome),
        *(block for step in outcome.steps for block in step_markdown(step)),
    ]
    return encodable("\n\n".join(block for block in blocks if block) + "\n")


def summary_markdown(outcome: RunOutcome, verdicts: Sequence[Verdict]) -> str:
    """How it went, without a word of what was said; ends with a newline."""
    blocks = [
        f"# {inline(outcome.council)}",
        status_markdown(outcome),
        *_remarks(outcome, verdicts),
        _table(outcome),
    ]
    return encodable("\n\n".join(block for block in blocks if block) + "\n")


def status_markdown(outcome: RunOutcome) -> str:
    """How it ended, with its figures."""
    cost = outcome.cost
    figures = [
        f"**{outcome.status}** in {show_duration(outcome.duration_s)}",
        *counted(outcome),
        f"{show_count(outcome.usage.total)} tokens",
        *([show_money(cost)] if cost else []),
        f"models: {', '.join(f'`{model}`' for model in outcome.models) or 'none'}",
    ]
    lines = [" · ".join(figures)]
    if outcome.simulated:
        lines.append("**Simulated: no model was asked, so the answer means nothing.**")
    return "\n\n".join(lines)


def path_markdown(outcome: RunOutcome) -> Iterator[str]:
    """The headline of its critical path, where there is one; items that models wrote are in it."""
    path = " → ".join(stops(outcome))
    if path:
        yield f"Critical path: {inline(path)}"


def _remarks(outcome: RunOutcome, verdicts: Sequence[Verdict]) -> Iterator[str]:
    found = [f"- {inline(reason)}" for reason in reasons(outcome)]
    found += [f"- warning: {inline(warning)}" for warning in outcome.warnings]
    if outcome.error is not None:
        found.append(f"- {inline(outcome.error)}")
    if outcome.gate is not None:
        found.append(f"- gate: {str(outcome.gate).lower()}")
    for verdict in verdicts:
        found.append(f"- {measure(verdict)}: {held(verdict)}")
    if found:
        yield "\n".join(found)


def held(verdict: Verdict) -> str:
    """Whether a target holds; one that is measured elsewhere is neither met nor missed."""
    return verdict.elsewhere or ("met" if verdict.met else "**missed**")


def _answer(answer: Any) -> str:
    if answer is None:
        return "There is none."
    text = answer_text(answer)
    return text if isinstance(answer, str) else _code(text, "json")


def _table(outcome: RunOutcome) -> str:
    rows = []
    by_address = by_step(outcome.calls)
    for step in _some_steps(outcome):
        calls = by_address.get(step.id, ())
        cost = total_cost(calls)
        rows.append(
            (
                f"{_INDENT * place_of(step.id).count('.')}{step.id}",
                step.kind,
                step.status,
                _took(step),
                str(len(calls)),
                show_count(total_usage(calls).total),
                show_money(cost) if cost is not None else "",
            )
        )
    return table(("step", "kind", "status", "time>", "calls>", "tokens>", "cost>"), rows)


def _some_steps(outcome: RunOutcome) -> Iterator[StepOutcome]:
    """All; of one that holds very many, without those."""
    for step in outcome.steps:
        yield step
        inside = list(within(step))
        yield from inside if len(inside) <= MOST_INSIDE else ()


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a head that ends with `>` has figures below it. Cells are Markdown."""
    names = [head.removesuffix(">") for head in heads]
    lines = ["---:" if head.endswith(">") else "---" for head in heads]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (names, lines, *rows))


def _took(step: StepOutcome) -> str:
    if step.start is None or step.end is None:
        return ""
    return show_duration((step.end - step.start) / 1e9)


def step_markdown(step: StepOutcome) -> Iterator[str]:
    """What was said, quoted, so that headings in it are not ours."""
    if not step.parts and not step.details:
        return
    yield f"### {step.id}"
    for part in step.parts:
        yield f"**{inline(part.label)}**"
        yield _quote(part.text)
    yield from _details(step.details)


def _details(details: Mapping[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        text = json.dumps(value, ensure_ascii=False, indent=2)
        yield f"<details><summary>{name}</summary>\n\n{_code(text, 'json')}\n\n</details>"


def _code(text: str, language: str) -> str:
    """A fence longer than any run of backticks in the text."""
    longest = max((len(run) for run in _backticks(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _backticks(text: str) -> Iterator[str]:
    run = ""
    for char in f"{text} ":
        if char == "`":
            run += char
        elif run:
            yield run
            run = ""


def _quote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines()) or ">"


def inline(text: str) -> str:
    """One line that Markdown takes as text."""
    return one_line(text).replace("|", "\\|").replace("<", "&lt;")
