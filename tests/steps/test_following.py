"""Pieces of split work that come after others."""

from __future__ import annotations

import pytest

from konseho_cli.core.errors import ModelUnavailable, StepFailed
from konseho_cli.steps.fields import Output
from konseho_cli.steps.split import Split
from tests.steps.conftest import Confer

NEEDS = "{{ item.needs }}"
HOUSE = [
    {"name": "roof", "needs": ["walls"]},
    {"name": "walls", "needs": ["Base "]},
    {"name": "base", "needs": []},
    {"name": "garden", "needs": None},
]


def test_a_piece_begins_when_those_it_builds_on_are_done_and_reads_them(confer: Confer) -> None:
    _, ctx = confer(
        Split(agent="w", items=HOUSE, after=NEEDS), lambda asked: f"the {asked.label}, done"
    )
    assert [asked.label for asked in ctx.asked] == ["base", "garden", "walls", "roof"]
    walls, roof = (asked.prompt for asked in ctx.asked[2:])
    assert '<result of="base">\nthe base, done\n</result>' in walls
    assert '<result of="walls">\nthe walls, done\n</result>' in roof
    assert "the base, done" not in roof
    assert "without seeing your answer" not in roof


def test_a_prompt_of_the_users_own_reads_them_as_values(confer: Confer) -> None:
    step = Split(
        agent="w", items=HOUSE, after=NEEDS, merge="list", output=Output(schema={"type": "object"}),
        prompt="{{ item.name }} on {{ needed | items | list }}",
    )  # fmt: skip
    result, ctx = confer(step, lambda asked: {"made": asked.label})
    assert ctx.asked[2].prompt == 'walls on [["base", {"made": "base"}]]'
    assert [piece["after"] for piece in result.details["pieces"]] == [[2], [3], [], []]
    assert result.value[0] == {"made": "roof"}


def test_a_piece_that_failed_holds_nobody_up(confer: Confer) -> None:
    def answer(asked):
        if asked.label == "base":
            raise ModelUnavailable("503")
        return "done"

    _, ctx = confer(Split(agent="w", items=HOUSE, after=NEEDS, quorum=3), answer)
    assert [asked.label for asked in ctx.finished] == ["garden", "walls", "roof"]
    assert "builds on" not in ctx.asked[2].prompt


def test_no_instance_is_held_while_a_piece_waits(confer: Confer) -> None:
    step = Split(agent="w", items=HOUSE, after=NEEDS, max_agents=1)
    _, ctx = confer(step, lambda asked: "done")
    assert [asked.label for asked in ctx.finished] == ["base", "garden", "walls", "roof"]


def test_a_name_that_nobody_has_holds_nothing_up(confer: Confer) -> None:
    items = [{"name": "walls", "needs": ["bass", "land"]}, {"name": "base", "needs": "land"}]
    _, ctx = confer(Split(agent="w", items=items, after=NEEDS), lambda asked: "done")
    assert [asked.label for asked in ctx.asked] == ["walls", "base"]
    assert ctx.notes[-1] == "2 pieces, 2 at a time, none is called 'bass', 'land'"
    assert ctx.reasons == []
    _, ctx = confer(
        Split(agent="w", items=[{"name": "base", "needs": "bass"}], after=NEEDS), lambda asked: "x"
    )
    assert "did you mean 'base'?" in ctx.notes[-1]


def test_names_are_keys_of_a_mapping_or_the_text_itself(confer: Confer) -> None:
    made = {"b": {"on": "a"}, "a": {"on": []}}
    step = Split(agent="w", items="{{ made }}", after="{{ item.on }}")
    _, ctx = confer(step, lambda asked: "done", names={"made": made})
    assert [asked.label for asked in ctx.asked] == ["a", "b"]
    step = Split(agent="w", items=["x", "y"], after="{{ ['y'] if item == 'x' else [] }}")
    _, ctx = confer(step, lambda asked: "done")
    assert [asked.label for asked in ctx.asked] == ["y", "x"]


def test_any_of_its_names_will_do(confer: Confer) -> None:
    items = [
        {"id": "t1", "title": "Tests", "needs": [0]},
        {"id": "t2", "title": "Tests", "needs": ["T1", "code"]},
        {"id": 0, "title": "Code", "needs": []},
        {"id": "tests", "title": "Docs", "needs": ["t2", "t1"]},
    ]
    step = Split(agent="w", items=items, after=NEEDS)
    _, ctx = confer(step, lambda asked: f"{asked.item}, done")
    assert [asked.item for asked in ctx.asked] == ["3", "1", "2", "4"]
    assert '<result of="0">\n3, done\n</result>' in ctx.asked[1].prompt
    docs = ctx.asked[3].prompt
    assert 0 < docs.index('<result of="t2">\n2, done') < docs.index('<result of="t1">\n1, done')


def test_a_name_goes_before_what_a_piece_may_be_called_as_well(confer: Confer) -> None:
    items = [{"id": "b", "name": "a", "needs": ["b"]}, {"id": "a", "name": "b", "needs": []}]
    _, ctx = confer(Split(agent="w", items=items, after=NEEDS), lambda asked: "done")
    assert [asked.label for asked in ctx.asked] == ["b", "a"]


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([{"name": "a", "needs": ["b"]}, {"name": "b", "needs": "a"}], "each other: a → b → a"),
        ([{"name": "a", "needs": ["a"]}], "each other: a → a"),
        ([{"name": "a"}, {"name": "A"}, {"name": "b", "needs": ["a"]}], "2 pieces are called 'a'"),
        ([{"name": "a", "needs": {"b": 1}}], "`after` of 'a' is"),
    ],
)
def test_what_can_have_no_order_is_refused(confer: Confer, items: list[object], says: str) -> None:
    step = Split(agent="w", items="{{ x }}", after="{{ item.needs | default([]) }}")
    with pytest.raises(StepFailed, match=says) as caught:
        confer(step, lambda asked: "done", names={"x": items})
    assert "after" in (caught.value.hint or "")


def test_one_order_for_all_pieces_is_none() -> None:
    assert set(Split(agent="w", after="base").check()) == {"after"}
    assert Split(agent="w", after=NEEDS).check() == {}
