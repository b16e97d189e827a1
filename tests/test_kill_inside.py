"""`kill -9` in the midst of an iteration: what was answered is never paid for again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.test_kill import Panel, Table, panel

COUNCIL = """\
konseho: 1
name: nested
task: Which of three ways?
model: openai:panel
agents:
  ann: {role: You are bold.}
  bob: {role: You are careful.}
  cid: {role: You are quick.}
steps:
  - {id: outline, kind: ask, agent: ann}
  - id: polish
    kind: loop
    max: 3
    steps:
      - {id: draft, kind: parallel, agents: [ann, bob]}
      - {id: argue, kind: debate, agents: [bob, cid], rounds: 1}
      - {id: judge, kind: ask, agent: cid, prompt: "{{ draft }} {{ previous.judge | default(0) }}"}
  - {id: result, kind: chair, agent: cid}
"""
INSIDE = 3
"""Questions after which the loop has begun, and the outline is kept."""
__all__ = ["panel"]


@pytest.mark.parametrize("part", range(4))
def test_no_finished_call_inside_of_a_loop_is_paid_twice(
    part: int, tmp_path: Path, panel: Panel
) -> None:
    table = Table(tmp_path, panel)
    table.file.write_text(COUNCIL)
    right = table.finish("run", str(table.file), "-q")
    table.store.unlink()
    table.kill(random.Random(part), "run", str(table.file), "-q", least=INSIDE)
    known, before = table.answered(), panel.asked.copy()
    assert known
    assert table.finish("resume", "last", "-q") == right
    assert not known & (panel.asked - before).keys()
