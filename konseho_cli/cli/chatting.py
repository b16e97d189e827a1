"""A conversation with a council: each turn a run, and what was said before is part of the next."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from konseho_cli.cli.people import People
from konseho_cli.cli.result import Destination
from konseho_cli.cli.running import Carried, carry_out
from konseho_cli.cli.streams import is_terminal, tell
from konseho_cli.context.conversation import INPUT, Turn, as_input, newest, task_after
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.signals import SIGNALS
from konseho_cli.core.units import show_count, show_money
from konseho_cli.engine.caching import new_memory
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.models.prices import Prices
from konseho_cli.models.stack import http_for
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.answer import answer_text
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.json import outcome_document
from konseho_cli.report.streaming import streamable_step
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import encodable, plural
from konseho_cli.session import Session
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.inputs import read_inputs
from konseho_cli.spec.loaded import Loaded
from konseho_cli.telemetry.events import TextArrived

HISTORY_TOKENS = 8000


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One turn that was had."""

    user: str
    answer: str
    """Empty where the run came to none."""
    run: str
    status: str
    calls: int
    tokens: int
    cost: Decimal | None
    """Dollars; None: unknown."""


class TurnDestination(Destination, frozen=True, kw_only=True):
    """The outcome of a turn as one line of JSON."""

    turn: int
    user: str

    def render(self, outcome: RunOutcome, verdicts: Sequence[Verdict], status: int) -> str:
        """The document of `konseho run --json`, with the turn in front."""
        document = outcome_document(outcome, verdicts, status)
        told = {"turn": self.turn, "user": self.user, **document}
        return encodable(json.dumps(told, ensure_ascii=False))


def takes_history(spec: CouncilSpec) -> bool:
    """Whether the council declares an input for what was said."""
    declared = spec.inputs.get(INPUT)
    return declared is not None and declared.type == "json"


def read_chat_inputs(spec: CouncilSpec, pairs: Sequence[str]) -> dict[str, Any]:
    """`--input` of a chat, whose own input begins empty. Raises UsageError."""
    names = {pair.partition("=")[0].strip() for pair in pairs}
    if any(pair.partition("=")[2] == "@-" for pair in pairs):
        raise UsageError("stdin is what is said: no input can be read from it")
    if INPUT in names and takes_history(spec):
        raise UsageError(f"the input '{INPUT}' is what was said before: a chat fills it in")
    own = [f"{INPUT}=[]"] if takes_history(spec) else []
    return read_inputs(spec, [*pairs, *own])


