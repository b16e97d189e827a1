"""The plan of very many steps: nothing in it grows with the square of their number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.engine.plan import make_plan, ready
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Base


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Base]:
    """Steps of which each waits for some of those above it."""
    names = [f"s{at}" for at in range(draw(st.integers(1, 12)))]
    return {
        name: Ask(id=name, agent="ann", needs=tuple(draw(st.sets(st.sampled_from(names[:at])))))
        if at
        else Ask(id=name, agent="ann", needs=())
        for at, name in enumerate(names)
    }


@given(graphs())
def test_a_step_sees_all_that_it_waits_for_however_far_away(steps: dict[str, Base]) -> None:
    seen: dict[str, set[str]] = {}
    for planned in make_plan(steps).steps:
        seen[planned.id] = set(planned.waits_for).union(*(seen[one] for one in planned.waits_for))
        assert planned.sees == tuple(name for name in steps if name in seen[planned.id])


@given(graphs(), st.randoms(use_true_random=False))
def test_whoever_ends_lets_in_all_that_may_start_among_its_followers(
    steps: dict[str, Base], random: object
) -> None:
    plan = make_plan(steps)
    started = {planned.id for planned in ready(plan.steps, set(), set())}
    running, ended = sorted(started), set[str]()
    while running:
        random.shuffle(running)  # type: ignore[attr-defined]
        last = running.pop()
        ended.add(last)
        free = [one.id for one in ready(plan.followers.get(last, ()), ended, started)]
        assert free == [one.id for one in ready(plan.steps, ended, started)]
        started.update(free)
        running += free
    assert ended == steps.keys()


def test_what_a_long_chain_sees_is_not_written_out_for_every_step() -> None:
    plan = make_plan({f"s{at}": Ask(id=f"s{at}", agent="ann") for at in range(300)})
    assert all(step.order is plan.steps[0].order for step in plan.steps)
    assert sum(map(len, plan.followers.values())) == len(plan.steps) - 1
    assert len(plan.steps[-1].sees) == 299
