from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
from collections.abc import Callable, Mapping
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.agents.definition import Agent
from konseho_cli.context.entries import Entries
from konseho_cli.context.settings import ContextSettings
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.engine.cast import Cast, Speaker
from konseho_cli.engine.executor import Execution
from konseho_cli.engine.held import HeldOutcome
from konseho_cli.engine.holding import Readers
from konseho_cli.engine.outcome import RunOutcome, StepOutcome
from konseho_cli.engine.plan import make_plan
from konseho_cli.engine.state import Premises
from konseho_cli.models.base import Call, Message, Reply, Request
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Base
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.parallel import Parallel
from konseho_cli.telemetry.bus import Bus

KB = 1024
LIMIT = 400 * KB
"""A fifth of it is more than one step says: that is counted before room is made for it."""
AGENTS = ("ann", "bob", "cid")


class Talkative:
    """Says a long text that starts with who it is, in which call."""

    def __init__(self, size: int = 20 * KB, fails: frozenset[str] = frozenset()) -> None:
        self.prompts: dict[str, str] = {}
        self._size, self._fails = size, fails

    async def generate(self, request: Request, call: Call) -> Reply:
        step, agent = call.identity.step, call.identity.agent
        self.prompts[f"{step}/{agent}"] = request.messages[-1].text
        await asyncio.sleep(0)
        if step in self._fails:
            raise ModelUnavailable("it is down")
        if request.schema is not None:
            return Reply(text=f'{{"position": "{self._text(call)}", "agree": false}}', model="m")
        return Reply(text=self._text(call), model="m")

    def _text(self, call: Call) -> str:
        start = f"{call.identity.step}/{call.identity.agent}/{call.identity.turn}:"
        return start + os.urandom(self._size // 2).hex()


def run(
    steps: Mapping[str, Base],
    model: Talkative,
    context: ContextSettings,
    watch: Callable[[Execution], object] = lambda execution: None,
    **premises: Any,
) -> RunOutcome:
    """One run on a real loop, as nothing is let go of in virtual time."""
    request = Request(model="m", messages=(Message("system", "You speak."),))
    speakers = {
        name: Speaker(id=name, agent=Agent(), model=model, model_name="m", request=request)
        for name in AGENTS
    }
    given = Premises(
        run="run", council="test", task="the task", inputs={}, cast=Cast(speakers),
        price=lambda model, usage: Decimal(0), context=context, **premises,
    )  # fmt: skip

    async def main() -> RunOutcome:
        clock = RealClock()
        bus = Bus(clock, asyncio.get_running_loop().call_soon)
        execution = Execution(make_plan(steps), given, clock, bus)
        outcome = await execution.run()
        watch(execution)
        return outcome

    return asyncio.run(main())


def entries_of(execution: Execution) -> Entries:
    entries = execution._state.holding._entries
    assert entries is not None
    return entries


def talks(count: int) -> dict[str, Base]:
    """Steps of which each reads the one above alone."""
    steps: dict[str, Base] = {"talk0": Parallel(agents=AGENTS, prompt="Speak.")}
    for number in range(1, count):
        prompt = f"You said {{{{ talk{number - 1}.ann }}}}. Speak."
        steps[f"talk{number}"] = Parallel(agents=AGENTS, prompt=prompt)
    return steps


def test_outputs_of_far_more_than_the_limit_stay_under_it_and_are_all_there() -> None:
    model, seen = Talkative(), list[Entries]()
    outcome = run(
        talks(30), model, ContextSettings(memory_limit=LIMIT),
        lambda execution: seen.append(entries_of(execution)),
    )  # fmt: skip
    assert outcome.status == "ok", outcome.error
    (entries,) = seen
    assert entries.peak <= LIMIT
    assert entries.spilled > 30 * 3 * 20 * KB / 2 - LIMIT
    for number in range(30):
        step = outcome.step(f"talk{number}")
        assert {name: text[:40].partition(":")[0] for name, text in step.value.items()} == {
            name: f"talk{number}/{name}/0" for name in AGENTS
        }
        assert [part.text for part in step.parts] == list(step.value.values())
        if number:
            assert (
                outcome.step(f"talk{number - 1}").value["ann"] in model.prompts[f"talk{number}/bob"]
            )


def test_a_default_prompt_shows_what_was_spilled_whole() -> None:
    model = Talkative()
    steps = talks(12) | {"verdict": Chair(agent="bob", needs=tuple(talks(12)))}
    outcome = run(steps, model, ContextSettings(memory_limit=LIMIT))
    assert outcome.status == "ok", outcome.error
    prompt = model.prompts["verdict/bob"]
    for number in range(12):
        assert all(part.text in prompt for part in outcome.step(f"talk{number}").parts)
    assert outcome.answer == outcome.step("verdict").value


def test_answer_and_gate_read_what_was_spilled() -> None:
    outcome = run(
        talks(12), Talkative(), ContextSettings(memory_limit=LIMIT),
        answer="{{ talk0.ann }}", gate="{{ talk1 | length == 3 }}",
    )  # fmt: skip
    assert (outcome.answer, outcome.gate) == (outcome.step("talk0").value["ann"], True)


def test_eager_lets_go_of_what_nobody_reads_any_more() -> None:
    seen = list[int]()
    outcome = run(
        talks(20), Talkative(), ContextSettings(collect="eager"),
        lambda execution: seen.append(entries_of(execution).peak),
    )  # fmt: skip
    assert seen[0] < 5 * 3 * 20 * KB  # the step that speaks, the one that it reads, and 64 KiB
    assert outcome.step("talk3").value["cid"].startswith("talk3/cid/0:")


def test_a_small_run_writes_nothing() -> None:
    seen = list[int]()
    run(
        talks(3), Talkative(size=100), ContextSettings(collect="eager", memory_limit=LIMIT),
        lambda execution: seen.append(entries_of(execution).spilled),
    )  # fmt: skip
    assert seen == [0]


def test_without_settings_outcomes_are_plain_and_no_thread_starts() -> None:
    before = threading.active_count()
    outcome = run(talks(3), Talkative(), ContextSettings())
    assert [type(step) for step in outcome.steps] == [StepOutcome] * 3
    assert threading.active_count() == before


def test_an_outcome_that_is_held_equals_the_plain_one() -> None:
    step = run(talks(2), Talkative(), ContextSettings(memory_limit=1)).step("talk1")
    assert isinstance(step, HeldOutcome)
    plain = StepOutcome(
        id=step.id, kind=step.kind, status=step.status, value=step.value, parts=step.parts,
        details=step.details, reasons=step.reasons, start=step.start, end=step.end,
    )  # fmt: skip
    assert step == plain
    assert plain == step
    assert step != run(talks(2), Talkative(), ContextSettings(memory_limit=1)).step("talk1")
    assert pickle.loads(pickle.dumps(step)) == plain
    assert type(deepcopy(step)) is StepOutcome
    assert repr(step) == repr(plain)


def test_what_was_said_in_a_debate_takes_little_and_is_there_where_it_fails() -> None:
    """Each agent says the same at length, but for its turn."""

    class Stubborn(Talkative):
        def _text(self, call: Call) -> str:
            if call.identity.turn == 20:
                raise ModelUnavailable("it is down")
            return f"turn {call.identity.turn}: " + "I am right. " * 4_000

    steps = {"argue": Debate(agents=AGENTS, rounds=30)}
    seen = list[Entries]()
    outcome = run(
        steps, Stubborn(), ContextSettings(memory_limit=100_000_000),
        lambda execution: seen.append(entries_of(execution)),
    )  # fmt: skip
    assert outcome.status == "failed"
    parts = outcome.step("argue").parts
    assert [part.label for part in parts[:4]] == [
        *(f"{name} proposal" for name in AGENTS),
        "ann round 1",
    ]
    assert len(parts) == 60
    assert all("I am right." in part.text for part in parts)
    assert seen[0].peak < 2_000_000  # of 2.9 MB


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    outcome = run(
        talks(12), Talkative(), ContextSettings(memory_limit=LIMIT), spill_in=tmp_path / "gone"
    )
    assert outcome.status == "ok"
    (warning,) = outcome.warnings
    assert "no room to spill to a file" in warning
    assert outcome.step("talk0").value["ann"].startswith("talk0/ann/0:")


def test_the_file_goes_with_the_outcome(tmp_path: Path) -> None:
    files = Path("/proc/self/fd")
    if not files.is_dir():
        pytest.skip("only Linux shows a process its open files")

    def open_here() -> int:
        gc.collect()
        return sum(
            str(tmp_path) in os.readlink(each)
            for each in files.iterdir()
            if each.exists() or each.is_symlink()
        )

    outcome = run(talks(12), Talkative(), ContextSettings(memory_limit=LIMIT), spill_in=tmp_path)
    assert open_here() == 1
    assert list(tmp_path.iterdir()) == []
    del outcome
    assert open_here() == 0


def test_steps_that_ended_before_are_held_too() -> None:
    text = "before " * 40_000
    before = StepOutcome(id="one", kind="ask", status="ok", value=text, start=0, end=1)
    model = Talkative(100)
    outcome = run(
        {"one": Ask(agent="ann"), "two": Ask(agent="bob", prompt="{{ one | length }}")}, model,
        ContextSettings(memory_limit=LIMIT), finished={"one": before},
    )  # fmt: skip
    assert outcome.step("one").value == text
    assert model.prompts["two/bob"] == str(len(text))


def test_readers_are_who_still_reads() -> None:
    plan = make_plan(
        {
            "one": Ask(agent="ann"),
            "two": Ask(agent="ann", prompt="{{ one }}"),
            "three": Ask(agent="ann", prompt="{{ two }}"),
            "four": Ask(agent="ann", prompt="Speak."),
        }
    )
    readers, ended = Readers(plan, "{{ two }}", None), list[str]()
    gone = []
    for step in ("one", "two", "three", "four"):
        ended.append(step)
        gone.append(list(readers.over(step, ended)))
    assert gone == [[], ["one"], ["three"], ["four"]]
