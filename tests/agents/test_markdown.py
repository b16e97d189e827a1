"""Agents in Markdown: ours, and Claude Code's subagents as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from konseho_cli.agents.definition import Agent
from konseho_cli.agents.markdown import IGNORED, parse_agent, read_agent
from konseho_cli.core.errors import InvalidCouncil


def why(text: str) -> list[str]:
    """What is said about a file that is refused."""
    with pytest.raises(InvalidCouncil) as raised:
        parse_agent(text, file="a.md")
    return [str(problem) for problem in raised.value.problems]


SUBAGENT = """---
name: code-reviewer
description: Expert reviewer. Use PROACTIVELY. Examples: <example>user: "Check: this"\\nassistant: "ok"</example>
model: sonnet
tools: Read, Grep, Bash
color: red
permissionMode: plan
---

You are a senior reviewer.

---

Look closely.
"""


def test_a_claude_code_subagent_loads_unchanged() -> None:
    found = parse_agent(SUBAGENT)
    assert found.agent == Agent(
        name="code-reviewer",
        description='Expert reviewer. Use PROACTIVELY. Examples: <example>user: "Check: this"\n'
        'assistant: "ok"</example>',
        role="You are a senior reviewer.\n\n---\n\nLook closely.",
        model="sonnet",
    )
    assert found.tools == ("Read", "Grep", "Bash")
    assert found.warnings == ()


def test_a_description_may_hold_a_colon_beside_an_emoji() -> None:
    assert parse_agent("---\ndescription: Use it 😀: often\n---\n").agent.description == (
        "Use it 😀: often"
    )


def test_every_key_of_agents_in_a_council_is_understood() -> None:
    found = parse_agent(
        "---\nmodel: openai:gpt-5\nweight: 2\ntemperature: 0.5\nmax_tokens: 100\n---\nrole\n"
    )
    assert found.agent == Agent(
        role="role", model="openai:gpt-5", weight=2.0, temperature=0.5, max_tokens=100
    )


@pytest.mark.parametrize(
    ("written", "model"),
    [("inherit", None), ("", None), ("haiku", "haiku"), ("opus", "opus"),
     ("claude-opus-4-5", "anthropic:claude-opus-4-5"), ("ollama:llama3", "ollama:llama3")],
)  # fmt: skip
def test_a_model_is_a_word_a_full_name_or_the_councils_own(written: str, model: str | None) -> None:
    assert parse_agent(f"---\nmodel: {written}\n---\nx").agent.model == model


@pytest.mark.parametrize("tools", ["[Read, Grep]", "\n  - Read\n  - Grep", "Read,Grep"])
def test_tools_are_text_or_a_list(tools: str) -> None:
    assert parse_agent(f"---\ntools: {tools}\n---\nx").tools == ("Read", "Grep")


@pytest.mark.parametrize("key", sorted(IGNORED))
def test_what_only_claude_code_knows_is_let_through(key: str) -> None:
    assert parse_agent(f"---\n{key}: [anything]\n---\nx").warnings == ()


def test_without_front_matter_all_of_it_is_the_role() -> None:
    assert parse_agent("# You\n\nare kind.\n").agent == Agent(role="# You\n\nare kind.")


def test_windows_line_ends_are_fine() -> None:
    assert parse_agent("---\r\nname: x\r\n---\r\nrole\r\n").agent == Agent(name="x", role="role")


def test_an_empty_front_matter_is_fine() -> None:
    assert parse_agent("---\n---\nrole").agent == Agent(role="role")


def test_a_role_in_the_front_matter_stands_alone() -> None:
    assert parse_agent("---\nrole: You.\n---\n").agent == Agent(role="You.")
    assert why("---\nrole: You.\n---\nMe.") == [
        "a.md:2:1: role: the role is the text below the front matter: give one only"
    ]


def test_an_unknown_key_is_a_warning_with_its_line() -> None:
    found = parse_agent("---\nname: x\nmodle: y\n---\nrole", file="a.md")
    assert [str(each) for each in found.warnings] == [
        "a.md:3:1: modle: unknown key 'modle' (did you mean 'model'?)"
    ]


def test_all_mistakes_are_told_with_their_lines() -> None:
    assert why("---\nname: [x]\nweight: -1\ntemperature: 3\nmax_tokens: 1.5\ntools: 5\n---\nx") == [
        "a.md:6:1: tools: expected a list of names",
        "a.md:2:1: name: expected text",
        "a.md:3:1: weight: expected a number above 0, got -1",
        "a.md:4:1: temperature: expected a number from 0 to 2, got 3",
        "a.md:5:1: max_tokens: expected a whole number from 1, got 1.5",
    ]


def test_a_front_matter_that_does_not_end_is_an_error() -> None:
    assert why("---\nname: x\n") == ["a.md:1: the front matter has no closing ---"]


def test_a_front_matter_that_is_a_list_is_an_error() -> None:
    assert why("---\n- x\n---\n") == ["a.md:2:1: the front matter must be a mapping"]


def test_what_is_not_yaml_is_placed_in_the_file() -> None:
    found = why("---\nname: x\nmodel: [a\n---\nrole")
    assert found[0].startswith("a.md:4:1: not YAML: did not find expected ',' or ']'")


def test_a_duplicate_key_is_an_error() -> None:
    assert why("---\nname: x\nname: y\n---\n") == [
        "a.md:3:1: duplicate key 'name' (first on line 2)"
    ]


def test_a_number_without_end_is_no_weight() -> None:
    assert why("---\nweight: .inf\n---\nx") == [
        "a.md:2:1: weight: expected a number above 0, got Infinity"
    ]


def test_a_file_is_read_and_named_in_its_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.md"
    file.write_text("---\nname: x\n---\nrole\n")
    assert read_agent(file).agent == Agent(name="x", role="role")
    file.write_bytes(b"caf\xe9")
    with pytest.raises(InvalidCouncil, match=r"^a.md:1: byte 3 \(0xe9\) is not UTF-8"):
        read_agent(file)
