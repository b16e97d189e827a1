"""`council` steps in a file: found, checked with all that is in it, and never in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest

from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.engine.plan import plan_of
from konseho_cli.spec.load import check_document, council_document, load_council
from konseho_cli.steps.base import Estimate

INNER = """\
konseho: 1
name: inner
task: The inner task
inputs: {text: {required: true}, many: {type: number, default: 2}}
agents: {ann: {role: Inner}}
steps: [{id: read, kind: ask, agent: ann}, {id: sum, kind: chair, agent: ann}]
"""
OUTER = """\
konseho: 1
name: outer
task: The outer task
steps:
  - {id: review, kind: council, file: inner.yaml, inputs: {text: "{{ task }}"}}
"""


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def problems(file: Path) -> list[str]:
    with pytest.raises(InvalidCouncil) as caught:
        load_council(file)
    return [
        f"{Path(problem.file or '').name}:{problem.line} {problem.path}: {problem.message}"
        for problem in caught.value.problems
    ]


def step(fields: str) -> str:
    return f"konseho: 1\nname: outer\ntask: t\nsteps: [{{kind: council, {fields}}}]\n"


def test_its_steps_agents_and_calls_are_known_before_the_run(tmp_path) -> None:
    written(tmp_path, "inner.yaml", INNER)
    loaded = load_council(written(tmp_path, "outer.yaml", OUTER))
    assert dict(loaded.every_step()).keys() == {"review", "review.read", "review.sum"}
    assert loaded.agents.keys() == {"review.ann"}
    assert plan_of(loaded).estimate == Estimate(fewest=2, most=2)


def test_what_is_loaded_names_no_file_any_more(tmp_path) -> None:
    written(tmp_path, "inner.yaml", INNER)
    loaded = load_council(written(tmp_path, "outer.yaml", OUTER))
    document = council_document(loaded.spec)
    again = check_document(document, folder=tmp_path / "nowhere")
    assert council_document(again.spec) == document
    assert dict(again.every_step()).keys() == dict(loaded.every_step()).keys()


def test_a_mistake_inside_is_told_with_its_own_file_and_line(tmp_path) -> None:
    written(tmp_path, "inner.yaml", INNER.replace("agent: ann}, {id", "agent: bob}, {id"))
    file = written(tmp_path, "outer.yaml", OUTER.replace("{{ task }}", "{{ tsk }}"))
    assert problems(file) == [
        "outer.yaml:5 steps[0].inputs: unknown name 'tsk'",
        "inner.yaml:6 steps[0].agent: unknown agent 'bob'",
    ]


def test_one_that_stands_in_the_file_has_its_lines(tmp_path) -> None:
    text = step("council: {konseho: 1, name: in, steps: [\n  {kind: ask, agnt: bob}]}")
    told = problems(written(tmp_path, "outer.yaml", text))
    assert told[0].startswith("outer.yaml:5 steps[0].council.steps[0]")


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ("file: inner.yaml", "council 'inner' needs the input 'text'"),
        ("file: inner.yaml, inputs: {text: a, txt: b}", "council 'inner' has no input 'txt'"),
        ("file: ../inner.yaml", "../inner.yaml is outside the council's folder"),
        ("file: /etc/passwd.yaml", "/etc/passwd.yaml is outside the council's folder"),
        ("file: none.yaml", "none.yaml does not exist"),
        ("file: quikstart", "no council 'quikstart' ships with Konseho"),
        ("prompt: x, file: inner.yaml", "a council asks nobody itself: set it on its steps"),
        ("id: x", "give the `file` of a council"),
        ("file: inner.yaml, council: {}", "give a `file` or a `council`, not both"),
    ],
)
def test_what_is_wrong_with_the_step_is_told(tmp_path, fields, what) -> None:
    written(tmp_path, "inner.yaml", INNER)
    assert any(what in told for told in problems(written(tmp_path, "outer.yaml", step(fields))))


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path) -> None:
    written(tmp_path, "secret.yaml", INNER)
    home = tmp_path / "home"
    file = written(home, "outer.yaml", step("file: link.yaml, inputs: {text: x}"))
    (home / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    assert "outside the council's folder" in problems(file)[0]


def test_councils_that_hold_each_other_are_named_in_a_chain(tmp_path) -> None:
    inside = (
        step("file: a.yaml")
        .replace("[{", "[{id: again, kind: loop, steps: [{")
        .replace("}]", "}]}]")
    )
    written(tmp_path, "b.yaml", inside)
    file = written(tmp_path, "a.yaml", step("file: b.yaml"))
    assert problems(file) == [
        "b.yaml:4 steps[0].steps[0].file: these councils hold each other: a.yaml -> b.yaml -> a.yaml"
    ]


def test_a_council_that_holds_itself_is_refused(tmp_path) -> None:
    file = written(tmp_path, "a.yaml", step("file: a.yaml"))
    assert "a.yaml -> a.yaml" in problems(file)[0]


def test_there_is_an_end_to_how_deep_and_how_many(tmp_path) -> None:
    for number in range(12):
        written(tmp_path, f"c{number}.yaml", step(f"file: c{number + 1}.yaml"))
    assert "more than 8 councils inside of each other" in problems(tmp_path / "c0.yaml")[0]
    # Ten of ten of ten: a thousand files would be read.
    wide = "konseho: 1\nname: w\ntask: t\nsteps: [" + ", ".join(
        ["{kind: council, file: NEXT}"] * 10
    )
    for number in range(3):
        written(tmp_path, f"w{number}.yaml", wide.replace("NEXT", f"w{number + 1}.yaml") + "]\n")
    written(tmp_path, "w3.yaml", INNER.replace("required: true", "default: x"))
    assert any("more than 100 councils in all" in told for told in problems(tmp_path / "w0.yaml"))


def test_keys_that_mean_nothing_inside_are_warned_of(tmp_path) -> None:
    written(tmp_path, "inner.yaml", INNER + "seed: 3\nmax_concurrency: 2\n")
    loaded = load_council(written(tmp_path, "outer.yaml", OUTER))
    assert [warning.message for warning in loaded.warnings] == [
        "`max_concurrency`, `seed` of council 'inner' are not used"
    ]
