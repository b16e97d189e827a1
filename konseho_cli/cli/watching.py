"""Runs a session while somebody watches: the view that fits, signals, the way out."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import msgspec

from konseho_cli.cli.streams import is_terminal, mutter
from konseho_cli.core.clock import RealClock
from konseho_cli.core.signals import heed
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.report.frame import Line, Painter, as_text
from konseho_cli.report.progress import Progress
from konseho_cli.report.streaming import KINDS, AnswerStream
from konseho_cli.report.symbols import Symbols, symbols_for
from konseho_cli.report.text import listed
from konseho_cli.report.view import RunView
from konseho_cli.session import Session
from konseho_cli.telemetry.bus import Subscription
from konseho_cli.telemetry.events import AskStarted

if TYPE_CHECKING:
    from konseho_cli.report.live import LiveView

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
SHOW_CURSOR = "\x1b[?25h"


class Screen(msgspec.Struct):
    """How a run is shown on stderr: live, in plain lines, or not at all."""

    quiet: bool
    live: LiveView | None = None
    subscriptions: list[Subscription] = msgspec.field(default_factory=list)
    stopped_by: signal.Signals | None = None
    loop_factory: LoopFactory | None = None
    """Of a run in virtual time, which is over before anybody could watch."""
    held: list[str] | None = None
    """What is said while a person is asked; None: nobody is."""

    @property
    def symbols(self) -> Symbols:
        """What stderr can show."""
        return symbols_for(getattr(sys.stderr, "encoding", None))

    def show(self, lines: tuple[Line, ...]) -> None:
        """Print lines, in style on a terminal."""
        if self.quiet:
            return
        if _is_smart():
            from konseho_cli.report.live import as_rich, terminal

            text = as_rich(lines)
            text.no_wrap, text.overflow = False, "fold"
            terminal(sys.stderr).print(text)
        else:
            mutter(as_text(lines) + "\n")

    def put(self, text: str) -> None:
        """Write now, or once the person who is asked has answered."""
        if self.held is None:
            mutter(text)
        else:
            self.held.append(text)

    def pause(self) -> None:
        """A person is asked: nothing else is drawn."""
        self.held = []
        if self.live is not None:
            self.live.pause()

    def go_on(self) -> None:
        """Show what happened meanwhile."""
        held, self.held = self.held, None
        mutter("".join(held or ()))
        if self.live is not None:
            self.live.go_on()

    def say(self, text: str) -> None:
        """Print a line, unless nothing is to be said."""
        if not self.quiet:
            mutter(f"{text}\n")


def screen_for(session: Session, *, quiet: bool) -> Screen:
    """The screen that fits stderr; nothing is drawn yet."""
    screen = Screen(quiet=quiet, loop_factory=session.taped.loop_factory)
    if quiet or not session.emitting.most:
        return screen
    marks = AskStarted in session.emitting.most
    view = RunView.of(session.spec.name, session.models, session.plan, marks=marks)
    if not _is_smart():
        progress = Progress(view, screen.put, screen.symbols)
        progress.begin(_remark(session))
        screen.subscriptions.append(Subscription(progress))
        return screen
    from konseho_cli.report.live import LiveView, terminal

    cost = session.spec.limits.cost
    painter = Painter(screen.symbols, cost_limit=cost, remark=_remark(session))
    screen.subscriptions.append(Subscription(view))
    clock = _LoopClock() if screen.loop_factory else RealClock()
    screen.live = LiveView(view, painter, terminal(sys.stderr), clock)
    return screen


def conduct(
    session: Session,
    screen: Screen,
    stream: AnswerStream | None,
    runner: asyncio.Runner | None = None,
) -> RunOutcome:
    """Run the session to its end, or to the end that a signal asks for.

    `runner`: whose loop several runs share; None: this run has its own.
    """
    subscriptions = list(screen.subscriptions)
    if stream is not None:
        # It is no viewer: it is the answer, which is never detached.
        subscriptions.append(Subscription(stream, KINDS, patience_s=math.inf))
    if runner is not None:
        return runner.run(_conduct(session, screen, subscriptions))
    with asyncio.Runner(loop_factory=screen.loop_factory) as own:
        return own.run(_conduct(session, screen, subscriptions))


async def _conduct(
    session: Session, screen: Screen, subscriptions: list[Subscription]
) -> RunOutcome:
    _heed_signals(session, screen)
    if screen.live is None:
        return await session.run(subscriptions)
    with screen.live as live:  # drawn only now: a signal before would leave the cursor hidden
        if screen.loop_factory is not None:
            return await session.run(subscriptions)
        drawing = asyncio.ensure_future(live.keep_drawing())
        try:
            return await session.run(subscriptions)
        finally:
            drawing.cancel()


def _heed_signals(session: Session, screen: Screen) -> None:
    """The first signal stops the run, which keeps what is finished; the second one, everything."""

    def stop(number: signal.Signals) -> None:
        screen.stopped_by = number
        session.interrupt(number.name)

    heed(stop, end_at_once)


def end_at_once(number: int, frame: FrameType | None) -> None:
    """Leave now; only the terminal's cursor is put back."""
    if is_terminal(sys.stderr):
        os.write(sys.stderr.fileno(), f"{SHOW_CURSOR}\n".encode())
    os._exit(128 + number)


class _LoopClock:
    """Reads the time of the loop that runs; before there is one, it is 0."""

    @staticmethod
    def now() -> int:
        """Nanoseconds on the loop's clock."""
        try:
            return round(asyncio.get_running_loop().time() * 1e9)
        except RuntimeError:
            return 0

    @staticmethod
    def wall() -> float:
        """Seconds since the epoch."""
        return RealClock.wall()


def _remark(session: Session) -> str:
    """Where the answers come from, if not from models."""
    origins = [f"replayed from {session.taped.cassette.file}"] if session.taped.cassette else []
    if session.options.resumed is not None:
        origins.append(f"goes on with run {session.options.resumed.row.began.run}")
    return " · ".join(filter(None, (*origins, _persons(session), _simulation(session))))


def _persons(session: Session) -> str:
    """Who is a person: `ann, bob: people`."""
    persons = session.casting.persons
    return f"{listed(persons)}: {'a person' if len(persons) == 1 else 'people'}" if persons else ""


def _simulation(session: Session) -> str:
    if not session.simulated:
        return ""
    unchosen = ": no model was chosen, see --model" if session.casting.unchosen else ""
    return f"simulated answers{unchosen}"


def _is_smart() -> bool:
    """Whether stderr is a terminal that can be drawn on."""
    return is_terminal(sys.stderr) and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
