"""One agent for every item: what is written, what is refused, and what it is expanded to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.agents.member import Member
from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.engine.plan import plan_of
from konseho_cli.spec.load import check_document
from konseho_cli.spec.members import MOST
from konseho_cli.spec.populations import populate
from konseho_cli.spec.sizes import sizes_of
from konseho_cli.steps.parallel import Parallel

PEOPLE = [{"name": "Ana", "mood": "calm"}, {"name": "Bo", "mood": "sly"}]
STEPS = "steps: [{kind: parallel, agents: [villager]}]\n"


def council(villager: dict[str, Any], *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    agents = {"villager": villager, "chair": {}} | more.pop("agents", {})
    steps = steps or ({"kind": "parallel", "agents": ["villager", "chair"]},)
    return {"konseho": 1, "name": "town", "agents": agents, "steps": list(steps), **more}


def members(document: dict[str, Any], **inputs: Any) -> dict[str, Member]:
    spec = populate(check_document(document), "", inputs).spec
    return {name: each for name, each in spec.agents.items() if isinstance(each, Member)}


def refused(document: dict[str, Any], **inputs: Any) -> list[str]:
    with pytest.raises(InvalidCouncil) as raised:
        populate(check_document(document), "", inputs)
    return [f"{each.path}: {each.message}" for each in raised.value.problems]


def test_each_item_becomes_an_agent_with_its_state() -> None:
    found = members(council({"each": PEOPLE, "role": "You are {{ item.name }}, {{ index }}."}))
    assert list(found) == ["villager_1", "villager_2"]
    assert [each.item for each in found.values()] == PEOPLE
    assert found["villager_2"].system == "You are Bo, 2."


def test_a_list_that_names_it_means_all_of_them_beside_others() -> None:
    loaded = populate(check_document(council({"each": PEOPLE})), "", {})
    step = loaded.steps["parallel"]
    assert isinstance(step, Parallel)
    assert step.agents == ("villager_1", "villager_2", "chair")
    assert loaded.spec.steps == (step,)


def test_the_inputs_may_say_who_they_are() -> None:
    document = council(
        {"each": "{{ inputs.people }}"}, inputs={"people": {"type": "json", "default": []}}
    )
    assert len(members(document, people=PEOPLE * 3)) == 6
    assert refused(document, people=[]) == [
        "agents.villager.each: the list is empty: a population has at least one member"
    ]
    assert "a list is needed, got a mapping" in refused(document, people={"a": 1})[0]
    assert "`type: json`" in refused(document, people='[{"name": "Ana"}]')[0]


def test_items_need_not_be_mappings() -> None:
    found = members(council({"each": ["red", 2, None], "role": "You are {{ item }}."}))
    assert [each.system for each in found.values()] == [
        "You are red.",
        "You are 2.",
        "You are null.",
    ]


def test_what_an_item_says_is_data_and_no_template() -> None:
    found = members(council({"each": [{"name": "{{ 7 * 7 }}{% x"}], "role": "{{ item.name }}!"}))
    assert found["villager_1"].system == "{{ 7 * 7 }}{% x!"


def test_an_item_that_lacks_what_is_read_is_named_by_its_index() -> None:
    people = [{"name": "Ana"}, {}, {"name": None}]
    assert refused(council({"each": people, "role": "{{ item.name }}"})) == [
        "agents.villager.each[1]: its `role` cannot be written: it has no 'name'"
    ]
    document = council(
        {"each": "{{ inputs.people }}", "role": "{{ item.name | upper }}"},
        inputs={"people": {"type": "json"}},
    )
    assert "agents.villager.each[1]: its `role`" in refused(document, people=people)[0]


def test_a_template_may_make_do_without() -> None:
    role = "{% if item.name is defined %}{{ item.name }}{% else %}somebody{% endif %}"
    found = members(council({"each": [{"name": "Ana"}, {}], "role": role}))
    assert [each.system for each in found.values()] == ["Ana", "somebody"]


def test_names_can_be_their_own() -> None:
    people = [{"name": "Ana Ruíz"}, {"name": "Bo"}]
    assert list(members(council({"each": people, "name": "{{ item.name }}"}))) == ["ana_ruiz", "bo"]
    assert refused(council({"each": [*people, {"name": "bo!"}], "name": "{{ item.name }}"})) == [
        "agents.villager.each[2]: its name is 'bo', and so is that of item 1"
    ]
    assert "makes no id" in refused(council({"each": [{"n": "日本"}], "name": "{{ item.n }}"}))[0]


def test_a_member_takes_no_name_of_another_agent() -> None:
    document = council({"each": PEOPLE}, agents={"villager_2": {}})
    document["steps"].append({"kind": "ask", "agent": "villager_2"})
    assert refused(document) == ["agents.villager_2: there is another agent 'villager_2'"]


def test_weights_can_be_read_from_items() -> None:
    items = [{"shares": 3}, {"shares": "0.5"}]
    found = members(council({"each": items, "weight": "{{ item.shares }}"}))
    assert [each.weight for each in found.values()] == [3.0, 0.5]
    wrong = council({"each": [{"shares": 1}, {"shares": 0}], "weight": "{{ item.shares }}"})
    assert refused(wrong) == ["agents.villager.each[1]: its `weight` must be above 0, not 0"]
    assert "expected a number above 0" in refused(council({"weight": "{{ 1 }}"}))[0]


def test_what_a_step_finds_is_too_late_for_who_speaks() -> None:
    document = council(
        {"each": "{{ plan }}"}, {"id": "plan", "kind": "ask", "agent": "chair"},
        {"kind": "parallel", "agents": ["villager"]},
    )  # fmt: skip
    with pytest.raises(InvalidCouncil, match=r"'plan' is known too late.*`split` with `items`"):
        check_document(document)


@pytest.mark.parametrize(
    ("villager", "message"),
    [
        ({"each": "people"}, "it must be a list, a file, or one {{ expression }}"),
        ({"each": "people.csv"}, "(write {file: people.csv})"),
        ({"each": "{{ inputs.peple }}"}, "unknown input 'peple'"),
        ({"each": PEOPLE, "role": "{{ task }}"}, "only `item` and `index` are known here"),
        ({"each": PEOPLE, "role": "{{ item. }}"}, "not a template"),
        ({"each": []}, "the list is empty"),
        ({"each": {"file": "nobody.csv"}}, "nobody.csv does not exist"),
        ({"each": {"file": "../x.csv"}}, "outside the council's folder"),
    ],
)  # fmt: skip
def test_mistakes_are_found_before_the_run(villager: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCouncil) as raised:
        check_document(council(villager))
    assert message in str(raised.value)


def test_a_file_that_nobody_names_is_not_looked_for() -> None:
    (only,) = refused(council({"each": {"file": 3}}))
    assert "each.file: expected text" in only


def test_a_member_cannot_be_named_alone() -> None:
    with pytest.raises(InvalidCouncil, match="'villager' means all of its members"):
        check_document(council({"each": PEOPLE}, {"kind": "ask", "agent": "villager_1"}))
    with pytest.raises(InvalidCouncil) as raised:
        check_document(council({"each": PEOPLE}, {"kind": "ask", "agent": "chair_1"}))
    assert "members" not in str(raised.value)


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "ask", "agent": "villager"},
        {"kind": "vote", "candidates": ["a"], "voters": ["chair"], "method": "moderator",
         "moderator": "villager"},
        {"kind": "parallel", "agents": ["chair"], "on_error": "fallback",
         "fallback": {"agent": "villager"}},
        {"kind": "ask", "agent": "chair", "window": {"messages": 1, "summary": "villager"}},
    ],
)  # fmt: skip
def test_where_one_agent_is_needed_many_are_refused(step: dict[str, Any]) -> None:
    with pytest.raises(InvalidCouncil, match="'villager' is a population, and one agent is needed"):
        check_document(council({"each": PEOPLE}, step))


def test_one_written_in_a_step_has_the_steps_name_or_its_own() -> None:
    population = {"each": PEOPLE, "role": "You are {{ item.name }}."}
    for written, names in (
        (population, ["hear_1", "hear_2"]),
        ([{**population, "name": "folk"}, "chair"], ["folk_1", "folk_2", "chair"]),
        ({**population, "name": "{{ item.name }}"}, ["ana", "bo"]),
    ):
        step = {"id": "hear", "kind": "parallel", "agents": written}
        document = {"konseho": 1, "name": "t", "agents": {"chair": {}}, "steps": [step]}
        loaded = populate(check_document(document), "", {})
        assert list(loaded.steps["hear"].speakers()["agents"]) == names


def test_one_written_in_a_step_of_a_loop_has_the_name_of_that_step() -> None:
    inner = [
        {"id": name, "kind": "parallel", "agents": {"each": ["x", "y"], "role": f"{name} {{{{ item }}}}"}}
        for name in ("hear", "answer")
    ]  # fmt: skip
    loaded = check_document({
        "konseho": 1, "name": "c", "task": "t",
        "steps": [{"id": "polish", "kind": "loop", "max": 1, "steps": inner}],
    })  # fmt: skip
    assert list(loaded.spec.agents) == ["hear", "answer"]


def test_a_mapping_in_the_place_of_a_list_needs_each() -> None:
    document = council({"each": PEOPLE}, {"kind": "parallel", "agents": {"name": "ann"}})
    with pytest.raises(InvalidCouncil, match="it needs `each`"):
        check_document(document)


def test_rules_of_a_kind_are_held_as_soon_as_the_number_is_known() -> None:
    step = {"kind": "parallel", "agents": ["villager"], "quorum": 3}
    with pytest.raises(InvalidCouncil, match="3 is above the number of agents, 2"):
        check_document(council({"each": PEOPLE}, step))
    open_ = council({"each": "{{ inputs.people }}"}, step, inputs={"people": {"type": "json"}})
    assert len(members(open_, people=PEOPLE * 2)) == 4
    assert refused(open_, people=PEOPLE) == ["steps[0].quorum: 3 is above the number of agents, 2"]
    twice = {"kind": "parallel", "agents": ["villager", "villager"]}
    with pytest.raises(InvalidCouncil, match="listed twice"):
        check_document(council({"each": "{{ task }}"}, twice))


def test_as_many_as_there_may_be_and_one_more() -> None:
    document = council({"each": "{{ inputs.n }}"}, inputs={"n": {"type": "json"}})
    assert len(members(document, n=[0] * 20_000)) == 20_000
    assert "are more than 100,000" in refused(document, n=[0] * (MOST + 1))[0]


def test_how_many_they_are_is_known_of_lists_alone() -> None:
    agents = check_document(
        council({"each": PEOPLE}, agents={"late": {"each": "{{ inputs.p }}"}},
                inputs={"p": {"type": "json"}})
    ).spec.agents  # fmt: skip
    assert sizes_of(agents) == {"villager": 2, "late": None}


def test_steps_inside_of_steps_mean_all_of_them_too() -> None:
    held = {"id": "hear", "kind": "parallel", "agents": ["villager"], "quorum": 2}
    loop = {"id": "again", "kind": "loop", "steps": [held], "max": 2}
    loaded = populate(check_document(council({"each": PEOPLE}, loop)), "", {})
    inner = dict(loaded.every_step())["again.hear"]
    assert list(inner.speakers()["agents"]) == ["villager_1", "villager_2"]
    assert refused(council({"each": PEOPLE}, {**loop, "steps": [{**held, "quorum": 3}]})) == [
        "steps[0].steps[0].quorum: 3 is above the number of agents, 2"
    ]


def test_a_council_inside_another_has_populations_of_its_own() -> None:
    def town(people: Any) -> dict[str, Any]:
        inner = council({"each": people}, inputs={"p": {"type": "json", "default": ["x"]}})
        return council({}, {"id": "town", "kind": "council", "council": inner})

    loaded = populate(check_document(town(PEOPLE)), "", {})
    step = loaded.councils["town"].steps["parallel"]
    assert list(step.speakers()["agents"]) == ["villager_1", "villager_2", "chair"]
    assert plan_of(loaded).estimate.fewest == plan_of(loaded.councils["town"]).estimate.fewest == 3
    assert "its inputs are known too late" in refused(town("{{ inputs.p }}"))[0]


ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ITEMS, min_size=1, max_size=12))
def test_whoever_they_are_ids_are_valid_unique_and_in_order(items: list[Any]) -> None:
    document = council({"each": items, "role": "{{ index }}: {{ item }}"})
    first, again = members(document), members(document)
    assert first == again
    assert [each.item for each in first.values()] == items
    assert list(first) == [f"villager_{number}" for number in range(1, len(items) + 1)]
    for number, each in enumerate(first.values(), 1):
        assert each.index == number
        assert each.system.startswith(f"{number}:")


def test_people_in_files_are_the_same_whatever_the_format(folder: Path, load: Any) -> None:
    rows = {
        "p.json": '[{"name": "Ana"}, {"name": "Bo"}]',
        "p.jsonl": '{"name": "Ana"}\n\n{"name": "Bo"}\n',
        "p.csv": 'name\n"Ana"\nBo\n\n',
        "p.yaml": "- name: Ana\n- {name: Bo}\n",
    }
    for name, text in rows.items():
        (folder / name).write_text(text, encoding="utf-8")
        loaded = load(f"agents: {{villager: {{each: {{file: {name}}}}}}}\n{STEPS}")
        assert loaded.spec.agents["villager"].each == [{"name": "Ana"}, {"name": "Bo"}]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.json", "{}", "p.json: a list of items is needed, not an empty mapping"),
        ("p.json", "[1,\n2", "p.json:2: this is no JSON"),
        ("p.json", "[1e999]", "too large"),
        ("p.json", "[NaN]", "not JSON"),
        ("p.jsonl", "1\n{", "p.jsonl:2: this is no JSON"),
        ("p.csv", "a,b\n1,2\n1\n", "p.csv:3: 1 columns, but the header has 2"),
        ("p.csv", "a,a\n1,2\n", "column 'a' is there twice"),
        ("p.csv", "", "the file is empty"),
        ("p.csv", 'a\n"x\n', "this is no CSV"),
        ("p.yaml", "- a: [\n", "p.yaml"),
        ("p.yaml", "- .inf\n", "infinite"),
        ("p.txt", "a\n", "known: .json"),
        ("p.json", "[" * 80 + "]" * 80, "nested more than"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_with_its_place(
    folder: Path, said: Any, name: str, text: str, message: str
) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    found = said(f"agents: {{villager: {{each: {{file: {name}}}}}}}\n{STEPS}")
    assert message in "\n".join(found)
    assert len(found) == 1
