"""Photographs a report of a real run for `docs/report.png`: `python docs/report_picture.py docs/report.png`.

The run is simulated and in virtual time, and Chromium opens its page as people do.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from chromium import open_page

from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.options import RunOptions
from konseho_cli.profiling.assembling import profiled_of
from konseho_cli.profiling.recording import Machine, Recording
from konseho_cli.report.html.page import profile_html
from konseho_cli.session import Session
from konseho_cli.spec.find import find_council
from konseho_cli.spec.load import load_council
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.version import __version__

COUNCIL = "architecture-debate"
TASK = "Should a team of four start with a monolith or with services?"
MADE = 1_767_225_600
"""A date, so that the picture changes only where Konseho does."""
WIDTH, HEIGHT = 1100, 1180


def record() -> Recording:
    """A run of a shipped council, two calls at a time."""
    options = RunOptions(task=TASK, wishes=Wishes(model="sim"), max_concurrency=2)
    store = MemoryStore()
    session = Session(load_council(find_council(COUNCIL)), options, env={}, store=lambda: store)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        outcome = runner.run(session.run())
        stored = runner.run(store.load(outcome.run))
        spans, _ = runner.run(store.trace(outcome.run))
    assert stored is not None
    return Recording(
        version=__version__, made=MADE, profiler="spans", replayed=None,
        machine=Machine(python="", platform="", cpus=0), cpu_s=0, run=stored, spans=tuple(spans),
    )  # fmt: skip


async def photograph(file: Path) -> bytes:
    """What is to be seen when the page opens, as PNG."""
    async with open_page(file, width=WIDTH, height=HEIGHT) as page:
        await page.until("document.documentElement.dataset.ready")
        return await page.picture()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(profile_html(profiled_of([record()])), encoding="utf-8")
        Path(sys.argv[1]).write_bytes(asyncio.run(photograph(page)))
