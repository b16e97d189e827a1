"""A new agent's file is one that can be read, and takes nobody's place by accident."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.agents.discovery import Discovered, Found
from konseho_cli.agents.markdown import parse_agent
from konseho_cli.agents.registry import Library, Registry
from konseho_cli.agents.writing import check_name, draft, place_of, write_agent
from konseho_cli.core.errors import InvalidCouncil, KonsehoError, UsageError

NOBODY = Library((), Discovered(agents=()))


def found(file: Path, problem: str = "") -> Found:
    return Found("old", "project", str(file), "", None, problem)


@pytest.mark.parametrize("name", ["a", "product-owner", "gpt5-critic", "x" * 64])
def test_names_of_agents(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "a_b", "a--b", "-a", "a-", "a/b", "../a", "a.md", "ä", "a b", "x" * 65]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="is no name for an agent"):
        check_name(name)


def test_the_template_can_be_read(tmp_path: Path) -> None:
    read = parse_agent(draft("critic", None, None))
    assert (read.agent.name, read.warnings) == ("critic", ())
    assert "What you look for" in read.agent.role


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), max_size=60))
def test_any_description_is_kept_in_one_line(text: str) -> None:
    line = " ".join(text.split())
    assert parse_agent(draft("critic", text, None)).agent.description == line


@pytest.mark.parametrize(
    "text",
    ["---\nname: old\ndescription: It looks.\nmodel: fast\n---\n\nThe role.\n",
     "---\ndescription: It looks.\nmodel: fast\nname: 'old'\n---\nThe role.\n",
     "---\r\nname: >\r\n  old\r\n\r\ndescription: >-\r\n  It\r\n  looks.\r\nmodel: fast\r\n---\r\nThe role.\r\n",
     "---\nmodel: fast\ndescription: It looks.\n---\nThe role.\n"],
)  # fmt: skip
def test_a_copy_has_all_but_the_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "old.md"
    file.write_bytes(text.encode())
    agent = parse_agent(draft("new", None, found(file))).agent
    assert (agent.name, agent.description, agent.model) == ("new", "It looks.", "fast")
    assert agent.role == "The role."
    other = parse_agent(draft("new", "It talks.", found(file))).agent
    assert (other.description, other.role) == ("It talks.", "The role.")


def test_a_copy_of_a_file_without_front_matter_gets_some(tmp_path: Path) -> None:
    file = tmp_path / "old.md"
    file.write_text("The role.\n")
    agent = parse_agent(draft("new", "It talks.", found(file))).agent
    assert (agent.name, agent.description, agent.role) == ("new", "It talks.", "The role.")


def test_what_is_broken_is_not_copied(tmp_path: Path) -> None:
    with pytest.raises(InvalidCouncil, match="it is too odd"):
        draft("new", None, found(tmp_path / "old.md", "it is too odd"))
    odd = tmp_path / "old.md"
    odd.write_text("---\n{name: old}\n---\nThe role.\n")
    with pytest.raises(UsageError):
        draft("new", None, found(odd))


def test_it_goes_into_the_project_or_to_the_user(tmp_path: Path) -> None:
    env = {"HOME": "/home/ann"}
    assert place_of("a", tmp_path, env, user=False) == tmp_path / "agents" / "a.md"
    users = Path("/home/ann/.config/konseho/agents/a.md")
    assert place_of("a", tmp_path, env, user=True) == users
    for homeless in ({}, {"CLAUDE_CONFIG_DIR": "/claude"}):
        with pytest.raises(UsageError, match="names no home"):
            place_of("a", tmp_path, homeless, user=True)


def test_what_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    file = tmp_path / "agents" / "a.md"
    write_agent(file, "one", NOBODY, force=False)
    with pytest.raises(UsageError, match="is there already"):
        write_agent(file, "two", NOBODY, force=False)
    assert file.read_text() == "one"
    write_agent(file, "two", NOBODY, force=True)
    assert file.read_text() == "two"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "precious", tmp_path / "a.md"
    target.write_text("precious")
    link.symlink_to(target)
    with pytest.raises(UsageError, match="is a link"):
        write_agent(link, "x", NOBODY, force=True)
    assert target.read_text() == "precious"


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.md").mkdir()
    with pytest.raises(UsageError, match="is there already"):
        write_agent(tmp_path / "a.md", "x", NOBODY, force=True)


def test_a_second_one_of_a_name_in_one_folder_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "agents" / "team" / "x.md"
    other.parent.mkdir(parents=True)
    other.write_text("---\nname: A\n---\nrole\n")
    library = Registry().library(tmp_path, {})
    with pytest.raises(UsageError, match=r"x\.md is called 'A' already"):
        write_agent(tmp_path / "agents" / "a.md", "x", library, force=True)


def test_where_it_cannot_be_written_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "agents").write_text("a file")
    with pytest.raises(KonsehoError, match="could not be written"):
        write_agent(tmp_path / "agents" / "a.md", "x", NOBODY, force=False)
