from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.bench.comparison import FEWEST_PAIRS, Compared
from konseho_cli.bench.tune.tuning import (
    KINDS,
    Change,
    Edit,
    Facts,
    Scope,
    Setup,
    choose,
    proposals,
    rule_cpu,
    rule_waiting,
    rungs,
    saving,
)
from konseho_cli.spec.load import check_document
from konseho_cli.spec.settings import Settings

STEPS = [
    {"id": "all", "kind": "parallel", "agents": ["ann", "bob", "cid"]},
    {"id": "pick", "kind": "vote", "candidates": "{{ all }}", "voters": ["ann", "bob"]},
]
AGENTS = {name: {"role": "You speak."} for name in ("ann", "bob", "cid")}


def spec(**keys):
    document = {"konseho": 1, "name": "test", "task": "Go.", "agents": AGENTS, "steps": STEPS}
    return check_document({**document, **keys}).spec


def scope(*kinds, presets=None, aliases=None, **keys):
    return Scope(
        spec=spec(**keys), kinds=kinds or KINDS, presets=presets or {}, aliases=aliases or {}
    )


def texts(setup, facts, scope):
    return [change.text for change in proposals(setup, facts, scope)]


CROWDED = Facts(queued={"max_concurrency": 7}, waited={"max_concurrency": 9}, calls=9)


@given(st.integers(1, 1000), st.integers(0, 1000))
def test_rungs_rise_to_where_nobody_waits(now, queued):
    found = rungs(now, queued)
    assert list(found) == sorted(set(found))
    assert all(now < rung <= now + queued for rung in found)
    assert (found[-1] == now + queued) if queued else not found


def test_a_limit_that_nobody_waits_for_is_left_alone():
    assert not texts(Setup(), Facts(), scope("concurrency", max_concurrency=2))
    assert not texts(Setup(), CROWDED, scope("concurrency"))


def test_a_council_with_a_limit_of_its_own_needs_an_edit():
    first, *_ = proposals(Setup(), CROWDED, scope("concurrency", max_concurrency=1))
    assert first.text == "max_concurrency 1 → 2"
    assert first.edits == (Edit(path=("max_concurrency",), value=2),)
    assert first.settings.max_concurrency == 2


def test_a_limit_of_a_preset_is_the_presets_to_change():
    setup = Setup(settings=Settings(max_concurrency=1))
    found = proposals(setup, CROWDED, scope("concurrency"))
    assert [change.after for change in found] == ["2", "4", "8"]
    assert not any(change.edits for change in found)


def test_what_was_kept_is_where_the_next_try_begins():
    first, *_ = proposals(Setup(), CROWDED, scope("concurrency", max_concurrency=1))
    after = Setup().with_(first)
    again = texts(after, CROWDED, scope("concurrency", max_concurrency=1))
    assert again[0] == "max_concurrency 2 → 4"


def test_the_limit_of_a_model_is_raised_under_all_its_names():
    models = {
        "fast": {"use": "sim", "concurrency": 1}, "same": {"use": "fast", "concurrency": 4},
    }  # fmt: skip
    facts = Facts(queued={"concurrency of sim": 3})
    aliases = {"fast": "sim", "same": "sim"}
    found = proposals(Setup(), facts, scope("limits", models=models, aliases=aliases))
    assert [change.text for change in found] == [
        "concurrency of fast 1 → 2",
        "concurrency of fast 1 → 4",
    ]
    assert found[0].edits == (Edit(path=("models", "fast", "concurrency"), value=2),)


def test_a_quorum_is_of_as_many_as_answered():
    wanted = scope("quorum")
    assert texts(Setup(), Facts(answered={"all": 2}), wanted)[0] == "all wait all → quorum 2 of 3"
    assert texts(Setup(), Facts(answered={"all": 3}), wanted)[1] == "pick early_stop false → true"


def test_a_vote_whose_moderator_hears_every_ballot_is_not_stopped_early():
    vote = STEPS[1] | {"method": "moderator", "moderator": "cid"}
    wanted = scope("quorum", steps=[STEPS[0], vote])
    assert not any("early_stop" in text for text in texts(Setup(), Facts(), wanted))


def test_a_step_that_goes_on_at_its_quorum_is_done():
    setup = Setup(edits=(Edit(path=("steps", "all", "wait"), value="quorum"),))
    assert not any("wait" in text for text in texts(setup, Facts(), scope("quorum")))


