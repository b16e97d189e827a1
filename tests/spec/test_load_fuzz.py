"""Valid councils, mutated: each loads or is refused with problems. Nothing else, ever."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.core.yaml_events import parse_yaml
from konseho_cli.spec.load import check_document, load_council
from konseho_cli.spec.loaded import Loaded

ROOT = Path(__file__).resolve().parents[2] / "councils"
EXAMPLE = b"""\
konseho: 1
name: everything
task: Review the change.
inputs:
  diff: {description: A unified diff., required: true}
  n: {type: number, default: 3}
model: fast
models:
  fast: &fast {use: "openai:gpt-5-mini", temperature: 0.2, fallback: ["sim:slow"], timeout: 30s}
  slow: {use: fast}
agents:
  security: {role: You look for vulnerabilities., model: fast, weight: 2}
  speed: {role: 'You look for waste.', max_tokens: 200}
  chair: {role: "You write the verdict."}
limits: {cost: $1.50, tokens: 200k, time: 5m}
on_error: continue
seed: 7
steps:
  - id: review
    kind: parallel
    agents: [security, speed]
    prompt: "{{ task }} {{ inputs.diff }} {% if inputs.n > 1 %}twice{% endif %}"
    quorum: 1
    wait: quorum
  - id: argue
    kind: debate
    agents: [security, {name: guest, role: Be kind.}]
    timeout: 2m
  - kind: ask
    agent: chair
    needs: []
    when: "{{ review.security != '' }}"
    on_error: fallback
    fallback: {value: {approve: false}}
    output: {schema: {type: object, properties: {approve: {type: boolean}}, required: [approve]}}
  - id: polish
    kind: loop
    max: 3
    until: "{{ check.approve and iteration > 1 }}"
    steps:
      - {id: draft, kind: ask, agent: speed, prompt: "{{ argue.positions }} {{ previous.draft }}"}
      - {id: check, kind: ask, agent: chair, needs: [draft]}
      - {id: inner, kind: loop, steps: [{kind: ask, agent: speed, prompt: "{{ check }}"}]}
  - id: verdict
    kind: chair
    agent: chair
answer: "{{ verdict }}"
gate: "{{ ask.approve }}"
targets: {step_overhead: 100ms, time: 2m, cost: $0.50}
"""
COUNCILS = [EXAMPLE, *(path.read_bytes() for path in sorted(ROOT.glob("*.yaml")))]
BITS = [b"", b"\n", b" ", b"\t", b"-", b": ", b"[", b"]", b"{", b"}", b"&a ", b"*a", b"*fast", b"!x ",
        b"'", b'"', b"|", b">", b"#", b"? ", b"%", b"@", b"\0", b"\xff", b"\xc3\xa9", b"~", b"<<: ",
        b"{{ ", b" }}", b"{% if %}", b".inf", b"-1", b"1e99", b"true", b"---\n", b"from: ../x\n",
        b"kind: ask", b"id: task", b"agents", b"needs: [verdict]\n", b"null"]  # fmt: skip
fuzzed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def comes_to(load: Any) -> Loaded | InvalidCouncil:
    """Loaded or refused; anything else is raised, and fails the test."""
    refused: InvalidCouncil
    try:
        return load()  # type: ignore[no-any-return]
    except InvalidCouncil as error:
        refused = error
    assert refused.problems
    assert all(problem.message and str(problem) for problem in refused.problems)
    return refused


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A council with a few lines and bytes deleted, doubled, moved and put in."""
    data = draw(st.sampled_from(COUNCILS))
    for _ in range(draw(st.integers(1, 4))):
        lines = data.splitlines(keepends=True) or [b""]
        line = draw(st.integers(0, len(lines) - 1))
        action = draw(st.sampled_from(["delete", "double", "swap", "insert", "cut", "indent"]))
        if action == "delete":
            del lines[line]
        elif action == "double":
            lines.insert(line, lines[draw(st.integers(0, len(lines) - 1))])
        elif action == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[line], lines[other] = lines[other], lines[line]
        elif action == "indent":
            lines[line] = b"  " + lines[line] if draw(st.booleans()) else lines[line].lstrip()
        else:
            at = draw(st.integers(0, len(lines[line])))
            end = at + draw(st.integers(0, 4)) if action == "cut" else at
            lines[line] = lines[line][:at] + draw(st.sampled_from(BITS)) + lines[line][end:]
        data = b"".join(lines)
    return data


@pytest.mark.parametrize("data", COUNCILS)
def test_what_the_fuzz_starts_from_is_valid(data: bytes, folder: Path) -> None:
    for beside in ("agents", "town-hall"):
        (folder / beside).symlink_to(ROOT / beside)
    (folder / "c.yaml").write_bytes(data)
    assert isinstance(comes_to(lambda: load_council(folder / "c.yaml")), Loaded)


@fuzzed
@given(data=mutated())
def test_a_mutated_text_loads_or_is_refused(data: bytes, folder: Path) -> None:
    (folder / "c.yaml").write_bytes(data)
    comes_to(lambda: load_council(folder / "c.yaml"))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["security", "review", "ask", "{{ review }}", "{{ x", "5m", "task", "halt",
                       "fallback", "fast", "sim", "openai:", "../x.md", "a\n", "{{ inputs.q }}"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.text(max_size=4) | st.sampled_from(["id", "kind", "agent", "agents", "name", "from", "value"]),
        inner, max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@st.composite
def altered(draw: st.DrawFn) -> Any:
    """A council's value with a few nodes replaced, removed or put elsewhere."""
    document = copy.deepcopy(parse_yaml(draw(st.sampled_from(COUNCILS)).decode()).value)
    for _ in range(draw(st.integers(1, 3))):
        node, nodes = document, []
        stack = [document]
        while stack:
            node = stack.pop()
            if isinstance(node, (dict, list)) and node:
                nodes.append(node)
                stack.extend(node.values() if isinstance(node, dict) else node)
        if not nodes:
            break
        node = draw(st.sampled_from(nodes))
        place = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        action = draw(st.sampled_from(["replace", "remove", "borrow"]))
        if action == "remove":
            del node[place]
        elif action == "borrow":
            node[place] = copy.deepcopy(draw(st.sampled_from(nodes)))
        else:
            node[place] = draw(JUNK)
    return document


@fuzzed
@given(document=altered())
def test_an_altered_value_loads_or_is_refused(document: Any, folder: Path) -> None:
    comes_to(lambda: check_document(document, folder=folder))


@fuzzed
@given(document=JUNK)
def test_any_value_loads_or_is_refused(document: Any, folder: Path) -> None:
    comes_to(lambda: check_document(document, folder=folder))
    comes_to(lambda: check_document({"konseho": 1, "name": "x", "steps": document}))
