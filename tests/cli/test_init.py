from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml

from konseho_cli.cli.templates import fill_template, find_template
from konseho_cli.spec.find import shipped_councils
from konseho_cli.spec.load import load_council
from tests.cli.terminals import terminal

NAMES = tuple(shipped_councils())
DIFF = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-x = 1\n+x = int(input())\n"
each_template = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "my councils"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def meaning(document: object) -> object:
    """A checked council, whatever its lines are broken at and however its agents are described."""
    spec = msgspec.to_builtins(document, enc_hook=str)
    for agent in spec["agents"].values():
        agent["role"] = " ".join((agent.get("role") or "").split())
        agent.pop("description", None)
        agent.pop("from", None)
        agent.pop("name", None)
    spec.pop("name")
    return spec


def answers_of(text: str) -> str:
    """What the header shows as a file of answers."""
    shown = re.search(r"^# decided.yaml:\n((?:#   .*\n)+)", text, re.MULTILINE)
    return re.sub("^#   ", "", shown[1], flags=re.MULTILINE) if shown else "{}"


@each_template
def test_what_it_writes_is_valid_and_the_next_command_runs_at_once(konseho, here, name):
    founded = json.loads(konseho("init", "--template", name, "--json").out)
    checked = konseho("validate", "council.yaml")
    assert (checked.status, checked.out, checked.err) == (0, "", "")
    for file in founded["reads"]:
        (here / file).write_text(DIFF, encoding="utf-8")
    text = (here / "council.yaml").read_text(encoding="utf-8")
    (here / "decided.yaml").write_text(answers_of(text), encoding="utf-8")
    words = shlex.split(re.sub(r"--model \S+", "", founded["next"][0]))
    ran = konseho(*words[1:], "--answers", "decided.yaml", "--model", "sim:instant", "-q", "--json")
    outcome = json.loads(ran.out)
    assert outcome["status"] in ("ok", "degraded"), ran.err  # simulated critics may not approve
    assert ran.status == (1 if outcome["gate"] is False else 0)


def test_a_person_answers_at_the_terminal_what_comes_next(konseho, here):
    (command,) = json.loads(konseho("init", "--template", "approval", "--json").out)["next"]
    with terminal(*shlex.split(command)[1:], "-m", "sim:instant", "-q", "--no-store") as screen:
        screen.until(lambda seen: "2. ask for changes" in seen and seen.endswith("> "))
        screen.press(b"1\n")
        assert screen.to_the_end() == 0


def test_the_next_command_needs_no_key_and_names_what_it_reads(konseho, here):
    told = konseho("init", "--template", "code-review").out
    assert "konseho run council.yaml --input diff=@change.diff --model sim\n" in told
    assert told.endswith("\nThere change.diff is a file of yours.\n")
    (here / "change.diff").write_text(DIFF, encoding="utf-8")
    assert "of yours" not in konseho("init", "--template", "code-review").out


def test_the_next_command_leaves_out_files_that_the_council_can_do_without(konseho):
    founded = json.loads(konseho("init", "--template", "feature-build", "--json").out)
    assert founded["next"] == ['konseho run council.yaml "Add rate limits to our HTTP API"']
    assert founded["reads"] == []


@each_template
def test_the_council_is_the_one_that_ships(konseho, here, name):
    konseho("init", "--template", name, "--name", "mine")
    ours = load_council(here / "mine.yaml").spec
    assert ours.name == "mine"
    assert meaning(ours) == meaning(load_council(shipped_councils()[name]).spec)


@each_template
def test_an_editor_finds_the_schema_without_a_network(konseho, here, name):
    konseho("init", "--template", name)
    text = (here / "council.yaml").read_text(encoding="utf-8")
    first = text.splitlines()[0]
    file = here / first.removeprefix("# yaml-language-server: $schema=")
    schema = file.read_text(encoding="utf-8")
    assert schema == konseho("schema").out
    jsonschema.Draft202012Validator(json.loads(schema)).validate(yaml.safe_load(text))


@each_template
def test_one_agent_has_a_file_of_its_own(konseho, here, name):
    konseho("init", "--template", name)
    assert list((here / "agents").glob("*.md"))


def test_it_says_what_it_wrote_and_what_to_type_next(konseho, here):
    ran = konseho("init", "sub dir")
    assert ran.err == ""
    assert re.findall(r"^wrote +(\S+)", ran.out, re.MULTILINE) == [
        "council.yaml", "agents/chair.md", "council.schema.json", ".gitignore",
    ]  # fmt: skip
    assert "\n  cd 'sub dir'\n  konseho run council.yaml " in ran.out
    assert (here / "sub dir" / "council.yaml").exists()


def test_programs_read_json(konseho):
    said = json.loads(konseho("init", "--json").out)
    assert said["konseho"] == 1
    assert {each["deed"] for each in said["files"]} == {"wrote"}
    assert said["next"][0].startswith("konseho run council.yaml ")


def test_the_council_is_called_after_its_folder_or_as_one_says(konseho, here):
    konseho("init")
    konseho("init", "--name", "second")
    assert load_council(here / "council.yaml").spec.name == "my-councils"
    assert load_council(here / "second.yaml").spec.name == "second"


def test_a_second_time_changes_nothing(konseho, here):
    konseho("init")
    before = {file: file.read_bytes() for file in here.rglob("*") if file.is_file()}
    ran = konseho("init")
    assert ran.status == 0
    assert re.findall(r"^(\w+)  ", ran.out, re.MULTILINE) == ["kept"] * 4
    assert before == {file: file.read_bytes() for file in here.rglob("*") if file.is_file()}


