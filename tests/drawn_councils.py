"""Councils drawn at random from every kind that needs no one but models: nested, routed, looped."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import strategies as st

AGENTS = ("ann", "bob", "cid")
TOWN = {"each": [1, 2, 3, 4], "role": "You are {{ item }}."}
CROWD = st.one_of(
    st.just(["town"]), st.lists(st.sampled_from(AGENTS), min_size=2, max_size=3, unique=True)
)
ONE = st.sampled_from(AGENTS)
HOLDERS = ("loop", "route", "council")
DEEPEST = 2

Step = dict[str, Any]


def _maybe(values: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries({}, optional=values)


SPEAKING: dict[str, st.SearchStrategy[Step]] = {
    "ask": st.fixed_dictionaries({"agent": ONE}),
    "chair": st.fixed_dictionaries({"agent": ONE}),
    "parallel": st.fixed_dictionaries(
        {"agents": CROWD}, optional={"wait": st.just("quorum"), "quorum": st.just(1)}
    ).map(lambda fields: {**fields, "quorum": 1} if "wait" in fields else fields),
    "split": st.fixed_dictionaries(
        {"agents": CROWD, "items": st.just(["a", "b", "c"])},
        optional={
            "max_agents": st.integers(1, 2), "after": st.just("{{ [] if item == 'b' else ['b'] }}"),
        },
    ),
    "debate": st.fixed_dictionaries(
        {"agents": st.just(["ann", "bob"]), "rounds": st.integers(1, 2)},
        optional={"moderators": st.just(["cid"]), "stop": st.just("agreement")},
    ),
    "vote": st.fixed_dictionaries(
        {"candidates": st.just(["x", "y", "z"]), "voters": CROWD},
        optional={"method": st.sampled_from(["borda", "approval", "schulze"])},
    ),
    "refine": st.fixed_dictionaries(
        {"worker": st.just("ann"), "critics": st.just(["bob", "cid"]),
         "max_rounds": st.integers(1, 2)}
    ),
}  # fmt: skip
COMMON = _maybe({
    "on_error": st.sampled_from(["halt", "continue"]),
    "when": st.sampled_from([True, False, "{{ task == 'Which way?' }}"]),
    "needs": st.just([]),
    "priority": st.integers(0, 10),
})  # fmt: skip


@st.composite
def steps(draw: st.DrawFn, names: count[int], depth: int, most: int) -> list[Step]:
    """A list of steps; what holds others holds less the deeper it is."""
    found: list[Step] = []
    for _ in range(draw(st.integers(1, most))):
        holds = depth < DEEPEST and draw(st.booleans())
        kind = draw(st.sampled_from(HOLDERS if holds else tuple(SPEAKING)))
        name = f"s{next(names)}"
        own = draw(_holding(kind, names, depth)) if holds else draw(SPEAKING[kind])
        step = {"id": name, "kind": kind, **own, **draw(COMMON)}
        if found and not holds and draw(st.booleans()):
            step["prompt"] = f"{{{{ task }}}} {{{{ {found[-1]['id']} | default('none') }}}}"
            step.pop("needs", None)
        found.append(step)
    return found


@st.composite
def _holding(draw: st.DrawFn, kind: str, names: count[int], depth: int) -> Step:
    if kind == "council":
        return {"council": draw(_council(depth + 1))}
    if kind == "loop":
        inner = draw(steps(names, depth + 1, 2))
        last = inner[-1]["id"]
        until = st.sampled_from(["{{ iteration >= 2 }}", f"{{{{ {last} is none }}}}"])
        return {"steps": inner, "max": draw(st.integers(1, 3)), **draw(_maybe({"until": until}))}
    branches = {"a": draw(steps(names, depth + 1, 2)), "b": draw(steps(names, depth + 1, 1)),
                "c": []}  # fmt: skip
    return {"branches": branches, "most": 2, **draw(st.sampled_from([
        {"agent": "ann"}, {"choose": "{{ ['a', 'b'] }}"}, {"choose": "{{ ['b', 'c'] }}"},
    ]))}  # fmt: skip


@st.composite
def _council(draw: st.DrawFn, depth: int = 0) -> Step:
    agents = {name: {"role": f"You are {name}."} for name in AGENTS}
    inner = draw(steps(count(1), depth, 3 if depth == 0 else 2))
    models = st.sampled_from(["sim", "sim:errors=0.2", "sim:instant"])
    return {
        "konseho": 1, "name": "drawn", "task": "Which way?", "model": draw(models),
        "agents": {**agents, "town": TOWN}, "steps": inner,
        **draw(_maybe({"on_error": st.just("continue")})),
    }  # fmt: skip


councils = _council()
"""Documents that are valid, of whichever kinds."""
