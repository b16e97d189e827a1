from __future__ import annotations

from msgspec import structs

from konseho_cli.bench.tune.learning import Learning, digest_of, learning_of, name_of
from konseho_cli.bench.tune.tuning import Change, Setup
from konseho_cli.profiling.recording import Machine
from konseho_cli.spec.load import check_document
from konseho_cli.spec.settings import Settings

DOCUMENT = {
    "konseho": 1, "name": "a council/of two", "task": "Go.", "agents": {"ann": {"role": "You."}},
    "steps": [{"kind": "ask", "agent": "ann"}],
}  # fmt: skip
CHANGE = Change(
    kind="concurrency", name="max_concurrency", before="1", after="8",
    settings=Settings(max_concurrency=8),
)  # fmt: skip


def learning(**fields):
    usual = {
        "name": "x", "made": 1.5, "council": "test", "file": "", "kind": "gc",
        "change": "gc normal → frozen", "verdict": "rolled back", "before_s": 10.0, "after_s": 9.0,
    }  # fmt: skip
    return Learning(**{**usual, **fields})


def test_a_note_is_read_again_as_it_was():
    kept = learning(low=0.1, high=0.2, models=("sim",), machine=Machine.here())
    assert learning_of(kept.note) == kept
    assert (kept.note.kind, kept.note.name, kept.note.made) == ("learning", "x", 1.5)


def test_a_note_that_is_no_learning_is_passed_over():
    assert learning_of(structs.replace(learning().note, body=b"nothing")) is None


def test_a_name_tells_the_council_the_change_and_what_it_was_tried_on():
    digest = digest_of(check_document(DOCUMENT), ("sim",))
    name = name_of(digest, Setup(), CHANGE)
    assert name.startswith("a council/of two/max_concurrency-8/")
    assert name == name_of(digest, Setup(), CHANGE)
    beside = Setup(settings=Settings(gc="frozen"))
    other = digest_of(check_document({**DOCUMENT, "task": "Stay."}), ("sim",))
    real = digest_of(check_document(DOCUMENT), ("openai:gpt-5-mini",))
    names = {
        name, name_of(digest, beside, CHANGE), name_of(other, Setup(), CHANGE),
        name_of(real, Setup(), CHANGE),
        *(name_of(digest_of(check_document(DOCUMENT), ("sim",), *told), Setup(), CHANGE)
          for told in (("Stay.",), ("Go.", {"diff": "x"}))),
    }  # fmt: skip
    assert len(names) == 6
    assert digest == digest_of(check_document(DOCUMENT), ("sim",), "Go.")


def test_what_was_learnt_holds_at_the_same_gate_or_a_higher_one():
    assert learning().holds(0.2)
    assert learning().saved == 0.1
    assert not learning().holds(0.1)
    assert learning(same_answers=False, after_s=1.0).holds(0.1)
    assert not learning(verdict="kept").holds(0.2)
    assert not learning(verdict="inconclusive").holds(0.2)
