"""The session and the Python nouns: models chosen, limits held, the same checks as a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from konseho_cli import Agent, Ask, Chair, Council, Debate, InvalidCouncil, Limits, Parallel, Vote
from konseho_cli.core.errors import UsageError
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.time.critical_path import critical_path
from konseho_cli.session import Session
from konseho_cli.spec.find import find_council
from konseho_cli.spec.load import check_document
from konseho_cli.telemetry.events import RunFinished, RunStarted, TextArrived

ANN = Agent(name="ann", role="You are ann.")
BOB = Agent(name="bob", role="You are bob.")


def session(
    options: RunOptions | None = None, env: dict[str, str] | None = None, **document: Any
) -> Session:
    document = {
        "konseho": 1,
        "name": "test",
        "agents": {"ann": {"role": "a"}, "bob": {"role": "b"}},
        "steps": [{"kind": "parallel", "agents": ["ann", "bob"]}],
        **document,
    }
    return Session(check_document(document), options or RunOptions(task="go"), env or {})


def run(session: Session) -> RunOutcome:
    return run_virtual(lambda loop: session.run())


# ------------------------------------------------------------------------------ who answers


def test_the_simulator_answers_when_nobody_chose_a_model() -> None:
    chosen = session()
    assert chosen.models == ("sim",)
    assert chosen.casting.unchosen
    outcome = run(chosen)
    assert (outcome.status, outcome.simulated) == ("ok", True)


@pytest.mark.parametrize(
    "decides", [{"gate": "{{ true }}"}, {"targets": {"time": "1m"}}], ids=["gate", "targets"]
)
def test_simulated_answers_that_nobody_asked_for_never_decide(decides: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no model chosen"):
        session(**decides)
    asked_for = session(RunOptions(task="go", wishes=Wishes(model="sim")), **decides)
    assert run(asked_for).status == "ok"


def test_strict_refuses_simulated_answers_that_nobody_asked_for() -> None:
    with pytest.raises(UsageError, match="no model chosen"):
        session(RunOptions(task="go", strict=True))


def test_a_model_is_taken_from_the_agent_then_the_command_line_then_the_council() -> None:
    document = {
        "models": {"quick": {"use": "sim:fast"}, "slow": {"use": "sim:slow"}},
        "agents": {"ann": {"role": "a", "model": "quick"}, "bob": {"role": "b"}},
    }
    wishes = RunOptions(task="go", wishes=Wishes(model="sim:instant"))
    assert session(wishes, **document).models == ("sim:fast", "sim:instant")
    assert session(model="slow", **document).models == ("sim:fast", "sim:slow")
    assert session(wishes, model="slow", **document).models == ("sim:fast", "sim:instant")
    swapped = RunOptions(task="go", wishes=Wishes(models={"quick": "sim:flaky"}))
    assert session(swapped, **document).models == ("sim:flaky", "sim")
    assert session(RunOptions(task="go", wishes=Wishes(simulate=True)), **document).models == (
        "sim",
    )


def test_a_key_in_the_environment_chooses_its_provider() -> None:
    assert session(env={"ANTHROPIC_API_KEY": "k"}).models[0].startswith("anthropic:")
    assert session(env={"KONSEHO_MODEL": "sim:fast", "OPENAI_API_KEY": "k"}).models == ("sim:fast",)


def test_a_missing_key_is_found_before_any_call() -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        session(model="openai:gpt-5-mini")


def test_an_unknown_model_to_swap_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        session(
            RunOptions(task="go", wishes=Wishes(models={"quikc": "sim"})),
            models={"quick": {"use": "sim"}},
        )
    assert "did you mean 'quick'?" in str(caught.value.hint)


def test_parameters_of_model_and_agent_reach_the_request() -> None:
    chosen = session(
        models={"m": {"use": "sim", "temperature": 0.2, "max_tokens": 50, "stop": ["END"]}},
        model="m",
        agents={"ann": {"role": "a", "temperature": 1.5}, "bob": {"role": "b"}},
    )
    choices = chosen.casting.choices
    assert (choices["ann"].temperature, choices["bob"].temperature) == (1.5, 0.2)
    assert choices["ann"].max_tokens == 50
    assert choices["bob"].stop == ("END",)


# ------------------------------------------------------------------------------ limits


def test_a_call_beyond_the_limit_is_refused_and_what_is_finished_is_kept() -> None:
    outcome = run(
        session(
            limits={"calls": 2},
            steps=[
                {"kind": "parallel", "agents": ["ann", "bob"]},
                {"kind": "chair", "agent": "ann"},
            ],
        )
    )
    assert (outcome.status, outcome.exit_code) == ("limit", 5)
    assert "limit of 2 calls" in str(outcome.error)
    assert outcome.step("parallel").status == "ok"
    assert outcome.step("chair").status == "cancelled"


def test_the_token_limit_ends_the_run() -> None:
    steps = [{"kind": "ask", "agent": "ann"}, {"kind": "chair", "agent": "bob"}]
    outcome = run(session(limits={"tokens": 60}, steps=steps))
    assert outcome.status == "limit"
    assert "limit of 60 tokens" in str(outcome.error)
    assert outcome.step("ask").status == "ok"
    at_once = run(session(RunOptions(task="word " * 40), limits={"tokens": 80}))
    assert at_once.status == "limit", "what is under way counts too"


def test_the_shorter_of_the_two_time_limits_holds() -> None:
    options = RunOptions(task="go", wishes=Wishes(model="sim:slow"), timeout_s=0.5)
    outcome = run(session(options, limits={"time": "1h"}))
    assert (outcome.status, outcome.duration_s) == ("limit", 0.5)


def test_max_concurrency_is_held_and_its_waiting_recorded() -> None:
    free = run(session())
    tight = run(session(max_concurrency=1))
    assert not [span for span in free.spans if span.kind == "queue.limit"]
    waits = [span for span in tight.spans if span.kind == "queue.limit"]
    assert len(waits) == 1
    assert waits[0].waker is not None
    assert tight.duration_s > free.duration_s


@pytest.mark.parametrize(
    "asks", [{"model": "m"}, {"step": "warm"}], ids=["by its model", "by its step"]
)
def test_one_call_of_a_fan_out_goes_first_and_the_others_waits_are_accounted_for(
    asks: dict[str, str],
) -> None:
    step = {"kind": "split", "agents": ["ann"], "items": ["one", "two", "three"]}
    model = {"use": "sim", "cache": "warm"} if "model" in asks else {"use": "sim"}
    step |= {"cache": asks["step"]} if "step" in asks else {}
    options = RunOptions(task="A long text.\n" * 1000, wishes=Wishes(model="m"))
    outcome = run(session(options, models={"m": model}, steps=[step]))
    waits = [span for span in outcome.spans if span.kind == "queue.warm"]
    assert len(waits) == 2
    assert len({wait.waker for wait in waits}) == 1
    path = critical_path(outcome.spans)
    assert sum(each.duration for each in path.segments) == outcome.end - outcome.start


def test_an_interrupted_session_says_so_even_before_it_started() -> None:
    interrupted = session()
    interrupted.interrupt("SIGINT")
    outcome = run(interrupted)
    assert (outcome.status, outcome.exit_code) == ("interrupted", 130)


# ------------------------------------------------------------------------------ Python users


def small(**document: Any) -> Council:
    return Council(
        steps=[
            Parallel(id="answers", agents=(ANN, BOB)),
            Vote(id="pick", candidates="{{ answers }}", voters=("ann", "bob")),
            Chair(agent="ann"),
        ],
        **document,
    )


def test_a_council_built_in_python_runs() -> None:
    outcome = small().run("Tea or coffee?", model="sim:instant")
    assert outcome.status == "ok"
    assert [step.id for step in outcome.steps] == ["answers", "pick", "chair"]
    assert str(outcome.answer).startswith("[simulated]")


def test_it_is_checked_as_strictly_as_a_file() -> None:
    with pytest.raises(InvalidCouncil) as caught:
        Council(
            steps=[
                Debate(agents=(ANN, "bbo"), rounds=0),
                Ask(agent=BOB, prompt="{{ nope }}", needs=("nowhere",)),
            ],
            answr="x",  # type: ignore[call-arg]
        )
    text = str(caught.value)
    for mistake in ("answr", "bbo", "rounds", "nope", "nowhere"):
        assert mistake in text


def test_limits_and_models_are_the_same_nouns() -> None:
    assert small(limits=Limits(calls=3), model="sim:fast").run("x").status == "limit"


def test_events_stream_with_the_text_and_then_the_outcome_is_there() -> None:
    council = small()

    async def main(loop: VirtualLoop) -> list[type]:
        return [type(event) async for event in council.stream("Tea?", model="sim")]

    kinds = run_virtual(main)
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunFinished
    assert TextArrived in kinds
    assert council.outcome.status == "ok"


def test_leaving_the_stream_early_cancels_the_run() -> None:
    council = small()

    async def main(loop: VirtualLoop) -> tuple[float, int]:
        events = council.stream("Tea?", model="sim:slow")
        async for _ in events:
            break
        await events.aclose()  # type: ignore[attr-defined]
        return loop.time(), len(asyncio.all_tasks())

    assert run_virtual(main) == (0, 1)
    with pytest.raises(UsageError, match="no run of this council has ended"):
        assert council.outcome


def test_without_events_nothing_is_built_and_nothing_streams() -> None:
    seen: list[object] = []
    council = small(emit_events=False)

    async def main(loop: VirtualLoop) -> RunOutcome:
        return await council.execute("Tea?", on_events=seen.extend)

    assert run_virtual(main).status == "ok"
    assert seen == []
    with pytest.raises(UsageError, match="emit_events"):
        asyncio.run(anext(council.stream("Tea?")))  # type: ignore[arg-type]


def test_a_shipped_council_is_found_by_name_and_a_near_miss_is_named() -> None:
    assert find_council("quickstart").name == "quickstart.yaml"
    assert Council.load("quickstart").spec.name == "quickstart"
    with pytest.raises(UsageError) as caught:
        find_council("quikstart")
    assert "did you mean 'quickstart'?" in str(caught.value.hint)


def test_a_path_is_never_taken_for_a_name(tmp_path: Path) -> None:
    assert find_council("missing.yaml") == Path("missing.yaml")
    assert find_council(str(tmp_path / "x")) == tmp_path / "x"


def test_agents_may_be_given_as_a_list() -> None:
    outcome = Council(agents=[ANN, BOB], steps=[Parallel(agents=("ann", "bob"))]).run("x")
    assert list(outcome.answer) == ["ann", "bob"]


def test_what_may_differ_from_run_to_run_does() -> None:
    council = small()
    first, same = (council.run("x", seed=1, model="sim:instant") for _ in range(2))
    assert first.answer == same.answer
    assert council.run("x", timeout_s=0.01, model="sim:slow").status == "limit"


def test_running_inside_a_loop_says_what_to_await() -> None:
    async def main() -> None:
        small().run("x")

    with pytest.raises(UsageError) as caught:
        asyncio.run(main())
    assert caught.value.hint == "await council.execute(…)"


def test_a_run_needs_a_task_that_its_prompts_speak_of() -> None:
    with pytest.raises(UsageError, match="there is no task"):
        small().run()
    steps = [{"kind": "ask", "agent": "ann", "prompt": "Say hello."}]
    assert run(session(RunOptions(), steps=steps)).status == "ok"


def test_a_claude_word_without_a_key_is_said_to_be_another_model() -> None:
    outcome = run(session(agents={"ann": {"role": "a", "model": "sonnet"}, "bob": {"role": "b"}}))
    assert outcome.warnings == ("model 'sonnet' needs ANTHROPIC_API_KEY: another one answers",)


def test_what_was_said_in_a_step_that_did_not_end_is_kept() -> None:
    options = RunOptions(task="go", wishes=Wishes(model="sim:spread=0"), max_concurrency=1)
    outcome = run(session(options, limits={"time": "3s"}))
    step = outcome.step("parallel")
    assert (outcome.status, step.status, step.value) == ("limit", "cancelled", None)
    assert [part.label for part in step.parts] == ["ann"]
    assert step.parts[0].text.startswith("[simulated]")


def test_a_keyword_that_no_run_takes_is_refused_with_the_one_that_was_meant() -> None:
    council = Council(steps=[Ask(agent=ANN)], model="sim:instant")
    with pytest.raises(UsageError, match="a run takes no 'cach'") as caught:
        council.run("x", cach=True)  # type: ignore[call-arg]
    assert "cache" in str(caught.value.hint)
    with pytest.raises(UsageError, match="keeps none"):
        council.run("x", cache=False, refresh=True)
