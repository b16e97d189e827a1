"""What looking costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from konseho_cli.engine.casting import Wishes
from konseho_cli.profiling.recorders import costs
from konseho_cli.profiling.recorders.costs import Cost, cost_of, measure_costs
from konseho_cli.profiling.recorders.job import Job
from konseho_cli.profiling.recorders.process import Interruption, run_child
from konseho_cli.profiling.recorders.recorder import Watching
from konseho_cli.spec.find import find_council


def test_the_cost_is_the_median_of_the_ratios_of_pairs() -> None:
    pairs = [(Cost(1.0, 2.0), Cost(2.0, 2.0)), (Cost(1.0, 2.0), Cost(2.5, 3.0)),
             (Cost(2.0, 2.0), Cost(20.0, 40.0))]  # fmt: skip
    found = cost_of("cpu", pairs)
    assert (found.cpu, found.wall, found.pairs) == (2.5, 1.5, 3)


def replay_in(folder: Path) -> Job:
    cassette = folder / "run.cassette"
    job = Job(
        council=find_council("quickstart").absolute(), task="Tabs or spaces?", name="run",
        folder=folder, wishes=Wishes(model="sim:instant"), record=cassette,
    )  # fmt: skip
    run_child(job, Interruption())
    return Job(council=job.council, task=job.task, name="x", folder=folder, replay=cassette)


def test_cprofile_costs_time_and_that_is_measured_on_replays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "_PAIRS", 2)
    monkeypatch.setattr(costs, "_ENOUGH_S", 0.05)
    (found,) = measure_costs(replay_in(tmp_path), ["cpu"], Watching(), Interruption())
    assert (found.profiler, found.pairs) == ("cpu", 2)
    assert found.cpu > 1.1
    left = {file.name for file in tmp_path.iterdir()}
    assert not {name for name in left if name.startswith("cost")}


def test_without_time_nothing_is_measured_and_nothing_is_left_running(tmp_path: Path) -> None:
    replay = replay_in(tmp_path)
    assert measure_costs(replay, ["cpu"], Watching(), Interruption(), budget_s=0.0) == ()