class Chat:
    """What was said, and how the next turn is run."""

    def __init__(
        self, loaded: Loaded, options: RunOptions, *, answers: Path | None, json: bool,
        quiet: bool, tokens: int,
    ) -> None:  # fmt: skip
        """`answers`: a file of what people answer, in each turn anew.

        `tokens`: the most that is told of earlier turns. Raises UsageError as a run would.
        """
        self.loaded = loaded
        self.options = options
        self.said: list[Said] = []
        self._begins = 0
        self.quiet = quiet
        self._answers = answers
        self._json, self._tokens = json, tokens
        self._memory = new_memory(options.caching.size, RealClock.now)
        self._runner = asyncio.Runner()
        self.first = self.check(options)
        """What a first turn would have: it says who answers, and is never run."""
        casting = self.first.casting
        self._http = http_for(
            casting.choices, wall=RealClock.wall,
            on_open=lambda: Prices().preload(casting.all_models),
        )  # fmt: skip

    def check(self, options: RunOptions) -> Session:
        """The session that a first turn would have. Raises UsageError."""
        said = structs.replace(options, task="Say something.")
        return Session(self.loaded, said, desk=People(self._answers, self.loaded))

    def close(self) -> None:
        """Close what the turns shared."""
        with self._runner as runner:
            runner.run(self._http.aclose())

    def forget(self) -> None:
        """Begin a new conversation: what was said is kept, and told to nobody any more."""
        self._begins = len(self.said)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What the council may be told of: turns that came to an answer."""
        said = self.said[self._begins :]
        return tuple(Turn(user=each.user, answer=each.answer) for each in said if each.answer)

    def take(self, text: str) -> Carried | None:
        """One turn; None where it could not begin, which is told then."""
        try:
            people = People(self._answers, self.loaded)
            session = Session(
                self.loaded,
                self._wanted(text),
                memory=lambda: self._memory,
                desk=people,
                http=self._http,
            )
            with _signals_restored(self._runner.get_loop()):
                carried = carry_out(
                    session, self._destination(session, text), people, quiet=self.quiet,
                    runner=self._runner,
                    remarks=lambda outcome, symbols: self._remarks(text, outcome, symbols),
                )  # fmt: skip
        except KonsehoError as error:
            tell(error)
            return None
        return carried

    @property
    def _told(self) -> Sequence[Turn]:
        """The newest turns, as many as there is room for."""
        return newest(self.turns, TokenEstimator().chars("", self._tokens))

    def _wanted(self, text: str) -> RunOptions:
        told = self._told
        if takes_history(self.loaded.spec):
            inputs = {**self.options.inputs, INPUT: as_input(told)}
            return structs.replace(self.options, task=text, inputs=inputs)
        task = task_after(told, text, left_out=len(self.turns) - len(told))
        return structs.replace(self.options, task=task)

    def _destination(self, session: Session, text: str) -> Destination:
        if self._json:
            return TurnDestination(form="json", turn=len(self.said) + 1, user=text)
        streams = (
            is_terminal(sys.stdout)
            and TextArrived in session.emitting.most
            and streamable_step(session.spec, session.plan) is not None
        )
        return Destination(form="text", stream=streams)

    def _remarks(self, text: str, outcome: RunOutcome, symbols: Symbols) -> tuple[Line, ...]:
        """What is left out of the next turn, and what all turns took together."""
        self._keep(text, outcome)
        lines: list[Line] = []
        gone = len(self.turns) - len(self._told)
        if gone:
            first = "turn" if gone == 1 else f"{gone:,} turns"
            what = f"the council is no longer told of the first {first}"
            lines.append((Piece(f"{GAP}{what}: see --history-tokens", "dim"),))
        if len(self.said) > 1:
            lines.append((Piece(f"{GAP}{so_far(self.said, symbols)}", "dim"),))
        return tuple(lines)

    def _keep(self, text: str, outcome: RunOutcome) -> None:
        made = sum(call.source != "journal" for call in outcome.calls)
        answer = answer_text(outcome.answer) if outcome.error is None else ""
        self.said.append(
            Said(
                user=text, answer=answer, run=outcome.run, status=outcome.status, calls=made,
                tokens=outcome.usage.total, cost=outcome.cost,
            )
        )  # fmt: skip


def so_far(said: Sequence[Said], symbols: Symbols) -> str:
    """`so far 3 turns · 21 calls · 9.2k tokens · $0.021`."""
    known = [each.cost for each in said if each.cost is not None]
    total = sum(known, Decimal(0))
    parts = [plural(len(said), "turn"), plural(sum(each.calls for each in said), "call")]
    parts.append(f"{show_count(sum(each.tokens for each in said))} tokens")
    if len(known) < len(said):
        parts.append(f"{show_money(total)} or more" if total else "cost unknown")
    elif total:
        parts.append(show_money(total))
    return "so far " + f" {symbols.dot} ".join(parts)


@contextmanager
def _signals_restored(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """A run leaves the signals to whoever ends the process with it; here another turn follows.

    The loop is to forget them, too: it would hear one of the prompt at the next turn.
    """
    before = {each: signal.getsignal(each) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            with suppress(NotImplementedError):  # Windows
                loop.remove_signal_handler(each)
            signal.signal(each, handler)
