from __future__ import annotations

import asyncio

import pytest

from konseho_cli.core.errors import ModelUnavailable, StepFailed
from konseho_cli.steps.fields import Output
from konseho_cli.steps.split import Split, staff

LETTERS = list("abcdefgh")


def upper(asked):
    return f"<{asked.item}>"


def most_at_once(confer, step, seconds=lambda asked: 1):
    """How many pieces were worked on at the same time, at most."""
    now = most = 0

    async def answer(asked):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(seconds(asked))
        now -= 1
        return "done"

    _, ctx = confer(step, answer)
    return most, ctx


def test_pieces_are_joined_in_their_order_whoever_is_first(confer):
    async def answer(asked):
        await asyncio.sleep(10 - int(asked.item))
        return f"part {asked.item}"

    result, ctx = confer(Split(agent="w", items=["a", "b", "c"]), answer)
    assert [asked.item for asked in ctx.finished] == ["3", "2", "1"]
    assert result.value == "part 1\n\npart 2\n\npart 3"
    assert [part.label for part in result.parts] == ["1: a", "2: b", "3: c"]


def test_a_list_keeps_the_values(confer):
    step = Split(
        agent="w", items=["a", "b"], merge="list", output=Output(schema={"type": "object"})
    )
    result, ctx = confer(step, lambda asked: {"n": int(asked.item)})
    assert result.value == [{"n": 1}, {"n": 2}]
    assert all(asked.schema == {"type": "object"} for asked in ctx.asked)


def test_a_merger_sees_all_results_whole_and_has_the_last_word(confer):
    def answer(asked):
        return {"sum": 3} if asked.agent == "editor" else f"result {asked.item} " + "x" * 9_000

    step = Split(
        agent="w", items=["a", "b"], merge="agent", merger="editor",
        output=Output(schema={"type": "object"}),
    )  # fmt: skip
    result, ctx = confer(step, answer)
    assert result.value == {"sum": 3}
    assert all(f"result {number} " + "x" * 9_000 in ctx.asked[-1].prompt for number in (1, 2))
    assert [asked.schema for asked in ctx.asked] == [None, None, {"type": "object"}]
    assert [part.label for part in result.parts] == ["editor"]


def test_the_agent_of_the_pieces_merges_by_default(confer):
    _, ctx = confer(Split(agent="w", items=["a"], merge="agent"), upper)
    assert [(asked.agent, asked.item) for asked in ctx.asked] == [("w", "1"), ("w", "merge")]


def test_without_items_the_task_is_cut(confer):
    names = {"task": "Look at:\n- apples\n- pears\n"}
    _, ctx = confer(Split(agent="w"), upper, names=names)
    assert [asked.label for asked in ctx.asked] == ["apples", "pears"]
    assert "<piece>\napples\n</piece>" in ctx.asked[0].prompt
    assert "1 of 2" in ctx.asked[0].prompt
    assert "Look at" in ctx.asked[0].prompt


def test_items_come_from_a_template(confer):
    step = Split(agent="w", items="{{ plan.parts }}", merge="list")
    result, _ = confer(step, upper, names={"plan": {"parts": [{"name": "x"}, {"name": "y"}]}})
    assert result.value == ["<1>", "<2>"]
    assert step.references() == {"items": frozenset({"plan.parts"})}


def test_a_prompt_that_reads_the_item_stands_alone(confer):
    step = Split(agent="w", items=["a", "b"], prompt="{{ index }}/{{ total }}: {{ item }}")
    _, ctx = confer(step, upper)
    assert [asked.prompt for asked in ctx.asked] == ["1/2: a", "2/2: b"]
    assert step.references()["prompt"] == frozenset()


def test_any_other_prompt_takes_the_place_of_the_brief(confer):
    _, ctx = confer(Split(agent="w", items=["a"], prompt="Translate."), upper)
    assert ctx.asked[0].prompt.startswith("Translate.\n")
    assert "<piece>\na\n</piece>" in ctx.asked[0].prompt


# -------------------------------------------------------------------------------------- instances


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"strategy": "items"}, 8),
        ({"strategy": "auto"}, 8),
        ({"strategy": "auto", "max_agents": 3}, 3),
        ({"strategy": "fixed", "max_agents": 2}, 2),
        ({"strategy": "adaptive", "max_agents": 3}, 3),
        ({"strategy": "adaptive", "min_agents": 2, "max_agents": 2}, 2),
    ],
)
def test_the_strategy_sets_how_many_work_at_once(confer, given, expected):
    most, _ = most_at_once(confer, Split(agent="w", items=LETTERS, **given))
    assert most == expected


def test_items_knows_no_limit(confer):
    step = Split(agent="w", items=list(range(30)), strategy="items", max_agents=2)
    assert most_at_once(confer, step)[0] == 30


def test_adaptive_starts_low_and_grows_as_pieces_finish(confer):
    step = Split(agent="w", items=LETTERS, strategy="adaptive", min_agents=1, max_agents=8)
    moments: list[tuple[float, str]] = []

    async def answer(asked):
        moments.append((asyncio.get_running_loop().time(), asked.item))
        await asyncio.sleep(1)
        return "done"

    result, _ = confer(step, answer)
    starts = [sum(at == second for at, _ in moments) for second in (0, 1, 2, 3)]
    assert starts == [1, 2, 4, 1]  # the last second has but one piece left
    assert result.details["instances"] == 4


