"""A small window: what a model is asked then, and that the run says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from konseho_cli.agents.definition import Agent
from konseho_cli.core.errors import ModelRefused
from konseho_cli.core.units import Count
from konseho_cli.council import Council
from konseho_cli.engine.cast import Speaker
from konseho_cli.engine.fitting import Brief, fit_prompt
from konseho_cli.models.base import Message, Request, Usage
from konseho_cli.models.sim import SimModel
from konseho_cli.models.tokens import MOST, START, TokenEstimator
from konseho_cli.spec.document import ModelSpec
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.parallel import Parallel

OLD = {"title": "draft / ann", "text": "old " * 2000}
NEW = {"title": "review / bob", "text": "new " * 2000}


def write(sources: Sequence[Mapping[str, str]]) -> str:
    return "# Task\n\nChoose.\n\n" + "".join(f"# {s['title']}\n\n{s['text']}\n\n" for s in sources)


def speaker(window: int | None, max_tokens: int | None = None) -> Speaker:
    request = Request(model="m", messages=(Message("system", "x" * 400),), max_tokens=max_tokens)
    return Speaker(
        id="ann", agent=Agent(role="."), model=SimModel(""), model_name="openai:m",
        request=request, window=window,
    )  # fmt: skip


def fitted(
    window: int | None,
    *sources: dict[str, str],
    prompt: str = "{}\n# Your part\n\nDecide.\n",
    schema: Any = None,
    tokens: TokenEstimator | None = None,
    max_tokens: int | None = None,
) -> tuple[str, list[str]]:
    brief = Brief(text=write(sources), sources=sources, write=write)
    said: list[str] = []
    text = fit_prompt(
        prompt.format(brief.text), schema, speaker(window, max_tokens),
        tokens or TokenEstimator(), lambda: brief, said.append,
    )  # fmt: skip
    return text, said


def test_without_a_window_a_prompt_is_sent_as_it_is() -> None:
    text, said = fitted(None, OLD, NEW)
    assert OLD["text"] in text
    assert not said


def test_with_room_enough_too() -> None:
    text, said = fitted(100_000, OLD, NEW)
    assert OLD["text"] in text
    assert not said


def test_the_oldest_output_makes_room_and_the_step_says_so() -> None:
    text, said = fitted(4000, OLD, NEW)  # 3,000 tokens of it for the prompt: 12,000 characters
    assert 11_000 < len(text) <= 11_600  # the role takes 400 of them
    assert NEW["text"] in text
    assert "characters left out" in text
    assert text.startswith("# Task\n\nChoose.")
    assert text.endswith("# Your part\n\nDecide.\n")
    assert said == [
        "ann: the prompt was shortened from about 4.1k to 3.0k tokens to fit the window of openai:m"
    ]


def test_the_answer_gets_its_max_tokens_of_the_window() -> None:
    roomy, _ = fitted(4000, OLD, NEW, max_tokens=100)
    tight, _ = fitted(4000, OLD, NEW, max_tokens=3000)
    greedy, _ = fitted(4000, OLD, NEW, max_tokens=50_000)
    assert len(roomy) > 15_000
    assert len(tight) <= 4 * 1000 - 400
    assert len(greedy) == len(tight)


def test_a_schema_takes_its_part_of_the_window() -> None:
    schema = {"type": "object", "description": "d" * 4000}
    text, _ = fitted(4000, OLD, NEW, schema=schema)
    assert len(text) <= 12_000 - 400 - 4000


def test_a_model_that_counts_more_tokens_gets_less() -> None:
    tokens = TokenEstimator()
    tokens.observe("openai:m", 2000, Usage(input_tokens=1000))
    text, _ = fitted(4000, OLD, NEW, tokens=tokens)
    assert len(text) <= 3000 * 2 - 400


def test_a_prompt_of_ones_own_is_shortened_in_its_longest_part() -> None:
    text, said = fitted(2000, prompt="# Mine\n\nDo it.\n# Text\n\n" + "y" * 20_000)
    assert text.startswith("# Mine\n\nDo it.\n# Text\n\nyyy")
    assert len(text) <= 1500 * 4 - 400
    assert len(said) == 1


def test_where_the_outputs_have_no_more_to_give_the_rest_does() -> None:
    candidates = '<candidate label="A">' + "c" * 30_000 + "</candidate>"
    text, _ = fitted(2000, OLD, NEW, prompt="{}\n" + candidates + "\n# Your part\n\nDecide.\n")
    assert len(text) <= 1500 * 4 - 400
    assert text.endswith("# Your part\n\nDecide.\n")


def test_a_window_that_holds_little_gets_little() -> None:
    text, said = fitted(500, OLD, NEW)
    assert 0 < len(text) <= 3 * 500
    assert len(said) == 1


@pytest.mark.parametrize("window", [1, 10, 100])
def test_a_window_that_the_role_fills_is_refused_rather_than_asked_nothing(window: int) -> None:
    with pytest.raises(ModelRefused, match="its role fills the window"):
        fitted(window, OLD, NEW)


def test_a_run_with_a_small_window_ends_degraded_and_says_which_prompt_was_shortened() -> None:
    agents = [Agent(name=name, role=f"You are {name}.") for name in ("ann", "bob")]
    council = Council(
        agents=[*agents, Agent(name="cid", role="You write.", model="small")],
        models={
            "small": ModelSpec(use="sim:instant", window=Count(2000)),
            "long": ModelSpec(use="sim:tokens=4000,spread=0,ttft=0,tps=1e9"),
        },
        steps=[Parallel(agents=("ann", "bob")), Chair(agent="cid")],
    )
    outcome = council.run("Tell me.", model="long")
    assert outcome.status == "degraded"
    (reason,) = outcome.reasons
    assert reason.startswith("chair: cid: the prompt was shortened from about ")
    assert reason.endswith(" to 1.5k tokens to fit the window of sim:instant")


def test_a_run_learns_how_many_tokens_a_prompt_takes(stage: Any) -> None:
    tokens = TokenEstimator()
    stage.run({"ask": Ask(agent="ann")}, task="x" * 1000, tokens=tokens)  # counted as 2 tokens
    assert tokens.per_token("test:scripted") == MOST
    assert tokens.per_token("openai:m") == START


def test_a_stand_in_has_a_window_of_its_own() -> None:
    council = Council(
        agents=[
            Agent(name="ann", role="You fail.", model="broken"),
            Agent(name="bob", role="You help.", model="small"),
        ],
        models={
            "small": ModelSpec(use="sim:instant", window=Count(1000)),
            "broken": ModelSpec(use="sim:errors=1,ttft=0", attempts=1),
        },
        steps=[Ask(agent="ann", on_error="fallback", fallback={"agent": "bob"}, retries=0)],  # type: ignore[arg-type]
        task="x" * 9000,
    )
    outcome = council.run()
    assert "bob: the prompt was shortened" in outcome.reasons[0]
    assert "bob stood in for ann" in outcome.reasons[1]
