from __future__ import annotations

import subprocess
import sys

import pytest

from konseho_cli.agents.definition import Agent
from konseho_cli.context.templates import BadTemplate
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Estimate, agent_id, as_text
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.split import Split
from konseho_cli.steps.vote import Vote


def test_references_name_what_each_field_reads():
    step = Ask(agent="ann", prompt="{{ task }} {{ plan.parts }}", when="{{ check.ok }}")
    assert step.references() == {"prompt": {"task", "plan.parts"}, "when": {"check.ok"}}


def test_text_inside_a_list_is_a_template_too():
    step = Vote(candidates=["{{ a.x }}", {"y": 1}, "{{ b }}"], voters=("v",))
    assert step.references() == {"candidates": {"a.x", "b"}}


def test_names_that_a_kind_gives_its_prompt_are_no_references():
    step = Split(agent="w", items="{{ plan }}", prompt="{{ item.title }} {{ index }} {{ plan }}")
    assert step.references() == {"prompt": {"plan"}, "items": {"plan"}}


def test_names_of_the_prompt_do_not_exist_in_other_fields():
    step = Split(agent="w", items="{{ item }}")
    assert step.references()["items"] == {"item"}


def test_a_template_that_does_not_parse_is_an_error():
    with pytest.raises(BadTemplate):
        Parallel(agents=("ann",), prompt="{{ task ").references()


def test_a_kind_is_the_word_of_the_file():
    assert [step.kind for step in (Ask(agent="a"), Split(agent="a"))] == ["ask", "split"]


def test_an_agent_goes_by_its_name_wherever_it_is_written():
    assert agent_id("ann") == agent_id(Agent(name="ann")) == "ann"


def test_text_is_shown_as_it_is_and_structures_as_json():
    assert as_text("ü") == "ü"
    assert as_text({"a": [None, True]}) == '{"a": [null, true]}'


def test_estimates_add_up_as_far_as_they_are_known():
    known, open_ = Estimate(fewest=1, most=2), Estimate(fewest=1, most=None)
    assert known + known == Estimate(fewest=2, most=4)
    assert known + open_ == Estimate(fewest=2, most=None)


def test_to_know_the_kinds_needs_no_event_loop():
    program = "import sys, konseho_cli.steps.union; sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
