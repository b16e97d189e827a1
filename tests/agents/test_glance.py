"""A glance at front matter says what reading the whole file says, and never raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.agents.glance import MOST_FRONT, NO_AGENT, Glance, glance, is_name, read_head
from konseho_cli.agents.markdown import parse_agent
from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.core.files import shipped

KEYS = st.sampled_from(
    ["name", "description", "model", "tools", "color", "temperature", "weight", "modle", "role", "max_tokens",
     "nam e", "-", "limits", "name ", " name", "maxTurns"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["critic", "1.5", "2", "'a: #b'", '" a # b"', '"a\\\\b"', "''", '""', "0", "0.0", "99999", "a: b", "a:b", "a #b", "a#b", "true", "No", "null", "~", "0.5", "1e3", "0x1f", "'q'",
     '"q"', "[a, b]", "{a: 1}", "|", ">", "a\\nb", "é", "😀", "*x", "&x", "!y", "- z", "? k", "a:",
     "inherit", "claude-opus-4", "sonnet", "Read, Grep", "", "x" * 70, "team/critic", "a.md", "\t",
     "Uses: a, b. Examples: <x>", "nan", "@", "`", "%", "--- ", "Yes", "ON", "a b"]
)  # fmt: skip
LINES = st.one_of(
    st.builds(lambda key, gap, value: f"{key}:{gap}{value}", KEYS,
              st.sampled_from([" ", "", "  ", "\t"]), st.lists(WORDS, max_size=3).map(" ".join)),
    st.sampled_from(["# a comment", "", "  more", "  - x", "---", "...", "name", "- a", "\t"]),
    st.text(max_size=12).filter(lambda text: "\0" not in text),
)  # fmt: skip


def in_full(text: str) -> tuple[str, str, str | None] | None:
    """What `parse_agent` says; None where it refuses."""
    try:
        agent = parse_agent(text).agent
    except InvalidCouncil:
        return None
    return agent.name or "stem", agent.description, agent.model


@settings(deadline=None)
@given(st.lists(LINES, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_a_glance_agrees_with_reading_it_all(lines: list[str], ending: str) -> None:
    text = ending.join(["---", *lines, "---", "The role.", ""])
    try:
        content = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair: no file holds it
        return
    found, full = glance(content, "stem"), in_full(text)
    if full is None:
        assert found.problem
    elif is_name(full[0]):
        assert (found.name, found.description, found.model) == full
        assert not found.problem
    else:
        assert "looks like a path" in found.problem


@settings(deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_are_too_odd_to_glance_at(content: bytes, fenced: bool) -> None:
    found = glance(b"---\n" + content if fenced else content, "stem")
    assert found.name or found == NO_AGENT


@pytest.mark.parametrize("file", sorted((shipped("councils") / "agents").glob("*.md")), ids=str)
def test_what_ships_is_plain_and_agrees(file: Path) -> None:
    agent = parse_agent(file.read_text(encoding="utf-8")).agent
    assert glance(read_head(str(file)), "x") == Glance(agent.name, agent.description, None)


def test_without_front_matter_a_file_goes_by_its_own_name_unless_it_is_a_readme() -> None:
    assert glance(b"You criticise.", "critic") == Glance("critic")
    assert glance(b"# About", "README") == NO_AGENT
    assert glance(b"---\nmodel: fast\n---\n", "critic") == Glance("critic", "", "fast")


def test_a_mistake_has_its_line_and_the_name_that_can_still_be_seen() -> None:
    found = glance(b"---\nname: critic\nweight: none\n---\n", "x")
    assert (found.name, found.line) == ("critic", 3)
    assert found.problem == 'weight: expected a number above 0, got "none"'
    assert glance(b"---\nname: critic\n", "x").problem == "the front matter has no closing ---"


@pytest.mark.parametrize("content", [b"a\0b", b"\xff\xfea", b"---\nname: \xe9\n---\n"])
def test_what_is_no_text_is_told(content: bytes) -> None:
    assert glance(content, "critic") == Glance("critic", problem="it is no text in UTF-8")


def test_only_the_front_matter_is_read_however_long_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    front = b"---\nname: a\ndescription: " + b"word " * 5000 + b"\n---\n"
    file.write_bytes(front + b"role " * 5000)
    assert read_head(str(file)) == front
    file.write_bytes(front[:-1])
    assert read_head(str(file)) == front[:-1]
    file.write_bytes(b"\xef\xbb\xbf---\nname: a\n---\nrole")
    assert read_head(str(file)) == b"\xef\xbb\xbf---\nname: a\n---\n"


@pytest.mark.parametrize("end", ["\n---\nrole", ""])
def test_front_matter_without_an_end_in_sight_is_not_parsed(tmp_path: Path, end: str) -> None:
    """A megabyte of YAML takes a second: a folder of them would hold whoever presses Tab."""
    file = tmp_path / "a.md"
    file.write_text("---\nname: critic\nx: [" + "1," * 400_000 + "1]" + end)
    head = read_head(str(file))
    assert len(head) <= 2 * MOST_FRONT + 4096
    said = Glance("critic", problem="its front matter is larger than 32 KiB")
    assert glance(head, "a") == said


@pytest.mark.parametrize("cut", range(40))
def test_where_a_chunk_ends_makes_no_difference(tmp_path: Path, cut: int) -> None:
    padding = "x" * (4096 - len("---\nname: a\nmodel: ") - 20 + cut)
    text = f"---\nname: a\nmodel: {padding}\n---\nrole\n---\n"
    file = tmp_path / "a.md"
    file.write_text(text)
    assert read_head(str(file)).decode() == text.removesuffix("role\n---\n")


@pytest.mark.parametrize("name", ["critic", "product-owner", "Code Reviewer", "critic_2", "größe"])
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "path", ["agents/a.md", "a.md", "./a", "..", "a\\b", "", " a", "a\n", "x" * 65, "a\0b"]
)
def test_paths(path: str) -> None:
    assert not is_name(path)
