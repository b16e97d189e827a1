"""What a run remembers, from a preset's words and a file's window down to the outcome."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from konseho_cli import Agent, Chair, Council, Parallel, Vote, Window
from konseho_cli.engine.held import HeldOutcome
from konseho_cli.engine.holding import spill_folder
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.report.json import outcome_json

AGENTS = [Agent(name="ann"), Agent(name="bob"), Agent(name="cid")]
STEPS = [
    Parallel(id="talk", agents=("ann", "bob")),
    Vote(id="pick", candidates="{{ talk }}", voters=("ann", "bob", "cid"), anonymous=False),
    Chair(id="verdict", agent="ann"),
]


def council(**more: object) -> Council:
    return Council(steps=STEPS, agents=AGENTS, model="sim:instant,tokens=2000", **more)  # type: ignore[arg-type]


def test_a_run_in_little_memory_comes_to_the_same(tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(
        "konseho_preset: 1\ndescription: Tiny.\n"
        "settings: {memory_limit: 10kB, compress_context: true, collect: eager}\n"
    )

    async def both() -> tuple[RunOutcome, RunOutcome]:
        plain = await council().execute("Monolith or services?")
        return plain, await council(preset=str(file)).execute("Monolith or services?")

    plain, tiny = asyncio.run(both())
    assert [type(step) for step in tiny.steps] == [HeldOutcome] * 3
    assert tiny.answer == plain.answer
    for one, other in zip(plain.steps, tiny.steps, strict=True):
        assert (one.value, one.parts) == (other.value, other.parts)
        assert json.loads(json.dumps(one.details)) == other.details
    assert not tiny.warnings


def test_a_report_reads_what_is_held() -> None:
    held = council(preset="memory-constrained").run("Monolith or services?", store=False)
    assert isinstance(held.steps[0], HeldOutcome)
    assert '"parts"' in outcome_json(held, (), 0)


def test_the_next_run_does_not_ask_for_the_summary_again() -> None:
    bounded = council(window=Window(messages=1, summary="cid"))
    first, second = (
        bounded.run("Monolith or services?", cache=True, store=False) for _ in range(2)
    )
    (asked,), (known,) = (
        [call for call in outcome.calls if call.label == "summary" and call.step == "pick"]
        for outcome in (first, second)
    )
    assert (asked.source, known.source) == ("model", "cache")
    assert first.step("pick").details["window"] == second.step("pick").details["window"]


def test_the_file_lies_beside_the_store_where_there_is_one(tmp_path: Path) -> None:
    env = {"KONSEHO_HOME": str(tmp_path / ".konseho")}
    assert spill_folder(env) is None
    (tmp_path / ".konseho").mkdir()
    assert spill_folder(env) == tmp_path / ".konseho"
    assert spill_folder({"KONSEHO_HOME": "~nobody_of_that_name/x"}) is None
