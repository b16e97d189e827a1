from __future__ import annotations

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.profiling.analysing import analyse
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.parallel import Parallel

SECOND = 1_000_000_000


def test_each_round_names_who_was_last_and_what_that_cost(stage, scripted) -> None:
    said = {"ann": (1, "a"), "bob": (2, "b"), "cid": (7, "c")}
    (found,) = analyse(stage.run({"team": Parallel(agents=tuple(said))}, scripted(said))).stragglers
    assert (found.step, found.label, found.agent, found.answers) == ("team", "", "cid", 3)
    assert (found.last, found.cost, found.quorum_cost) == (7 * SECOND, 5 * SECOND, 5 * SECOND)


def test_a_majority_is_of_those_that_were_asked_and_answered(stage, scripted) -> None:
    said = {"ann": (1, ModelUnavailable("gone")), "bob": (2, "b"), "cid": (4, "c"), "dee": (9, "d")}
    team = Parallel(agents=tuple(said), quorum=2)
    (found,) = analyse(stage.run({"team": team}, scripted(said))).stragglers
    assert (found.answers, found.cost, found.quorum_cost) == (4, 5 * SECOND, 0)


def test_rounds_of_a_debate_are_told_by_their_labels(panel) -> None:
    found = [(one.step, one.label) for one in analyse(panel.outcome).stragglers]
    assert sorted(found) == [
        ("argue", "proposal"), ("argue", "round 1"), ("argue", "round 2"), ("pick", ""),
    ]  # fmt: skip


def test_who_is_alone_keeps_nobody_waiting(stage) -> None:
    assert analyse(stage.run({"one": Ask(agent="ann")})).stragglers == ()


def test_a_round_that_ended_at_its_quorum_counts_who_answered(stage, scripted) -> None:
    team = Parallel(agents=("ann", "bob", "cid"), quorum=2, wait="quorum")
    outcome = stage.run({"t": team}, scripted({"ann": (3, "a"), "bob": (1, "b"), "cid": (9, "c")}))
    (found,) = analyse(outcome).stragglers
    assert (found.agent, found.answers, found.cost, found.quorum_cost) == ("ann", 2, 2 * SECOND, 0)


def test_debates_of_many_rounds_keep_their_rounds_apart(stage, scripted) -> None:
    argue = Debate(agents=("ann", "bob"), rounds=3)
    rounds = analyse(
        stage.run(
            {"argue": argue},
            scripted(
                {
                    "bob": (2, '{"position": "b", "agree": false}'),
                    "ann": (1, '{"position": "a", "agree": false}'),
                }
            ),
        )
    ).stragglers
    assert [(one.agent, one.cost) for one in rounds] == [("bob", SECOND)] * 4
