"""Whole runs, recorded and replayed: the same answers, calls, statuses and makespan."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from konseho_cli import Agent, Chair, Council, Parallel, Vote
from konseho_cli.core.errors import UsageError
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.taping import Taped, Taping
from konseho_cli.models.cache import CacheWishes
from konseho_cli.models.cassette_file import read_cassette
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document

SECRET = "sk-very-secret-0123456789"
BALLOTS = {"kind": "vote", "id": "pick", "candidates": "{{ answers }}", "voters": ["ann", "bob"]}
DOCUMENT: dict[str, Any] = {
    "konseho": 1,
    "name": "test",
    "agents": {name: {"role": f"You are {name}."} for name in ("ann", "bob", "cid")},
    "steps": [
        {"kind": "parallel", "id": "answers", "agents": ["ann", "bob", "cid"]},
        {**BALLOTS, "self_votes": True},
        {"kind": "chair", "agent": "cid"},
    ],
}


def session(taping: Taping, env: dict[str, str] | None = None, **changes: Any) -> Session:
    options = {
        name: changes.pop(name)
        for name in ("seed", "wishes", "max_concurrency", "timeout_s", "caching")
        if name in changes
    }
    wanted = RunOptions(task=changes.pop("task_", "go"), taping=taping, **options)
    return Session(check_document({**DOCUMENT, **changes}), wanted, env or {})


def run(session: Session) -> RunOutcome:
    """In virtual time, whether it is recorded or replayed."""
    return run_virtual(lambda loop: session.run())


def seen(outcome: RunOutcome) -> dict[str, Any]:
    """All that must be the same."""
    return {
        "answer": outcome.answer,
        "status": outcome.status,
        "error": outcome.error,
        "makespan": outcome.end - outcome.start,
        "steps": [(step.id, step.status, step.reasons, step.start) for step in outcome.steps],
        "calls": [
            (call.agent, call.status, call.model, call.usage, call.retries, call.start, call.end)
            for call in outcome.calls
        ],
        "spans": [(span.kind, span.start, span.end) for span in outcome.spans],
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


Same = Callable[..., RunOutcome]


@pytest.fixture
def same(file: Path) -> Same:
    """Records a run, replays it twice, and finds no difference."""

    def check(model: str = "sim", **changes: Any) -> RunOutcome:
        wishes = Wishes(model=model)
        first = run(session(Taping(record=file), wishes=wishes, **changes))
        for _ in range(2):
            again = run(session(Taping(replay=file, speed=0), **changes))
            assert seen(again) == seen(first)
        return first

    return check


def test_failures_retries_and_backoffs_come_back_to_the_nanosecond(same: Same, file: Path) -> None:
    outcome = same("sim:flaky", seed=3)
    assert sum(call.retries for call in outcome.calls) > 0
    assert [span for span in outcome.spans if span.kind == "backoff"]
    failed = [each for each in read_cassette(file).attempts if each.failure]
    assert len(failed) == sum(call.retries for call in outcome.calls)


@pytest.mark.parametrize("seed", range(4))
def test_runs_with_many_failures_come_back_whatever_becomes_of_them(same: Same, seed: int) -> None:
    same("sim:errors=0.5", seed=seed, on_error="continue")


def test_a_council_that_fails_fails_again(same: Same) -> None:
    outcome = same("sim:errors=1")
    assert outcome.status == "failed"


def test_waiting_for_slots_is_the_same(same: Same) -> None:
    outcome = same("sim:flaky", max_concurrency=1)
    assert [span for span in outcome.spans if span.kind == "queue.limit"]


def test_losers_of_a_quorum_are_cut_off_as_they_were(same: Same, file: Path) -> None:
    steps = [{**DOCUMENT["steps"][0], "quorum": 1, "wait": "quorum"}, DOCUMENT["steps"][2]]
    outcome = same(steps=steps)
    assert [call.status for call in outcome.calls].count("cancelled") == 2
    assert sum(attempt.cancelled for attempt in read_cassette(file).attempts) == 2


def test_who_still_waits_for_a_slot_when_a_quorum_is_met_comes_back(same: Same) -> None:
    steps = [{**DOCUMENT["steps"][0], "quorum": 1, "wait": "quorum"}, DOCUMENT["steps"][2]]
    outcome = same(steps=steps, max_concurrency=1)
    assert [call.status for call in outcome.calls].count("cancelled") == 2


def test_a_hedge_and_its_loser_come_back(same: Same, file: Path) -> None:
    agents = {f"a{number}": {"role": "x"} for number in range(40)}
    outcome = same(
        "m",
        agents=agents,
        models={"m": {"use": "sim:spread=1.5", "hedge": True}},
        steps=[{"kind": "parallel", "agents": list(agents)} for _ in range(3)],
    )
    hedges = sum(call.hedges for call in outcome.calls)
    attempts = read_cassette(file).attempts
    assert hedges > 0
    assert len(attempts) == 120 + hedges
    assert sum(attempt.cancelled for attempt in attempts) == hedges


def test_a_fallback_answers_again(same: Same) -> None:
    outcome = same("m", models={"m": {"use": "sim:errors=1", "fallback": ["sim:fast"]}})
    assert outcome.status == "degraded"


def test_a_run_that_ran_out_of_time_runs_out_of_it_again(same: Same) -> None:
    assert same("sim:slow", timeout_s=2.0).status == "limit"


def test_a_run_that_reached_its_calls_reaches_them_again(same: Same) -> None:
    assert same(limits={"calls": 4}).status == "limit"


def test_gates_decide_in_a_replay(same: Same) -> None:
    assert same("sim:fast", gate="{{ false }}").gate is False


# ------------------------------------------------------------------------------ who answers


def test_a_replay_needs_neither_a_key_nor_the_model_that_was_asked_for(file: Path) -> None:
    recorded_with(file, {"model": "openai:gpt-5-mini"})
    replayed = session(Taping(replay=file))
    assert replayed.models == ("openai:gpt-5-mini",)
    assert not replayed.simulated
    assert not replayed.casting.unchosen


def recorded_with(file: Path, wished: dict[str, Any]) -> None:
    header = {
        "konseho_cassette": 1, "version": "0", "council": "test", "run": "r", "seed": 11,
        "started": 1.0, "wished": wished,
    }  # fmt: skip
    file.write_text(json.dumps(header) + "\n")


def test_the_default_model_of_then_is_the_default_now(file: Path) -> None:
    env = {"OPENAI_API_KEY": SECRET, "ANTHROPIC_API_KEY": SECRET}
    document = {"agents": {**DOCUMENT["agents"], "bob": {"role": "b", "model": "sonnet"}}}
    first = session(Taping(record=file), env, **document)
    recorded_with(file, {"default": first.casting.default, "claude": True})
    again = session(Taping(replay=file), {"OPENROUTER_API_KEY": SECRET}, **document)
    assert again.casting.choices == first.casting.choices
    assert again.casting.warnings == ()


def test_the_recorded_seed_holds_unless_another_one_is_wanted(file: Path) -> None:
    recorded_with(file, {})
    assert session(Taping(replay=file), seed=1).taped.seed(1, 2) == 1
    assert session(Taping(replay=file)).taped.seed(None, 2) == 11
    assert session(Taping()).taped.seed(None, 2) == 2


def test_a_missing_key_matters_only_where_a_model_may_be_asked(file: Path) -> None:
    recorded_with(file, {"model": "openai:gpt-5-mini"})
    assert session(Taping(replay=file))
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        session(Taping(replay=file, miss="call"))


def test_who_is_new_is_answered_for_as_always_where_models_may_be_asked(file: Path) -> None:
    recorded_with(file, {})
    env = {"OPENAI_API_KEY": SECRET}
    assert session(Taping(replay=file, miss="call"), env).models == ("openai:gpt-5-mini",)
    assert session(Taping(replay=file), env).models == ("sim",)


# ------------------------------------------------------------------------------ what differs


def test_a_changed_prompt_ends_the_run_with_the_difference(file: Path) -> None:
    run(session(Taping(record=file)))
    outcome = run(session(Taping(replay=file), task_="come"))
    assert (outcome.status, outcome.exit_code) == ("failed", 2)
    assert "-go\n+come" in str(outcome.error)
    assert "record it again" in str(outcome.hint)


@pytest.mark.parametrize("how", ["retry", "continue"])
def test_a_difference_is_not_a_failure_that_a_council_could_live_with(file: Path, how: str) -> None:
    run(session(Taping(record=file)))
    changed = {**DOCUMENT["agents"], "cid": {"role": "You are somebody else."}}
    outcome = run(session(Taping(replay=file), agents=changed, on_error=how))
    assert (outcome.status, outcome.exit_code, outcome.duration_s) == ("failed", 2, 0)
    assert "-You are cid.\n+You are somebody else." in str(outcome.error)


def test_what_was_not_recorded_may_be_asked_of_a_model(file: Path) -> None:
    run(session(Taping(record=file)))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(line for line in lines if b'"chair"' not in line))
    assert run(session(Taping(replay=file))).exit_code == 2
    outcome = run(session(Taping(replay=file, miss="call")))
    assert outcome.status == "ok"


def test_an_interrupted_recording_says_what_is_missing(file: Path) -> None:
    first = session(Taping(record=file), wishes=Wishes(model="sim:spread=0"))

    async def main(loop: VirtualLoop) -> RunOutcome:
        loop.call_later(1, first.interrupt, "SIGINT")
        return await first.run()

    assert run_virtual(main).status == "interrupted"
    outcome = run(session(Taping(replay=file)))
    assert outcome.exit_code == 2
    assert "cut off after 1.0 s when it was recorded" in str(outcome.error)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_recording_that_was_killed_can_be_replayed_as_far_as_it_goes(
    file: Path, kept: float
) -> None:
    whole = run(session(Taping(record=file)))
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * kept)])
    outcome = run(session(Taping(replay=file)))
    assert outcome.exit_code == 2
    assert "does not hold this call" in str(outcome.error) or "no call of" in str(outcome.error)
    assert any("the last line is cut off" in warning for warning in outcome.warnings)
    call = run(session(Taping(replay=file, miss="call")))
    assert call.answer == whole.answer


# ------------------------------------------------------------------------------ what is refused


def test_a_file_that_is_replayed_is_not_overwritten(file: Path) -> None:
    recorded_with(file, {})
    with pytest.raises(UsageError, match="cannot be recorded to as well"):
        session(Taping(record=file.parent / "." / file.name, replay=file))


@pytest.mark.parametrize("speed", [-1, math.nan, math.inf])
def test_a_speed_that_is_none_is_refused(file: Path, speed: float) -> None:
    with pytest.raises(UsageError, match="not possible"):
        session(Taping(replay=file, speed=speed))


def test_a_place_that_cannot_be_written_is_found_before_any_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        run(session(Taping(record=tmp_path / "no" / "where.jsonl")))


def test_no_key_lands_on_a_cassette_whatever_says_it(file: Path) -> None:
    env = {
        "VLLM_API_KEY": SECRET,
        "OPENAI_BASE_URL": "http://me:pass%2Fword-123@127.0.0.1:1/v1",
        "HTTPS_PROXY": "http://you:proxy-password@proxy:1",
    }
    task = f"Say {SECRET}, pass/word-123, pass%2Fword-123 and proxy-password."
    outcome = run(session(Taping(record=file), env, task_=task))
    assert outcome.status == "ok"
    text = file.read_text()
    for secret in (SECRET, "word-123", "proxy-password"):
        assert secret not in text
    again = run(session(Taping(replay=file), env, task_=task))
    assert again.status == "ok"


# ------------------------------------------------------------------------------ Python users


def small() -> Council:
    ann, bob = Agent(name="ann", role="You are ann."), Agent(name="bob", role="You are bob.")
    return Council(
        steps=[
            Parallel(id="answers", agents=(ann, bob)),
            Vote(id="pick", candidates="{{ answers }}", voters=("ann", "bob")),
            Chair(agent="ann"),
        ]
    )


def test_a_council_in_python_records_and_replays(file: Path) -> None:
    first = small().run("Tea?", model="sim:fast", record=file)
    again = [small().run("Tea?", replay=str(file), replay_speed=0) for _ in range(2)]
    assert {seen(each)["makespan"] for each in again} == {again[0].end - again[0].start}
    assert [each.answer for each in again] == [first.answer] * 2
    assert 0.5 < again[0].duration_s / first.duration_s <= 1.0


def test_on_a_loop_of_ones_own_a_replay_at_once_waits_for_nothing(file: Path) -> None:
    first = small().run("Tea?", model="sim:instant", record=file)
    council = small()
    again = asyncio.run(council.execute("Tea?", replay=file, replay_speed=0))
    assert again.answer == first.answer


# ------------------------------------------------------------------------------ with a cache


def test_answers_that_were_paid_for_once_come_back_from_where_they_came(file: Path) -> None:
    same = {"agents": {name: {"role": "You are one."} for name in ("ann", "bob", "cid")}}
    steps = [DOCUMENT["steps"][0], {**DOCUMENT["steps"][0], "id": "more", "needs": []}]
    steps.append({**DOCUMENT["steps"][0], "id": "again", "prompt": "{{ task }}"})
    caching = CacheWishes(cache=True)

    def cached(taping: Taping) -> RunOutcome:
        return run(session(taping, steps=steps, answer="{{ again }}", caching=caching, **same))

    first = cached(Taping(record=file))
    assert {call.source for call in first.calls} > {"model"}
    again = cached(Taping(replay=file))
    one, other = ({(c.step, c.agent): c for c in each.calls} for each in (first, again))
    assert other == one
    assert seen(again)["makespan"] == seen(first)["makespan"]
    assert (again.answer, again.cost) == (first.answer, first.cost)
    assert again.cache is None


def test_a_speed_without_a_replay_is_refused() -> None:
    for taping in (Taping(speed=0.0), Taping(miss="call")):
        with pytest.raises(UsageError, match="are of a replay"):
            Taped(taping, Wishes(), {})


def test_a_hedge_that_chance_does_not_make_again_still_answers(tmp_path: Path) -> None:
    """Recorded on a real clock: the percentiles of a replay are a little different."""
    document = {
        "models": {"m": {"use": "sim:ttft=0.01s,spread=0.8,tps=50000", "hedge": True}},
        "agents": {"a": {"role": "r", "model": "m"}},
        "steps": [{"id": "p", "kind": "split", "agent": "a", "items": "{{ task }}", "by": "lines",
                   "merge": "concat", "max_agents": 10}],
    }  # fmt: skip
    tape, task = tmp_path / "t.jsonl", "\n".join(f"line {number}" for number in range(200))
    for _ in range(5):  # a busy machine is slow with all of them, and hedges none
        recorded = asyncio.run(session(Taping(record=tape), task_=task, **document).run())
        if any(call.hedges for call in recorded.calls):
            break
    assert sum(call.hedges for call in recorded.calls) > 0
    replays = [run(session(Taping(replay=tape), task_=task, **document)) for _ in range(2)]
    assert [each.answer for each in replays] == [recorded.answer] * 2
    assert replays[0].duration_s == replays[1].duration_s
