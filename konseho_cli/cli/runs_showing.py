"""What `konseho runs` shows of single runs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from konseho_cli.cli.printing import symbols, width
from konseho_cli.cli.recalling import Recalled
from konseho_cli.cli.result import Destination, deliver_to_stdout
from konseho_cli.cli.streams import is_terminal, tell
from konseho_cli.cli.watching import Screen
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.engine.history import said_in
from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.engine.within import addresses, every_outcome
from konseho_cli.profiling.explaining.asked import asked_in
from konseho_cli.report.frame import Line, Painter, Piece, Size
from konseho_cli.report.past import past_view
from konseho_cli.report.runs import state_words
from konseho_cli.report.summary import summary
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import listed, one_line, plural
from konseho_cli.report.when import ago, local

TALLEST = 1000
"""Lines: what is over need not fit a screen."""


def show_run(kept: Recalled, *, json: bool, markdown: bool) -> None:
    """Steps and summary on stderr, the answer on stdout."""
    outcome, held = kept.outcome, kept.verdicts
    form = Destination.of(json=json, markdown=markdown, file=None, stream=False)
    text = form.render(outcome, held, kept.exit_status)
    if json or markdown:
        deliver_to_stdout(text)
        return
    screen = Screen(quiet=False)
    painter = Painter(screen.symbols)
    size = Size(width=shutil.get_terminal_size((100, 24)).columns, height=TALLEST)
    is_running = kept.state == "running"
    view = past_view(outcome, is_running=is_running)
    screen.show((_about(kept, screen.symbols), *painter.tree(view, outcome.end, size)))
    screen.say("")
    if is_running:
        screen.say(
            f"{screen.symbols.running} still running, {plural(len(outcome.calls), 'call')} so far"
        )
        return
    screen.show(summary(outcome, held, screen.symbols))
    if outcome.error is not None:
        tell(KonsehoError(outcome.error, hint=outcome.hint))
    if text and is_terminal(sys.stdout):
        screen.say("")
    form.deliver(text)


def _about(kept: Recalled, symbols: Symbols) -> Line:
    """Which run it was, and when."""
    row = kept.stored.row
    began = row.began
    parts = [f"{local(began.started)}, {ago(began.started, RealClock.wall())}"]
    if row.ended is None:
        parts.append(state_words(kept.state, symbols))
    if row.sessions > 1:
        parts.append(plural(row.sessions, "session"))
    if began.task:
        parts.append(one_line(began.task))
    return (Piece(f"{began.run}  ", "strong"), Piece(f"  {symbols.dot}  ".join(parts), "dim"))


def show_step(kept: Recalled, name: str, *, prompts: bool, json: bool, markdown: bool) -> None:
    """All that was said in one step. Raises UsageError where there is no such step."""
    from konseho_cli.report.step import asked_text, step_json, step_text

    outcome, step = kept.outcome, _step(kept, name)
    asked = asked_in([call for call in kept.stored.calls if step.id in addresses(call.step)])
    if json:
        text = step_json(outcome, step, asked if prompts else None)
    elif markdown:
        from konseho_cli.report.markdown import step_markdown

        text = "\n\n".join(step_markdown(step))
    elif prompts:
        text = asked_text(asked)
    else:
        text = step_text(outcome, step, symbols())
    deliver_to_stdout(text)


def _step(kept: Recalled, name: str) -> StepOutcome:
    steps = {step.id: step for step in every_outcome(kept.outcome, said_in(kept.stored))}
    if name not in steps:
        near = did_you_mean(name, steps) or f"its steps: {listed(tuple(steps), 20)}"
        raise UsageError(f"run {kept.outcome.run} has no step '{name:.40}'", hint=near)
    return steps[name]


def show_prompts(kept: Recalled, *, json: bool) -> None:
    """What every call was asked."""
    from konseho_cli.report.json import FORMAT, dump
    from konseho_cli.report.step import asked_documents, asked_text

    asked = asked_in(kept.stored.calls)
    if json:
        document = {"konseho": FORMAT, "run": kept.outcome.run, "prompts": asked_documents(asked)}
        deliver_to_stdout(dump(document))
    else:
        deliver_to_stdout(asked_text(asked))


def show_explanation(kept: Recalled, *, json: bool, markdown: bool) -> None:
    """Why the run came to its answer."""
    from konseho_cli.profiling.explaining.explanation import explain
    from konseho_cli.report.explain import explanation_json, explanation_text

    explanation = explain(kept.outcome, asked_in(kept.stored.calls), said_in(kept.stored))
    if json:
        deliver_to_stdout(explanation_json(explanation))
    elif markdown:
        from konseho_cli.report.explain_markdown import explanation_markdown

        deliver_to_stdout(explanation_markdown(explanation))
    else:
        deliver_to_stdout(explanation_text(explanation, symbols(), width()))


def show_difference(kept: Sequence[Recalled], *, json: bool) -> bool:
    """Two runs beside each other; whether their answers are the same."""
    from konseho_cli.engine.remembered import decode
    from konseho_cli.profiling.explaining.comparison import Kept, compare
    from konseho_cli.report.diff import comparison_json, comparison_text

    before, after = (
        Kept(
            outcome=one.outcome,
            began=decode(one.stored.row.began.document, one.outcome.run),
            said=said_in(one.stored),
        )
        for one in kept
    )
    comparison = compare(before, after)
    if json:
        deliver_to_stdout(comparison_json(comparison))
    else:
        now = RealClock.wall()
        deliver_to_stdout(comparison_text(comparison, symbols(), width(), now))
    return comparison.same_answer
