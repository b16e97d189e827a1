"""What the front matter of an agent's file says at a glance: its name, not yet its role.

Front matter of plain `key: value` lines, as nearly all of it is, is read without a YAML parser;
whatever is not that plain goes to `parse_agent`, so that both always say the same.
"""

from __future__ import annotations

import os
import re

import msgspec

from konseho_cli.agents.markdown import IGNORED, model_of, parse_agent
from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.core.units import show_size

_HEAD = 4096
"""Bytes that are read at first: front matter is rarely longer."""
MOST_FRONT = 32_768
"""Bytes of front matter: YAML is slow to read, and a folder of a stranger's may hold many files."""
_MOST_NAME = 64
_END = re.compile(rb"^---[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_ASCII = r"\x00-\x1f\x7f-\uffff"
"""What is not plain: control characters, and whatever is not ASCII."""
_LINE = re.compile(
    rf"([A-Za-z][A-Za-z_-]*):[ ]+(?:([A-Za-z](?:[^{_ASCII}]*[^ :{_ASCII}])?)"
    rf"|\"([^\"\\{_ASCII}]*)\"|'([^'{_ASCII}]*)'|([0-9]+(?:\.[0-9]+)?))"
)
_NUMBERS = {
    "temperature": re.compile(r"[01]\.[0-9]{1,3}"),
    "weight": re.compile(r"[1-9][0-9]{0,3}(?:\.[0-9]{1,3})?"),
    "max_tokens": re.compile(r"[1-9][0-9]{0,8}"),
    "maxTurns": re.compile(r"[0-9]+"),
}
"""Such as are surely within their bounds."""
_WORD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_STEM = re.compile(r"[a-z][a-z0-9_-]*")
_NAME_LINE = re.compile(r"^name:[ \t]+[\"']?([A-Za-z][A-Za-z0-9_-]*)", re.MULTILINE)
_NO_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_TEXTS = frozenset({"name", "description", "model"})


class Glance(msgspec.Struct, frozen=True, array_like=True):
    """What is known of an agent before its file is read."""

    name: str
    """As it is written; empty: this is no agent."""
    description: str = ""
    model: str | None = None
    problem: str = ""
    """Why it cannot be used."""
    line: int | None = None
    """Where that is, from 1."""


NO_AGENT = Glance("")


def read_head(path: str) -> bytes:
    """The front matter with both of its lines, or without one the first bytes. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        head = os.read(handle, _HEAD)
        if not head.removeprefix(b"\xef\xbb\xbf").startswith(b"---"):
            return head
        more = head
        while True:
            end = _END.search(head, 3)
            if end and (end.end() < len(head) or not more):
                return head[: end.end()]
            if not more or len(head) > MOST_FRONT:
                return head
            more = os.read(handle, MOST_FRONT)
            head += more
    finally:
        os.close(handle)


def glance(head: bytes, stem: str) -> Glance:
    """Read what `read_head` gave; `stem` is the name of a file that has no other."""
    if b"\0" in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Glance(stem, problem="it is no text in UTF-8")
    head = head.removeprefix(b"\xef\xbb\xbf")
    if not head.startswith(b"---"):  # such as a README: that has no name to be found by
        return Glance(stem) if _STEM.fullmatch(stem) else NO_AGENT
    if len(head) > MOST_FRONT:
        name = _NAME_LINE.search(head.decode(errors="replace"))
        what = f"its front matter is larger than {show_size(MOST_FRONT)}"
        return Glance(name[1] if name else stem, problem=what)
    try:
        text = head.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return Glance(stem, problem="it is no text in UTF-8")
    found = _plain(text)
    return _named(_parsed(text, stem) if found is None else found, stem)


def _plain(text: str) -> Glance | None:
    """Of `key: value` lines that can mean one thing only; None where one is anything else."""
    first, *lines, last, end = text.split("\n") if text.count("\n") > 1 else ("", "", "")
    if (first, last, end) != ("---", "---", ""):
        return None
    found: dict[str, str] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or match[1] in found:
            return None
        key = match[1]
        value = _text(key, match[2]) if match[2] else match[3] if match[4] is None else match[4]
        if match[5]:
            if key not in _NUMBERS or not _NUMBERS[key].fullmatch(match[5]):
                return None
            value = match[5]
        elif value is None or not (key in _TEXTS or key in IGNORED or key == "tools"):
            return None
        found[key] = value
    model = model_of(found.get("model", ""))
    return Glance(found.get("name", ""), found.get("description", ""), model)


def _text(key: str, value: str) -> str | None:
    """A value without quotes, where YAML takes it for text."""
    if " #" in value or value.lower() in _NO_TEXT:
        return None
    if ": " not in value:
        return value
    return value.replace("\\n", "\n") if key == "description" else None


def _parsed(text: str, stem: str) -> Glance:
    try:
        agent = parse_agent(text).agent
    except InvalidCouncil as error:
        problem = error.problems[0]
        name = _NAME_LINE.search(text)
        what = f"{problem.path}: {problem.message}" if problem.path else problem.message
        return Glance(name[1] if name else stem, problem=what, line=problem.line)
    return Glance(agent.name, agent.description, agent.model)


def _named(found: Glance, stem: str) -> Glance:
    """With a name by which `from:` can mean it."""
    name = found.name or stem
    if is_name(name):
        return found if found.name else msgspec.structs.replace(found, name=name)
    shown = name[:_MOST_NAME]
    problem = f"nobody can write its name '{shown}' after `from:`: it looks like a path"
    return msgspec.structs.replace(found, name=shown, problem=found.problem or problem)


def is_name(text: str) -> bool:
    """Whether `from:` takes it for an agent's name; whatever else it says is a path to a file."""
    if _WORD_NAME.fullmatch(text):
        return len(text) <= _MOST_NAME
    is_path = any(each in text for each in "/\\.") or text != text.strip()
    return bool(text) and not is_path and text.isprintable() and len(text) <= _MOST_NAME
