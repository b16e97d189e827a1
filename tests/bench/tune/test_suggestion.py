from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.bench.tune.suggestion import edited_text, suggest
from konseho_cli.bench.tune.tuning import Edit
from konseho_cli.core.yaml_events import parse_yaml
from konseho_cli.spec.load import check_document

COUNCIL = """\
konseho: 1   # the version
name: test
task: "Go, {all} of you."
max_concurrency: 1     # careful
models:
  fast: {use: sim, concurrency: 2}
agents: {ann: {role: You.}, bob: {role: You.}}
steps:
  - id: all
    # asks everybody
    kind: parallel
    agents:
      - ann
      - bob
  - {id: more, kind: parallel, agents: [ann, bob], prompt: "say } or ]"}
  - kind: ask
    agent: ann
    wait_for_nobody: "#"
answer: "{{ all }}"
""".replace('    wait_for_nobody: "#"\n', "")
SPEC = check_document(parse_yaml(COUNCIL).value).spec


def edit(*path, value):
    return Edit(path=path, value=value)


def added(text, *edits):
    """The lines that are new, without their indents."""
    old = COUNCIL.splitlines()
    return [line.strip() for line in edited_text(text, SPEC, edits).splitlines() if line not in old]


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (edit("max_concurrency", value=8), "max_concurrency: 8     # careful"),
        (edit("models", "fast", "concurrency", value=16), "fast: {use: sim, concurrency: 16}"),
        (edit("steps", "all", "wait", value="quorum"), "wait: quorum"),
        (
            edit("steps", "more", "cache", value=True),
            '- {id: more, kind: parallel, agents: [ann, bob], prompt: "say } or ]", cache: true}',
        ),
        (edit("steps", "ask", "cache", value=True), "cache: true"),
    ],
)
def test_only_the_line_that_is_meant_changes(edit, line):
    assert added(COUNCIL, edit) == [line]


def test_a_suggestion_is_a_diff_and_in_words():
    edits = [edit("max_concurrency", value=8), edit("steps", "all", "quorum", value=2)]
    found = suggest(COUNCIL, "test.yaml", SPEC, edits)
    assert found.places == ("max_concurrency: 8", "steps.all.quorum: 2")
    lines = found.diff.splitlines()
    assert lines[:2] == ["--- a/test.yaml", "+++ b/test.yaml"]
    assert "-max_concurrency: 1     # careful" in lines
    assert "+    quorum: 2" in lines


def test_what_cannot_be_edited_for_certain_is_said_in_words_alone():
    text = COUNCIL.replace("max_concurrency: 1 ", "max_concurrency: !!int 1 ")
    found = suggest(text, "test.yaml", SPEC, [edit("max_concurrency", value=8)])
    assert (found.places, found.diff) == (("max_concurrency: 8",), "")


@given(st.integers(1, 9999), st.integers(1, 2), st.booleans())
def test_the_edited_file_says_what_was_wanted_and_nothing_else(slots, quorum, cache):
    edits = (
        edit("max_concurrency", value=slots), edit("steps", "all", "quorum", value=quorum),
        edit("steps", "more", "quorum", value=quorum), edit("steps", "ask", "cache", value=cache),
    )  # fmt: skip
    wanted = parse_yaml(COUNCIL).value
    wanted["max_concurrency"] = slots
    wanted["steps"][0]["quorum"] = wanted["steps"][1]["quorum"] = quorum
    wanted["steps"][2]["cache"] = cache
    assert parse_yaml(edited_text(COUNCIL, SPEC, edits)).value == wanted


COMMENTED = COUNCIL.replace(
    "{use: sim, concurrency: 2}",
    """{   # } here, and don't
    use: sim,   # it's {free
    temperature: 0.5,   # the last one }
  }""",
).replace('prompt: "say } or ]"', """prompt: 'it''s } "'""")


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (
            edit("models", "fast", "concurrency", value=16),
            "temperature: 0.5, concurrency: 16   # the last one }",
        ),
        (
            edit("steps", "more", "cache", value=True),
            """- {id: more, kind: parallel, agents: [ann, bob], prompt: 'it''s } "', cache: true}""",
        ),
    ],
)
def test_what_is_said_in_a_comment_or_in_quotes_closes_nothing(edit, line):
    spec = check_document(parse_yaml(COMMENTED).value).spec
    old = COMMENTED.splitlines()
    new = edited_text(COMMENTED, spec, [edit])
    assert new is not None
    assert [each.strip() for each in new.splitlines() if each not in old] == [line]


def test_one_line_that_only_a_person_can_edit_leaves_the_others_to_the_diff():
    text = COUNCIL.replace("max_concurrency: 1 ", "max_concurrency: !!int 1 ")
    edits = [edit("max_concurrency", value=8), edit("steps", "all", "quorum", value=2)]
    found = suggest(text, "test.yaml", SPEC, edits)
    assert found.by_hand == ("max_concurrency: 8",)
    assert "+    quorum: 2" in found.diff.splitlines()
