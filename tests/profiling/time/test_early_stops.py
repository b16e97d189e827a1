from __future__ import annotations

import json
import re

import pytest

from konseho_cli.profiling.time.analysing import analyse
from konseho_cli.profiling.time.analysis import EarlyStop
from konseho_cli.steps.tally import decided
from konseho_cli.steps.vote import Vote

SECOND = 1_000_000_000
VOTERS = ("ann", "bob", "cid", "dee", "eve")


def voter(seconds: float, choice: str):
    """Votes for the candidate of this text after a while."""

    def say(prompt: str) -> tuple[float, str]:
        found = re.findall(r'<candidate label="(.+?)">\n(.*?)\n</', prompt, re.DOTALL)
        label = next(label for label, text in found if choice in text)
        return seconds, json.dumps({"reason": "it is so", "choice": label})

    return say


def held(stage, scripted, choices: str, *, concurrency=None, **fields) -> EarlyStop | None:
    """A vote in which the first voter takes a second, the next two, and so on."""
    script = {
        name: voter(number, choice)
        for number, (name, choice) in enumerate(zip(VOTERS, choices, strict=True), 1)
    }
    pick = Vote(candidates=["x", "y"], voters=VOTERS, **fields)
    outcome = stage.run({"pick": pick}, scripted(script), concurrency=concurrency)
    return next(iter(analyse(outcome).early_stops), None)


@pytest.mark.parametrize(
    ("choices", "fields", "saved"),
    [
        ("xxxyy", {}, 2),  # decided at the third ballot of five
        ("xxyyx", {}, 0),
        ("xxxxy", {"threshold": 0.8}, 1),
        ("xxxyy", {"quorum": 4}, 1),
        ("xxxxx", {"method": "consensus"}, 0),
        ("xxxyy", {"method": "majority"}, 2),
    ],
)
def test_what_it_would_have_saved_is_the_time_after_the_ballot_that_decided(
    stage, scripted, choices, fields, saved
) -> None:
    assert held(stage, scripted, choices, **fields) == EarlyStop(
        step="pick", stopped=False, saved=saved * SECOND
    )


def test_who_was_cut_off_in_the_midst_may_have_been_about_to_answer(stage, scripted) -> None:
    found = held(stage, scripted, "xxxyy", early_stop=True)
    assert found == EarlyStop(step="pick", stopped=True, saved=0)


def test_who_had_not_begun_takes_as_long_as_the_quickest_at_least(stage, scripted) -> None:
    found = held(stage, scripted, "xxxyy", early_stop=True, concurrency=1)
    assert found == EarlyStop(step="pick", stopped=True, saved=SECOND)


def test_a_moderator_hears_every_ballot(stage, scripted) -> None:
    script = {name: voter(1, "x") for name in VOTERS}
    pick = Vote(candidates=["x", "y"], voters=VOTERS[:2], method="moderator", moderator="eve")
    assert analyse(stage.run({"pick": pick}, scripted(script))).early_stops == ()


def test_a_vote_of_two_rounds_counts_both(panel) -> None:
    (found,) = analyse(panel.outcome).early_stops
    assert (found.step, found.stopped) == ("pick", False)


def test_stopping_it_saves_what_was_said(stage, scripted) -> None:
    """The figure against the run itself."""
    script = {name: voter(number, "x") for number, name in enumerate(VOTERS, 1)}
    runs = [
        stage.run(
            {"pick": Vote(candidates=["x", "y"], voters=VOTERS, early_stop=early)},
            scripted(script),
        )
        for early in (False, True)
    ]
    (possible,) = analyse(runs[0]).early_stops
    assert possible.saved == (runs[0].end - runs[0].start) - (runs[1].end - runs[1].start)


def test_of_many_ballots_few_are_counted_again(stage, scripted, monkeypatch) -> None:
    """As often as halving takes: a count after each of 1,000 ballots took a minute."""
    counted: list[int] = []

    def counting(method, heard, *rest, **rules) -> bool:
        counted.append(len(heard))
        return decided(method, heard, *rest, **rules)

    names = [f"v{number}" for number in range(100)]
    script = {name: voter(number, "x") for number, name in enumerate(names, 1)}
    pick = Vote(candidates=["x", "y"], voters=tuple(names), method="majority")
    outcome = stage.run({"pick": pick}, scripted(script), agents=names)
    monkeypatch.setattr("konseho_cli.profiling.time.early_stops.decided", counting)
    (found,) = analyse(outcome).early_stops
    assert found.saved == 49 * SECOND
    assert len(counted) <= 8, counted
