"""Draws `docs/run.svg` from a real run: `python docs/picture.py docs/run.svg`.

The run is simulated and in virtual time, so the picture changes only where Konseho does.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console

from konseho_cli.core.files import write_atomically
from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.report.answer import answer_text
from konseho_cli.report.frame import Line, Painter, Piece, Size
from konseho_cli.report.live import as_rich
from konseho_cli.report.summary import summary
from konseho_cli.report.symbols import UNICODE
from konseho_cli.report.view import RunView
from konseho_cli.session import Session
from konseho_cli.spec.find import find_council
from konseho_cli.spec.load import load_council
from konseho_cli.telemetry.events import EVERYDAY

COUNCIL = "quickstart"
TASK = "Should a team of four start with a monolith or with services?"
WIDTH = 100


def draw() -> str:
    """The picture, as SVG."""
    options = RunOptions(task=TASK, wishes=Wishes(model="sim"))
    session = Session(load_council(find_council(COUNCIL)), options, env={})
    view = RunView.of(session.spec.name, session.models, session.plan)
    outcome = run_virtual(lambda loop: session.run([(view, EVERYDAY)]))
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    for lines in _scene(view, outcome):
        text = as_rich(lines)
        text.no_wrap, text.overflow = False, "fold"
        console.print(text)
    return console.export_svg(title=f"konseho run {COUNCIL}", unique_id="konseho")


def _scene(view: RunView, outcome: RunOutcome) -> list[tuple[Line, ...]]:
    """What the terminal shows once the run is over."""
    painter = Painter(UNICODE, remark="simulated answers")
    return [
        ((Piece(f'$ konseho run {COUNCIL} "{TASK}" --model sim', "dim"),),),
        painter.tree(view, outcome.end, Size(width=WIDTH - 1, height=40)),
        ((Piece(""),), *summary(outcome, (), UNICODE), (Piece(""),)),
        ((Piece(answer_text(outcome.answer)),),),
    ]


if __name__ == "__main__":
    write_atomically(Path(sys.argv[1]), draw())