def test_answers_are_cached_where_requests_repeat():
    (found,) = proposals(Setup(), Facts(repeated={"all": 2}), scope("cache"))
    assert found.edits == (Edit(path=("steps", "all", "cache"), value=True),)
    assert not found.runtime


def test_a_cache_that_finds_nothing_may_go():
    assert texts(Setup(), Facts(), scope("cache")) == ["cache_size 1000 → 0"]


def test_a_cache_that_is_too_small_may_grow():
    setup = Setup(settings=Settings(cache_size=2))
    found = texts(setup, Facts(repeated={"all": 2}, calls=9), scope("cache"))
    assert found[0] == "cache_size 2 → 1000"


def test_a_preset_that_changes_nothing_is_not_tried():
    presets = {"same": Settings(gc="frozen"), "other": Settings(gc="manual")}
    setup = Setup(settings=Settings(gc="frozen"))
    assert texts(setup, Facts(), scope("presets", presets=presets)) == ["preset none → other"]


def test_fewer_events_are_tried_never_more():
    assert texts(Setup(settings=Settings(events="none")), Facts(), scope("events")) == []
    steps = Setup(settings=Settings(events="steps"))
    assert texts(steps, Facts(), scope("events")) == ["events steps → none"]


def test_a_setup_that_was_in_force_is_not_gone_back_to():
    off = Setup(settings=Settings(compress_context=False))
    found = proposals(off, Facts(), scope("compression"))
    assert choose(off, found, (), ()) == found[0]
    assert choose(off, found, {(off, found[0].slug)}, ()) is None
    assert choose(off, found, (), {off.with_(found[0])}) is None


def test_a_later_edit_takes_the_place_of_an_earlier_one():
    def change(value):
        edits = (Edit(path=("max_concurrency",), value=value),)
        return Change(kind="concurrency", name="x", before="", after="", edits=edits)

    setup = Setup().with_(change(2)).with_(change(4))
    assert setup.edited("max_concurrency") == 4
    assert len(setup.edits) == 1


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(10.0, 8.0, "kept"), (10.0, 8.1, "rolled back"), (10.0, 11.0, "rolled back"),
     (0.0, 0.0, "rolled back")],
)  # fmt: skip
def test_makespans_are_exact(before, after, verdict):
    assert rule_waiting(before, after, 0.2).verdict == verdict


@given(st.floats(0.001, 1e6), st.floats(0, 1e6), st.floats(0.01, 0.99))
def test_what_is_kept_saves_the_gate(before, after, gate):
    kept = rule_waiting(before, after, gate).verdict == "kept"
    assert kept == (saving(before, after) >= gate - 1e-9)


def compared(ratio, low, high, pairs=FEWEST_PAIRS):
    return Compared(
        ratio=ratio, low=low, high=high, verdict="faster", chance=0.01, pairs=pairs, before=1.0,
        after=ratio, threshold=0.2, floor=0.0, confidence=0.99,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("interval", "verdict", "why"),
    [
        ((0.5, 0.4, 0.6), "kept", ""),
        ((0.95, 0.9, 0.99), "rolled back", "it saves less than 20 %"),
        ((1.5, 1.2, 1.9), "rolled back", "it takes more CPU"),
        ((0.8, 0.75, 0.85), "rolled back", "it does not save 20 % for certain"),
        ((0.9, 0.5, 1.5), "inconclusive", "the machine is too noisy to tell"),
    ],
)
def test_an_interval_must_pass_the_gate_whole(interval, verdict, why):
    ruling = rule_cpu(compared(*interval), 0.2)
    assert (ruling.verdict, ruling.why) == (verdict, why)


def test_too_few_pairs_tell_nothing():
    ruling = rule_cpu(compared(0.5, 0.4, 0.6, pairs=2), 0.2)
    assert ruling.verdict == "inconclusive"
    assert "time was up" in ruling.why


def test_a_step_inside_of_another_is_left_as_it_is_written():
    inside = [{**STEPS[0], "id": "team"}]
    held = scope(steps=[{"id": "polish", "kind": "loop", "max": 3, "steps": inside}])
    repeated = {"polish.1.team": 3, "polish.2.team": 3}
    found = proposals(Setup(), Facts(calls=9, repeated=repeated), held)
    assert not [edit for change in found for edit in change.edits]
