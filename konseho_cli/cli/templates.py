"""The councils that ship, as beginnings of one's own: the text of the files that `init` writes."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from konseho_cli.core.errors import UsageError
from konseho_cli.core.source import read_source
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.core.yaml_events import parse_yaml
from konseho_cli.spec.find import shipped_councils
from konseho_cli.spec.people import SUFFIXES

SCHEMA = "council.schema.json"
"""What `konseho schema` writes; beside the council, so that an editor needs no network."""
SIMULATED = "sim"
_READ = re.compile(r"=@(\S+)")
_SCHEMA_LINE = re.compile(r"^# yaml-language-server: .*\n")
_TALKS = re.compile(r"[&*][A-Za-z]")
"""An anchor or an alias: such an agent's text is needed elsewhere in the file."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """Files by their path below the folder, and how the council is called upon."""

    files: Mapping[str, str]
    call: str
    """Arguments of `konseho run` with which it runs at once, without a key."""
    reads: Sequence[str] = ()
    """Files of the user's that these arguments name."""


def find_template(name: str) -> Path:
    """By its name or by one word of it: `review` is code-review. Raises UsageError."""
    known = shipped_councils()
    if name in known:
        return known[name]
    found = [each for each in known if name in each.split("-")]
    if len(found) == 1:
        return known[found[0]]
    near = f"it may be {' or '.join(found)}" if found else did_you_mean(name, known)
    what = "is not one template" if found else "is no template"
    raise UsageError(f"'{name:.80}' {what}", hint=near or f"templates: {', '.join(known)}")


def fill_template(template: Path, file: str, name: str, own: str = "") -> Template:
    """A council of that name in `file`, with the agents that it takes from files.

    One agent moves into `agents/`, where it does not come from there already; `own` begins the
    name of its file.
    """
    text = read_source(template)
    document: Any = parse_yaml(text, file=template.name).value
    files = _files_below(document, template.parent)
    agents = document.get("agents", {})
    if not any(each.endswith(".md") for each in files):
        moved = _moved_agent(text, agents, own) or _copied_agent(text, agents, template.parent)
        if moved is not None:
            text, agent_file, agent = moved
            files[agent_file] = agent
    text = _SCHEMA_LINE.sub(f"# yaml-language-server: $schema={SCHEMA}\n", text, count=1)
    text = re.sub(rf"^name: {re.escape(template.stem)}$", f"name: {name}", text, flags=re.MULTILINE)
    text = re.sub(
        rf"^(#.*konseho [a-z]+ ){re.escape(template.stem)}\b",
        lambda line: line[1] + file, text, flags=re.MULTILINE,
    )  # fmt: skip
    call = _first_call(text, file, document.get("inputs", {}))
    return Template(files={file: text, **files}, call=call, reads=_READ.findall(call))


def _first_call(text: str, file: str, inputs: Mapping[str, Any]) -> str:
    """The first call of the header, without files that it can do without, and without a key."""
    found = re.search(rf"^#\s+konseho run {re.escape(file)} ?(.*)$", text, re.MULTILINE)
    if found is None:
        return ""
    optional = "|".join(name for name, each in inputs.items() if not each.get("required"))
    call = re.sub(rf" ?--input (?:{optional})=@\S+", "", found[1]) if optional else found[1]
    return re.sub(r"--model \S+", f"--model {SIMULATED}", call)


def _files_below(value: Any, folder: Path) -> dict[str, str]:
    """What a document names by a path: agents, people, and councils with what those name."""
    found: dict[str, str] = {}
    pairs = value.items() if isinstance(value, dict) else ()
    for key, each in pairs:
        named = key in ("from", "file") and isinstance(each, str) and Path(each).suffix
        if named in (".md", *SUFFIXES) and (folder / each).is_file():
            found[each] = read_source(folder / each)
            if named in (".yaml", ".yml"):
                found |= _files_below(parse_yaml(found[each], file=each).value, folder)
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, (dict, list)):
            found |= _files_below(each, folder)
    return found


def _copied_agent(
    text: str, agents: Mapping[str, Any], folder: Path
) -> tuple[str, str, str] | None:
    """The text with one agent that it takes by its name from a file of its own; and that file."""
    for agent in agents.values():
        name = agent.get("from")
        file = f"agents/{name}.md"
        if isinstance(name, str) and (folder / file).is_file():
            named = re.compile(rf"(\bfrom: *){re.escape(name)}(?![\w./-])")
            return named.sub(rf"\g<1>{file}", text), file, read_source(folder / file)
    return None


def _moved_agent(text: str, agents: Mapping[str, Any], own: str) -> tuple[str, str, str] | None:
    """The text without its last agent that stands alone, and that agent's file."""
    for name, agent in reversed(list(agents.items())):
        block = re.search(rf"^  {name}:\n(?:    .*\n|\n(?=    ))+", text, re.MULTILINE)
        if block is None or _TALKS.search(block[0]) or not set(agent) <= {"role", "description"}:
            continue
        file = f"agents/{own}{name}.md"
        head = {"name": f"{own}{name}", "description": _description(name, agent)}
        lines = "".join(f"{key}: {value}\n" for key, value in head.items())
        rest = f"{text[: block.start()]}  {name}: {{from: {file}}}\n{text[block.end() :]}"
        return rest, file, f"---\n{lines}---\n{_wrapped(agent['role'])}\n"
    return None


def _wrapped(role: str) -> str:
    """Paragraphs that YAML folded, in lines again."""
    lines = (textwrap.wrap(line, 100, break_long_words=False) for line in role.rstrip().split("\n"))
    return "\n".join(part for line in lines for part in (line or [""]))


def _description(name: str, agent: Mapping[str, str]) -> str:
    said = " ".join(agent.get("description", "").split())
    return said if said and not re.search(r"[:#\"'{}\[\]&*]", said) else f"The {name} of a council."
