"""The budgets of a run: those of its limits that count something, less what was used before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from konseho_cli.agents.limits import Limits
from konseho_cli.engine.spent import Spent
from konseho_cli.models.budget import Budget, Budgets
from konseho_cli.models.prices import Prices
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.steps.base import Base

if TYPE_CHECKING:
    from konseho_cli.engine.past import Past  # only a run that goes on loads it


def budgets_for(
    spec: CouncilSpec,
    steps: Mapping[str, Base],
    agents: Collection[str],
    prices: Prices,
    tokens: TokenEstimator,
    past: Past | None,
) -> Budgets:
    """For the run, its steps and its `agents`; the engine holds the time of the run and of steps."""

    def budget(whose: str, limits: Limits, spent: Spent, time_s: float | None) -> Budget:
        return Budget(
            whose=whose, calls=limits.calls, tokens=limits.tokens, cost=limits.cost,
            time_s=time_s, price=prices.cost, estimate=tokens.estimate,
            used_calls=spent.calls, used_tokens=spent.tokens, used_cost=spent.cost,
        )  # fmt: skip

    def spent(*, step: str | None = None, agent: str | None = None) -> Spent:
        return Spent() if past is None else past.spent(step=step, agent=agent)

    run = budget("", spec.limits, spent(), None)
    by_step = {
        name: budget(f"step '{name}'", step.limits, spent(step=name), None)
        for name, step in steps.items()
        if step.limits is not None
    }
    by_agent = {
        name: budget(f"agent '{name}'", limits, spent(agent=name), limits.time)
        for name in agents
        if (limits := spec.agents[name].limits) is not None
    }
    return Budgets(
        run=None if run.unlimited else run,
        steps={name: each for name, each in by_step.items() if not each.unlimited},
        agents={name: each for name, each in by_agent.items() if not each.unlimited},
    )
