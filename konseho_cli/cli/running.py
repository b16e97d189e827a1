"""What `konseho run` does once everything is checked: run, tell, deliver, decide the status."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from msgspec import structs

from konseho_cli.cli.people import People
from konseho_cli.cli.printing import symbols, wrapped_at
from konseho_cli.cli.result import Destination, deliver_to_stdout, write_to_stdout
from konseho_cli.cli.streams import is_terminal, mutter, tell
from konseho_cli.cli.watching import Screen, conduct, screen_for
from konseho_cli.core.errors import KonsehoError, StoreFailed
from konseho_cli.engine.executor import out_of_time
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.refusing import may_execute
from konseho_cli.profiling.verdicts import verdicts
from konseho_cli.report.answer import answer_text
from konseho_cli.report.exit_status import exit_status
from konseho_cli.report.frame import Line
from konseho_cli.report.leftovers import leftovers
from konseho_cli.report.streaming import AnswerStream, streamable_step
from konseho_cli.report.summary import summary
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import harmless
from konseho_cli.session import Session


def dry_run(session: Session, *, as_json: bool, allow_exec: bool) -> None:
    """The plan of a run that is not made; `allow_exec`: whether the run would be let execute."""
    from konseho_cli.report.plan import Shown, plan_json, plan_text  # a run draws no plan

    spec = structs.replace(session.spec, targets=session.targets)
    shown = Shown.of(spec, session.plan, session.casting)
    deliver_to_stdout(plan_json(shown) if as_json else plan_text(shown, symbols(), wrapped_at()))
    executes = any(step.programs() for _, step in session.loaded.every_step())
    if executes and not (allow_exec or may_execute(os.environ)):
        mutter("konseho: this council executes programs: its run needs --allow-exec\n")


class Carried(NamedTuple):
    """A run that is over and told."""

    status: int
    outcome: RunOutcome
    stopped_by: signal.Signals | None


def run_and_report(
    session: Session, destination: Destination, people: People, *, quiet: bool
) -> int:
    """Run, and say what came of it: summary, remarks, and the answer last. The exit status."""
    return carry_out(session, destination, people, quiet=quiet).status


def carry_out(
    session: Session,
    destination: Destination,
    people: People,
    *,
    quiet: bool,
    remarks: Callable[[RunOutcome, Symbols], tuple[Line, ...]] = lambda outcome, symbols: (),
    runner: asyncio.Runner | None = None,
) -> Carried:
    """The same, and all of what came of it; `remarks` are told below the summary.

    `runner`: whose loop several runs share.
    """
    screen = screen_for(session, quiet=quiet)
    people.watch(screen)
    stream = _stream(session, screen) if destination.stream else None
    outcome = conduct(session, screen, stream, runner)
    held = verdicts(outcome, session.targets)
    status = exit_status(outcome, held, strict=session.options.strict)
    if screen.stopped_by is not None:
        status = 128 + screen.stopped_by
    if session.kept_otherwise(status):
        with suppress(StoreFailed):  # what decides it is told all the same
            asyncio.run(session.amend(status))
    text = destination.render(outcome, held, status)
    if stream is not None and outcome.answer is not None:
        status = _finish_stream(stream, outcome) or status
        text = ""
    screen.say("")
    screen.show((*summary(outcome, held, screen.symbols), *remarks(outcome, screen.symbols)))
    for warning in people.warnings:
        screen.say(f"  warning: {warning}")
    _explain(outcome, screen, session)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from konseho_cli.cli.github import tell_github  # only a workflow loads it

        tell_github(outcome, held, os.environ, council=session.loaded.file)
    if text and destination.file is None and is_terminal(sys.stdout):
        screen.say("")
    try:
        destination.deliver(text)
    except KonsehoError as error:
        tell(error)
        status = status or error.exit_code
        return Carried(status, outcome, screen.stopped_by)
    if destination.file is not None:
        screen.say(f"{'wrote' if text else 'nothing to write to'} {destination.file}")
    return Carried(status, outcome, screen.stopped_by)


def _stream(session: Session, screen: Screen) -> AnswerStream | None:
    """The answer's stream; None, with the reason on stderr, where it has no single text."""
    step = streamable_step(session.spec, session.plan)
    if step is None:
        screen.say("--stream: the answer is not the text of one ask or chair step: it comes whole")
        return None
    onto_terminal = is_terminal(sys.stdout)

    def make_way() -> None:
        if screen.live and onto_terminal:
            screen.live.finish(ended_only=True)

    return AnswerStream(step, write_to_stdout, for_terminal=onto_terminal, before_first=make_way)


def _finish_stream(stream: AnswerStream, outcome: RunOutcome) -> int:
    """End the streamed answer; the status where it could not be written, else 0."""
    try:
        stream.finish(answer_text(outcome.answer))
    except KonsehoError as error:
        tell(error)
        return error.exit_code
    return 0


def _explain(outcome: RunOutcome, screen: Screen, session: Session) -> None:
    """Why there is no answer, and what was finished all the same."""
    if outcome.error is None:
        return
    left = leftovers(outcome)
    if left and not screen.quiet:
        mutter(f"\nFinished before that:\n\n{harmless(left)}\n\n")
    tell(KonsehoError(outcome.error, hint=outcome.hint))
    if session.is_kept and outcome.calls:
        again = f"konseho resume {outcome.run}"
        if session.options.allow_exec:
            again += " --allow-exec"
        timeout_s = session.options.timeout_s
        if timeout_s is not None and outcome.error == out_of_time(timeout_s):
            again += " --timeout DURATION"
        elif outcome.status == "limit":  # as it is, it would be reached again at once
            again = f"raise the limit, then {again} --force"
        screen.say(f"What is finished is kept: {again}")
