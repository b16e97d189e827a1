"""The function that a person means."""

from __future__ import annotations

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.core.slots import Slots
from konseho_cli.engine.context import Context
from konseho_cli.engine.plan import make_plan
from konseho_cli.profiling.recorders.functions import canonical, find_function


@pytest.mark.parametrize(
    "name", ["konseho_cli.engine.plan:make_plan", "engine/plan.py:make_plan", "make_plan"]
)
def test_a_function_is_found_by_module_by_file_and_by_name(name: str) -> None:
    assert find_function(name) is make_plan
    assert canonical(name) == "konseho_cli.engine.plan:make_plan"


def test_methods_and_what_decorators_hide_are_found() -> None:
    assert find_function("konseho_cli.engine.context:Context.ask") is Context.ask
    assert (
        find_function("konseho_cli.profiling.recorders.cpu_groups:group_of").__name__ == "group_of"
    )
    found = find_function("konseho_cli.profiling.recorders.job:Job.load")
    assert found.__qualname__ == "Job.load"
    assert Slots.__module__ == "konseho_cli.core.slots"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no.such.module:f", "there is no module no.such.module"),
        ("konseho_cli.engine.plan:make_plam", "did you mean 'make_plan'"),
        ("engine/plan.py:nothing", "there is no such function"),
        ("nothing_of_that_name", "there is no such function"),
        ("load", "may be any of"),
    ],
)
def test_what_cannot_be_found_is_said_to_be_so(name: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_function(name)
    assert said in f"{raised.value} {raised.value.hint}"
