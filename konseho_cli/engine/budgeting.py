"""The budgets of a run: those of its limits that count something, less what was used before."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from konseho_cli.agents.limits import Limits
from konseho_cli.engine.casting import inside
from konseho_cli.engine.spent import Spent
from konseho_cli.models.budget import Budget, Budgets
from konseho_cli.models.prices import Prices
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.spec.loaded import Loaded

if TYPE_CHECKING:
    from konseho_cli.engine.past import Past  # only a run that goes on loads it


def budgets_for(
    loaded: Loaded,
    agents: Collection[str],
    prices: Prices,
    tokens: TokenEstimator,
    past: Past | None,
) -> Budgets:
    """For the run, its steps and its `agents`; the engine holds the time of the run and of steps.

    The limits of a council inside are those of the step that runs it, beside that step's own.
    """

    def budget(whose: str, limits: Limits, spent: Spent, time_s: float | None) -> Budget:
        return Budget(
            whose=whose, calls=limits.calls, tokens=limits.tokens, cost=limits.cost,
            time_s=time_s, price=prices.cost, estimate=tokens.estimate,
            used_calls=spent.calls, used_tokens=spent.tokens, used_cost=spent.cost,
        )  # fmt: skip

    def spent(*, step: str | None = None, agent: str | None = None) -> Spent:
        return Spent() if past is None else past.spent(step=step, agent=agent, known=agents)

    run = budget("", loaded.spec.limits, spent(), None)
    steps: dict[str, list[Budget]] = {}
    limited = [(place, f"step '{place}'", step.limits) for place, step in loaded.every_step()]
    limited += [
        (place, f"council '{council.spec.name}'", council.spec.limits)
        for place, council in inside(loaded.councils)
    ]
    for place, whose, limits in limited:
        if limits is not None:
            each = budget(whose, limits, spent(step=place), None)
            if not each.unlimited:
                steps.setdefault(place, []).append(each)
    definitions = loaded.agents
    by_agent = {
        name: None if limits is None else budget(
            f"agent '{name}'", limits, spent(agent=name), limits.time
        )
        for name in agents
        if (limits := definitions[name].limits) is not None or "." in name
    }  # fmt: skip
    some = any(each is not None and not each.unlimited for each in by_agent.values())
    return Budgets(
        run=None if run.unlimited else run,
        steps={name: tuple(each) for name, each in steps.items()},
        agents=by_agent if some else {},
    )