def test_adaptive_does_not_grow_where_nobody_waits(confer):
    step = Split(agent="w", items=["a", "b"], strategy="adaptive", min_agents=2)
    result, _ = confer(step, upper)
    assert result.details["instances"] == 2


def test_several_agents_take_their_turns(confer):
    step = Split(agents=("ann", "bob"), items=["a", "b", "c", "d"], max_agents=4)
    result, ctx = confer(step, upper)
    assert [asked.agent for asked in ctx.asked] == ["ann", "bob", "ann", "bob"]
    assert ctx.leased == ["ann#1", "bob#1", "ann#2", "bob#2"]
    assert [one["instance"] for one in result.details["pieces"]] == ctx.leased


def test_an_instance_that_is_free_takes_the_next_piece(confer):
    async def answer(asked):
        await asyncio.sleep(9 if asked.agent == "ann" else 1)
        return "done"

    step = Split(agents=("ann", "bob"), items=["a", "b", "c", "d"], strategy="fixed", max_agents=2)
    _, ctx = confer(step, answer)
    assert ctx.leased == ["ann#1", "bob#1", "bob#1", "bob#1"]


def test_instances_are_named_after_their_agents():
    assert staff(("ann", "bob"), 3) == {"ann#1": "ann", "bob#1": "bob", "ann#2": "ann"}


def test_waiting_for_an_instance_is_a_span_that_knows_who_ended_it(stage, scripted):
    step = Split(agent="ann", items=["a", "b", "c"], strategy="fixed", max_agents=1)
    outcome = stage.run({"work": step})
    waits = [span for span in outcome.spans if span.kind == "queue.pool"]
    asks = {span.id: span for span in outcome.spans if span.kind == "ask"}
    assert outcome.duration_s == 3
    assert [asks[wait.waker].end for wait in waits] == [wait.end for wait in waits]
    assert len(waits) == 2


def test_an_adaptive_pool_grows_by_whoever_finished(stage, scripted):
    step = Split(agent="ann", items=list("abcdefgh"), strategy="adaptive", max_agents=8)
    outcome = stage.run({"work": step})
    assert outcome.duration_s == 4  # 1, 2, 4 and the last one
    waits = [span for span in outcome.spans if span.kind == "queue.pool"]
    assert all(wait.waker is not None for wait in waits)


# --------------------------------------------------------------------------------------- failures


def failing(item):
    return lambda asked: ModelUnavailable("503") if asked.item == item else f"<{asked.item}>"


def test_a_failed_piece_fails_it_unless_the_quorum_is_lower(confer):
    with pytest.raises(StepFailed, match="503"):
        confer(Split(agent="w", items=["a", "b", "c"]), failing("2"))
    result, ctx = confer(Split(agent="w", items=["a", "b", "c"], quorum=2), failing("2"))
    assert result.value == "<1>\n\n<3>"
    assert ctx.reasons == ["piece 2 was dropped: 503"]
    assert result.details["pieces"][1]["answer"] is None


def test_the_merger_is_told_what_is_missing(confer):
    step = Split(agent="w", items=["apples", "pears"], quorum=1, merge="agent")
    _, ctx = confer(step, failing("2"))
    assert "No result came for: pears." in ctx.asked[-1].prompt


def test_nothing_to_split_says_what_was_looked_for(confer):
    step = Split(agent="w", items="{{ plan }}", by="bullets")
    with pytest.raises(StepFailed, match="no bulleted lines in 'prose'"):
        confer(step, upper, names={"plan": "prose"})


def test_more_than_ten_thousand_pieces_are_refused(confer):
    with pytest.raises(StepFailed, match="10,001 pieces are more than 10,000"):
        confer(Split(agent="w", items="{{ x }}"), upper, names={"x": ["a"] * 10_001})


def test_a_quorum_above_the_number_of_pieces_cannot_be_met(confer):
    with pytest.raises(StepFailed, match="only 2 pieces"):
        confer(Split(agent="w", items="{{ x }}", quorum=3), upper, names={"x": ["a", "b"]})


# ------------------------------------------------------------------------------------------ rules


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "agents"),
        ({"agent": "w", "agents": ("v",)}, "agents"),
        ({"agents": ("w", "w")}, "agents"),
        ({"agent": "w", "min_agents": 9}, "min_agents"),
        ({"agent": "w", "merger": "e"}, "merger"),
        ({"agent": "w", "output": Output(schema={})}, "output"),
        ({"agent": "w", "items": []}, "items"),
        ({"agent": "w", "items": ["a"] * 10_001}, "items"),
        ({"agent": "w", "items": ["a"], "by": "lines"}, "by"),
        ({"agent": "w", "items": ["a"], "quorum": 2}, "quorum"),
    ],
)
def test_rules_of_a_split(given, field):
    assert set(Split(**given).check()) == {field}


def test_a_sound_split_breaks_no_rule():
    step = Split(agent="w", merge="agent", merger="e", output=Output(schema={}), quorum=2)
    assert step.check() == {}
    assert step.estimate().fewest == 2
    assert step.estimate().most is None
    assert Split(agent="w", items=["a", "b"]).estimate().most == 2


def test_one_piece_is_one(confer):
    for items, told in ((["a"], "1 piece"), (["a", "b"], "2 pieces, 2 at a time")):
        _, ctx = confer(Split(agent="w", items=items), lambda asked: "done")
        assert ctx.notes == [told]
