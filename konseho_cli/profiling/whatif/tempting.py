"""Which changes are worth a what-if: what the critical path is made of, and what could be set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TypeAlias

import msgspec

from konseho_cli.engine.casting import Casting
from konseho_cli.models.base import place_of
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.time.critical_path import CriticalPath
from konseho_cli.profiling.whatif.changes import Changes, LimitName, Pace, StepChange
from konseho_cli.profiling.whatif.held import Held
from konseho_cli.profiling.whatif.retiming import Changing
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.split import Split
from konseho_cli.steps.vote import Vote

AGENTS = 3
"""Those with the most time on the critical path, and as many models."""
LEAST = 0.01
"""Of the makespan: what a change must save to be named."""
Family: TypeAlias = tuple[Changes, ...]
"""Changes of one thing, the smallest first: at most one of them is named."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """All that candidates are made of."""

    changing: Changing
    concurrency: int | None
    """`max_concurrency` as it was."""
    path: CriticalPath
    """Of the run as it was."""
    calls: Sequence[Held]
    waits: frozenset[str]
    """Kinds of spans in which somebody waited; the path leads past them to who was waited for."""


def candidates(scene: Scene) -> list[Family]:
    """The most promising first: one of each sort in turn."""
    sorts = (
        _slots(scene), _pools(scene), _agents(scene), _quorums(scene), _limits(scene),
        _models(scene), _cache(scene),
    )  # fmt: skip
    return [each for row in zip_longest(*sorts) for each in row if each is not None]


def best_of(
    families: Sequence[Family],
    predict: Callable[[Changes], Prediction],
    most: int,
    reached: str,
) -> tuple[Prediction, ...]:
    """Try at most so many changes; those that save enough, the best first.

    `reached`: what ended the unchanged replay early. A change that ends otherwise is no saving.
    """
    found = []
    for family in families:
        kept: Prediction | None = None
        for changes in family[: max(0, most)]:
            most -= 1
            tried = predict(changes)
            if tried.limit_reached != reached:
                continue
            least = LEAST * tried.before_s
            if tried.saved_s >= least + (0.0 if kept is None else kept.saved_s):
                kept = tried
        if kept is not None and kept.saved_s > 0:
            found.append(kept)
    return tuple(sorted(found, key=lambda each: -each.saved_s))


def _slots(scene: Scene) -> Iterator[Family]:
    """Twice, four and eight times as many, as far as there are calls for them."""
    now = scene.concurrency
    if now is not None and "queue.limit" in scene.waits:
        steps = (now * 2, now * 4, now * 8)
        yield tuple(Changes(concurrency=min(each, len(scene.calls))) for each in steps)


def _pools(scene: Scene) -> Iterator[Family]:
    """Twice and four times the instances of a split, where pieces waited for one."""
    for name, step in scene.changing.loaded.every_step():
        if isinstance(step, Split) and step.max_agents and "queue.pool" in scene.waits:
            yield tuple(
                Changes(steps=(StepChange(step=name, field="max_agents", value=each),))
                for each in (step.max_agents * 2, step.max_agents * 4)
            )


def _agents(scene: Scene) -> Iterator[Family]:
    casting = scene.changing.casting
    models = {name: name for name in casting.choices if name not in casting.persons}
    for agent in _longest(scene.path, models):  # nobody makes a person faster
        yield (Changes(agents={agent: Pace(factor=0.5)}),)


def _models(scene: Scene) -> Iterator[Family]:
    """Those that several agents share: one agent's own is that agent."""
    casting = scene.changing.casting
    named: dict[str, str] = {agent: choice.name for agent, choice in casting.choices.items()}
    for alias, agents in scene.changing.agents_of.items():
        named |= dict.fromkeys(agents, alias)
    for person in casting.persons:
        named.pop(person, None)
    shared = {model for model, count in Counter(named.values()).items() if count > 1}
    if len(shared) == 1 and len(set(named.values())) == 1:
        return  # everybody: that is no finding
    for model in _longest(scene.path, named):
        if model in shared:
            yield (Changes(models={model: Pace(factor=0.5)}),)


def _longest(path: CriticalPath, names: Mapping[str, str]) -> list[str]:
    """Of these names by agent, those with the most time on the path."""
    time: dict[str, int] = defaultdict(int)
    for segment in path.segments:
        if segment.agent in names and segment.duration:
            time[names[segment.agent]] += segment.duration
    return sorted(time, key=lambda name: -time[name])[:AGENTS]


def _quorums(scene: Scene) -> Iterator[Family]:
    """Of steps in which the others wait for somebody who is last."""
    on_path = {place_of(segment.step) for segment in scene.path.segments if segment.duration}
    for name, step in scene.changing.loaded.every_step():
        if name not in on_path:
            continue
        if isinstance(step, Parallel) and step.wait == "all" and len(step.agents) > 1:
            count = len(step.agents)
            quorum = step.quorum or (count - 1 if count < 4 else count // 2 + 1)
            yield (
                Changes(
                    steps=(
                        StepChange(step=name, field="quorum", value=quorum),
                        StepChange(step=name, field="wait", value="quorum"),
                    )
                ),
            )
        if isinstance(step, Vote) and step.may_stop_early and len(step.voters) > 2:
            yield (Changes(steps=(StepChange(step=name, field="early_stop", value=True),)),)


def _limits(scene: Scene) -> Iterator[Family]:
    """Twice and four times what a model may do at once, or in a minute, where somebody waited."""
    for (model, limit), number in _stated(scene.changing.casting).items():
        if ("queue.limit" if limit == "concurrency" else "queue.rate") in scene.waits:
            yield tuple(Changes(limits={(model, limit): number * by}) for by in (2, 4))


def _stated(casting: Casting) -> dict[tuple[str, LimitName], int]:
    found: dict[tuple[str, LimitName], int] = {}
    for choice in casting.choices.values():
        stated: tuple[tuple[LimitName, int | str | None], ...] = (
            ("rpm", choice.rpm), ("tpm", choice.tpm), ("concurrency", choice.concurrency),
        )  # fmt: skip
        for limit, number in stated:
            if isinstance(number, int):
                found[choice.name, limit] = number
    return found


def _cache(scene: Scene) -> Iterator[Family]:
    """Where an agent is asked the same again: the share of calls that need not have been made."""
    asked = Counter(
        (call.identity.agent, call.answered.hash) for call in scene.calls if call.is_from_model
    )
    again = sum(count - 1 for count in asked.values())
    share = int(100 * again / max(1, asked.total())) / 100
    if share >= LEAST:
        yield (Changes(cache_hit=share),)
