"""A run's view as lines of styled pieces, laid out for a width and a height. Pure; knows no rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias, get_args

import msgspec

from konseho_cli.core.units import show_count, show_duration, show_money
from konseho_cli.report.subtree import MOST_INSIDE, shown_inside, size
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, fit, listed, one_line, plural
from konseho_cli.report.view import AgentView, RunView, StepView, Tally

Style: TypeAlias = Literal["plain", "strong", "dim", "accent"]
"""`accent` is the one colour; it is for what needs attention."""


Unfold: TypeAlias = Literal["all", "running", "latest", "none"]
"""What is shown below a step: all that is of use; only of those that run; of these only the steps
inside of them; nothing."""


class Piece(NamedTuple):
    """Text in one style."""

    text: str
    style: Style = "plain"


Line: TypeAlias = tuple[Piece, ...]

MOST_AGENTS = 8
"""Rows of agents under a step; more are folded into numbers."""
MOST_ROWS = 40
NARROW = 60
"""Columns below which only name, time and note are shown."""
GAP = "  "
TIME, TOKENS, COST = 7, 8, 6
"""Least columns of the figures: `10 m 05 s` and the like push the rest aside, seldom."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Room of a terminal, in columns and lines."""

    width: int = 80
    height: int = 24


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the tree before it is laid out."""

    indent: int = 0
    """How deep a step is inside of others."""
    lead: str = ""
    """The strokes in front of an agent."""
    sign: str
    name: str
    what: str = ""
    time: str = ""
    tokens: str = ""
    cost: str = ""
    note: str = ""
    style: Style = "plain"


class Painter(msgspec.Struct, frozen=True):
    """Draws views with one set of symbols."""

    symbols: Symbols
    cost_limit: Decimal | None = None
    """Dollars that the council may spend."""
    remark: str = ""
    """What must be known about who answers: `simulated answers`."""

    def frame(self, view: RunView, now: int, size: Size) -> tuple[Line, ...]:
        """Header, tree and bar; never wider or higher than `size`. `now`: the run's clock, ns."""
        room = max(1, min(size.height - 3, MOST_ROWS))
        lines = [self.header(view, size.width)]
        lines += self._layout(self._rows(view, now, room), size.width)
        lines.append(self.bar(view, now, size.width))
        return tuple(lines)

    def tree(self, view: RunView, now: int, size: Size) -> tuple[Line, ...]:
        """Header and tree, as they stay when the run is over."""
        return self.frame(view, now, size)[:-1]

    def header(self, view: RunView, width: int) -> Line:
        """The council and who answers."""
        name = fit(one_line(view.council), width, self.symbols)
        models = [Piece(listed(view.models), "dim")]
        if self.remark:
            models.append(Piece(self.remark, "accent"))
        return _cut([Piece(name, "strong"), *models], width, self.symbols)

    # ------------------------------------------------------------------ the tree

    def _rows(self, view: RunView, now: int, room: int) -> list[Row]:
        """Steps with their agents where there is room; without, whatever is calm is folded."""
        steps = list(view.steps.values())
        for unfold in get_args(Unfold):
            rows = [row for step in steps for row in self._step(step, now, unfold=unfold)]
            if len(rows) <= room:
                return rows
        return self._folded(steps, now, room)

    def _folded(self, steps: Sequence[StepView], now: int, room: int) -> list[Row]:
        """Too many steps: what runs or went wrong first, the rest as numbers."""
        loud = [s for s in steps if s.state not in ("ok", "waiting", "skipped", "cancelled")]
        shown = loud[: max(1, room - 3)]
        over = sum(step.end is not None for step in steps if step not in shown)
        to_come = sum(step.state == "waiting" for step in steps)
        more = len(steps) - len(shown) - over - to_come
        rows: list[Row] = []
        if over:
            rows.append(self._fold("ok", f"{plural(over, 'step')} over"))
        rows += [row for step in shown for row in self._step(step, now, unfold="none")]
        if more > 0:
            rows.append(self._fold("running", f"{more} more at work"))
        if to_come:
            rows.append(self._fold("waiting", f"{to_come} to come"))
        return rows[:room]

    def _fold(self, state: str, text: str) -> Row:
        return Row(sign=self.symbols.of(state), name=text, style="dim")

    def _step(self, step: StepView, now: int, *, unfold: Unfold, indent: int = 0) -> Iterator[Row]:
        agents = list(step.agents.values())
        is_open = unfold == "all" or (unfold == "running" and step.state == "running")
        named = is_open and 1 < len(agents) <= MOST_AGENTS
        elapsed = step.elapsed_ns(now)
        yield Row(
            indent=indent,
            sign=self.symbols.of(step.state),
            name=step.name or step.id,
            what=self._what(step, unfold=named),
            time="" if elapsed is None else _time(elapsed, ticks=step.end is None),
            tokens=_tokens(step.tally),
            cost=_cost(step.tally),
            note=self._note(step, unfold=named),
            style=_style(step.state),
        )
        for agent in agents if named else ():
            yield self._agent(agent, now, indent, is_last=agent is agents[-1])
        if is_open or (unfold == "latest" and step.state == "running"):
            every = unfold == "all" and size(step) <= MOST_INSIDE
            for inner in shown_inside(step, every=every):
                yield from self._step(inner, now, unfold=unfold, indent=indent + 1)

    def _agent(self, agent: AgentView, now: int, indent: int, *, is_last: bool) -> Row:
        asked = agent.state != "waiting"
        counted = agent.tally.calls > 1 or agent.most_open > 1
        return Row(
            indent=indent,
            lead=self.symbols.last if is_last else self.symbols.branch,
            sign=self.symbols.of(agent.state),
            name=agent.name,
            what=plural(agent.tally.calls + len(agent.open), "call") if counted else "",
            time=_time(agent.elapsed_ns(now), ticks=bool(agent.open)) if asked else "",
            tokens=_tokens(agent.tally),
            cost=_cost(agent.tally),
            style=_style(agent.state),
        )

    def _what(self, step: StepView, *, unfold: bool) -> str:
        """A step's agents in a word or two."""
        if step.state == "waiting":
            return step.kind
        agents = list(step.agents.values())
        if step.is_counted or len(agents) > MOST_AGENTS:
            done, known = step.progress
            return f"{done:,} of {known:,}"
        if unfold or not agents:
            return step.kind
        if len(agents) == 1:
            return agents[0].name
        return "".join(self.symbols.of(agent.state) for agent in agents)

    def _note(self, step: StepView, *, unfold: bool) -> str:
        """What there is to know about a step right now."""
        if step.reasons:
            return one_line("; ".join(step.reasons))
        if step.state != "running":
            return one_line(step.note)
        waiting = step.waiting_for
        done, known = step.progress
        slow = (
            f"waiting for {listed(waiting, 2)}" if not unfold and 0 < len(waiting) < known else ""
        )
        notes = (step.note, step.trouble, slow if done else "")
        return one_line(f" {self.symbols.dot} ".join(filter(None, notes)))

    # ------------------------------------------------------------------ the layout

    def _layout(self, rows: Sequence[Row], width: int) -> Iterator[Line]:
        """Columns with a least width, so that they stay in place; the note takes what is left."""
        wide = width >= NARROW
        names = min(max((cells(_name(row)) for row in rows), default=0), max(12, width // 3))
        whats = max((cells(row.what) for row in rows), default=0)
        costs = max((len(row.cost) for row in rows), default=0)
        for row in rows:
            columns = [
                (_pad(fit(_name(row), names, self.symbols), names), row.style),
                (_pad(row.what, whats) if wide else "", _attention(row)),
                (row.time.rjust(TIME), "dim" if row.lead else row.style),
                (row.tokens.rjust(TOKENS) if wide else "", "dim"),
                (row.cost.rjust(max(COST, costs)) if wide and costs else "", "dim"),
                (row.note, _attention(row)),
            ]
            pieces = [Piece(text, style) for text, style in columns if text]
            yield _cut(
                [Piece(GAP + pieces[0].text, pieces[0].style), *pieces[1:]], width, self.symbols
            )

    def bar(self, view: RunView, now: int, width: int) -> Line:
        """The whole run: how far, how long, how dear."""
        signs = self.symbols
        parts = [f"{view.ended} of {plural(len(view.steps), 'step')}"]
        parts.append(_time(view.elapsed_ns(now), ticks=view.end is None))
        if view.tally.tokens:
            parts.append(f"{show_count(view.tally.tokens)} tok")
        if view.tally.cost or (self.cost_limit is not None and view.tally.cost is not None):
            limit = f" of {show_money(self.cost_limit)}" if self.cost_limit is not None else ""
            parts.append(show_money(view.tally.cost) + limit)
        figures = f" {signs.dot} ".join(parts)
        length = min(32, width - cells(figures) - 4)
        if length < 6:
            return _cut([Piece(GAP + figures)], width, signs)
        full = round(view.share * length)
        tip = signs.bar_end if 0 < full < length else ""
        done = signs.bar * (full - len(tip)) + tip
        return (Piece(GAP + done), Piece(signs.rest * (length - full), "dim"), Piece(GAP + figures))


def _name(row: Row) -> str:
    return f"{GAP * row.indent}{row.lead}{' ' if row.lead else ''}{row.sign} {row.name}".rstrip()


def _time(nanoseconds: int, *, ticks: bool) -> str:
    """What still counts up does so in tenths of a second: more digits only flicker."""
    seconds = nanoseconds / 1e9
    return f"{seconds:.1f} s" if ticks and seconds < 10 else show_duration(seconds)


def _tokens(tally: Tally) -> str:
    if tally.cached and not tally.tokens:
        return "cached"
    return f"{show_count(tally.tokens)} tok" if tally.tokens else ""


def _cost(tally: Tally) -> str:
    return show_money(tally.cost) if tally.cost else ""


def _style(state: str) -> Style:
    if state in ("degraded", "failed"):
        return "accent"
    return "plain" if state in ("running", "ok") else "dim"


def _attention(row: Row) -> Style:
    return "accent" if row.style == "accent" else "dim"


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _cut(pieces: Sequence[Piece], width: int, symbols: Symbols) -> Line:
    """Pieces with a gap between, cut at the edge."""
    kept: list[Piece] = []
    room = width
    for number, piece in enumerate(pieces):
        text = fit((GAP if number else "") + piece.text, room, symbols)
        kept.append(Piece(text, piece.style))
        room -= cells(text)
        if room <= 0:
            break
    while kept and not kept[-1].text.strip():
        kept.pop()
    if kept:
        kept[-1] = Piece(kept[-1].text.rstrip(), kept[-1].style)
    return tuple(kept)


def as_text(lines: Sequence[Line]) -> str:
    """Lines without their styles."""
    return "\n".join("".join(piece.text for piece in line) for line in lines)