def test_what_is_there_is_replaced_only_by_force(konseho, here):
    (here / "council.yaml").write_text("mine", encoding="utf-8")
    ran = konseho("init")
    assert ran.status == 2
    assert "council.yaml is there already" in ran.err
    assert "--force" in ran.err
    assert [file.name for file in here.iterdir()] == ["council.yaml"]
    assert (here / "council.yaml").read_text(encoding="utf-8") == "mine"
    assert konseho("init", "--force").status == 0
    assert load_council(here / "council.yaml")


def test_a_half_made_folder_is_completed(konseho, here):
    konseho("init")
    (here / "council.yaml").unlink()
    ran = konseho("init")
    assert ran.status == 0
    assert re.search(r"^wrote +council.yaml", ran.out, re.MULTILINE)
    assert re.search(r"^kept +agents/chair.md", ran.out, re.MULTILINE)


def test_an_older_schema_is_renewed_and_another_file_is_not(konseho, here):
    schema = here / "council.schema.json"
    schema.write_text('{"$id": "urn:konseho:council:1"}', encoding="utf-8")
    assert "replaced" in konseho("init").out
    schema.write_text('{"$id": "mine"}', encoding="utf-8")
    ran = konseho("init")
    assert ran.status == 2
    assert schema.read_text(encoding="utf-8") == '{"$id": "mine"}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b".konseho/\n"),
        (b"a\n", b"a\n.konseho/\n"),
        (b"a", b"a\n.konseho/\n"),
        (b"a\r\nb", b"a\r\nb\r\n.konseho/\r\n"),
        (b"\xff\xfe\n", b"\xff\xfe\n.konseho/\n"),
        (b"# .konseho/ is ours\n", b"# .konseho/ is ours\n.konseho/\n"),
        (b".konseho-old\n", b".konseho-old\n.konseho/\n"),
        (b".konseho/\n", b".konseho/\n"),
        (b"a\n.konseho", b"a\n.konseho"),
        (b"/.konseho/\nb\n", b"/.konseho/\nb\n"),
        (b"**/.konseho/**\r\n", b"**/.konseho/**\r\n"),
    ],
)
def test_one_line_is_added_to_gitignore_and_none_is_touched(konseho, here, before, after):
    (here / ".gitignore").write_bytes(before)
    for _ in range(2):
        assert konseho("init").status == 0
        assert (here / ".gitignore").read_bytes() == after


def test_a_word_of_a_template_is_enough(konseho, here):
    assert find_template("review").stem == "code-review"
    ran = konseho("init", "--template", "nonsense")
    assert ran.status == 2
    assert "quickstart" in ran.err
    assert not list(here.iterdir())


def test_templates_are_listed(konseho):
    listed = konseho("init", "--templates")
    assert listed.out == konseho("init", "--template", "list").out == konseho("list").out
    assert all(name in listed.out for name in NAMES)


@pytest.mark.parametrize("name", ["", "a b", "../x", "A", "x" * 65, "-x"])
def test_a_name_that_no_file_should_have_is_refused(konseho, here, name):
    assert konseho("init", f"--name={name}").status == 2
    assert not list(here.iterdir())


def test_a_file_in_the_place_of_a_folder_is_said(konseho, here):
    (here / "taken").write_text("", encoding="utf-8")
    ran = konseho("init", "taken")
    assert ran.status == 2
    assert "taken is a file" in ran.err
    (here / "agents").write_text("", encoding="utf-8")
    ran = konseho("init")
    assert ran.status == 3
    assert "cannot be written" in ran.err


@pytest.mark.parametrize("link", ["council.yaml", "agents", ".gitignore", "council.schema.json"])
def test_a_link_that_leads_out_of_the_folder_is_not_followed(konseho, here, link):
    elsewhere = here.parent / "elsewhere"
    elsewhere.mkdir()
    target = elsewhere if link == "agents" else elsewhere / "precious"
    if link != "agents":
        target.write_text("precious", encoding="utf-8")
    (here / link).symlink_to(target)
    for more in ([], ["--force"]):
        ran = konseho("init", *more)
        assert ran.status == 2
        assert f"{link}" in ran.err
        assert "leads out of the folder" in ran.err
    assert [each.read_text() for each in elsewhere.iterdir()] == ["precious"] * (link != "agents")
    assert [each.name for each in here.iterdir()] == [link]


def test_a_link_within_the_folder_and_a_link_to_the_folder_are_followed(konseho, here):
    (here / "own").mkdir()
    (here / "agents").symlink_to("own")
    (here.parent / "way").symlink_to(here)
    assert konseho("init", here.parent / "way").status == 0
    assert (here / "own" / "chair.md").exists()


@pytest.mark.parametrize("folder", ["/proc/nothing", "/proc/self/fd"])
def test_a_place_where_nothing_can_be_made_is_said(konseho, folder):
    ran = konseho("init", folder)  # there root may not write either
    assert ran.status == 3
    assert re.search(r"^konseho: /proc/\S+ cannot be written: ", ran.err)
    assert "konseho init FOLDER" in ran.err


BY_NAME = """\
konseho: 1
name: outer
agents:
  ann: {from: performance}
steps:
  - {id: one, kind: ask, agent: ann}
  - {id: two, kind: council, file: inner/small.yaml}
"""


def test_agents_and_councils_that_a_template_takes_from_elsewhere_come_along(here):
    (here / "agents").mkdir()
    (here / "agents" / "performance.md").write_text("---\nname: performance\n---\nHi.\n")
    (here / "inner").mkdir()
    (here / "inner" / "small.yaml").write_text("konseho: 1\nname: small\n")
    (here / "outer.yaml").write_text(BY_NAME)
    filled = fill_template(here / "outer.yaml", "council.yaml", "mine")
    assert set(filled.files) == {"council.yaml", "inner/small.yaml", "agents/performance.md"}
    assert "from: agents/performance.md" in filled.files["council.yaml"]
    assert filled.call == ""
