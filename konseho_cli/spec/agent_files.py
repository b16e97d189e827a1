"""`from:` of an agent: a name that is looked up, or the path of its Markdown file.

The council's folder or ours must hold a file that is named by its path.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import msgspec

from konseho_cli.agents.definition import Agent
from konseho_cli.core import marks
from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.core.files import shipped
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.spec.draft import Draft
from konseho_cli.spec.find import SUFFIXES, shipped_councils

if TYPE_CHECKING:
    from konseho_cli.agents.markdown import MarkdownAgent

_FIELDS: Mapping[str, str] = {
    field.encode_name: field.name
    for field in msgspec.structs.fields(Agent)
    if field.name != "from_"
}


def from_file(draft: Draft, agent: Agent, path: marks.Path) -> Agent:
    """The agent of the file that it names, with what is written beside `from` on top."""
    assert agent.from_ is not None
    place = (*path, "from")
    # Only where there is one: what reads them is not for nothing.
    from konseho_cli.agents.glance import is_name

    try:
        read = _by_name if is_name(agent.from_) else _by_path
        found = read(draft, agent.from_, place)
    except InvalidCouncil as error:
        draft.problems.errors.extend(error.problems)
        found = None
    if found is None:
        return msgspec.structs.replace(agent, from_=None)
    draft.problems.warnings.extend(found.warnings)
    if found.tools:
        hint = ", ".join(found.tools[:5]) + (", …" if len(found.tools) > 5 else "")
        draft.problems.warn(place, "its tools are not offered to the model", hint=hint)
    written: Any = draft.written(path)
    keys = written.keys() if isinstance(written, Mapping) else ()
    own = {name: getattr(agent, name) for key, name in _FIELDS.items() if key in keys}
    return msgspec.structs.replace(found.agent, **own)


def hint_of_name(draft: Draft, ref: str) -> str | None:
    """How to write an agent that can be found by the name of an id that nobody has."""
    from konseho_cli.agents.registry import shared

    library = shared().library(draft.folder, os.environ)
    found = library.find(ref) or library.find(ref.replace("_", "-"))
    return f"write {{from: {found.name}}} to mean the {found.level} one" if found else None


def _by_name(draft: Draft, name: str, place: marks.Path) -> MarkdownAgent | None:
    """Raises InvalidCouncil where its file is broken."""
    from konseho_cli.agents.registry import shared

    found = shared().agent(name, draft.folder, os.environ)
    if not isinstance(found, tuple):
        looked = " or ".join(found.looked_in)
        known = found.names
        what = f"no agent is called '{name}' in {looked}"
        if _is_file(draft.folder / f"{name}.md"):
            hint = f"write {name}.md for the file beside the council"
            draft.problems.error(place, what, value=name, hint=hint)
        else:
            hint = "`konseho agents list` shows all; a path has a / or ends with .md"
            draft.problems.error(place, what, value=name, near=(name, known), hint=hint)
        return None
    listed, read = found
    if read.agent.name:
        return read
    named = msgspec.structs.replace(read.agent, name=listed.name)
    return msgspec.structs.replace(read, agent=named)


def _by_path(draft: Draft, name: str, place: marks.Path) -> MarkdownAgent | None:
    """Raises InvalidCouncil where it is broken."""
    file = inside(draft, name, place)
    if file is None:
        return None
    from konseho_cli.agents.prompt_cache import shared

    return shared().agent(file)


def council_file(draft: Draft, name: str, place: marks.Path) -> Path | None:
    """The file of a council inside another: a path, or the name of one that ships with Konseho."""
    if Path(name).suffix in SUFFIXES or "/" in name or "\\" in name:
        return inside(draft, name, place, what="councils", suffixes=SUFFIXES)
    known = shipped_councils()
    if name not in known:
        draft.problems.error(
            place, f"no council '{name[:80]}' ships with Konseho", value=name, near=(name, known),
            hint="a file is named with its .yaml",
        )  # fmt: skip
        return None
    return known[name].resolve()


def inside(
    draft: Draft, name: str, place: marks.Path, *, what: str = "agents",
    suffixes: tuple[str, ...] = (".md",),
) -> Path | None:  # fmt: skip
    """The file, if it is there and in a folder that may hold it, links followed."""
    error = draft.problems.error
    try:
        root = draft.folder.resolve()
        file = (root / name).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links; a NUL in the name
        error(place, "this is no path to a file", value=name)
        return None
    if not any(file.is_relative_to(folder) for folder in (root, shipped("councils").resolve())):
        wrong = f"{name[:200]} is outside the council's folder"
        error(place, wrong, value=name, hint=f"keep {what} beside the council file, or below it")
    elif not _is_file(file):
        near = _beside(file, suffixes)
        wrong = f"{name[:200]} {'is a folder' if _is_folder(file) else 'does not exist'}"
        near = [
            each for each in near if did_you_mean(file.stem, [PurePath(each).stem])
        ]  # all end so
        error(place, wrong, value=name, near=(file.name, near) if near else None)
    elif file.suffix.lower() not in suffixes:  # such as .env, which a link may lead to as well
        hint = f"known: {', '.join(suffixes)}, links followed"
        error(place, f"{name[:200]} is no file of {what}", value=name, hint=hint)
    else:
        return file
    return None


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a name too long
        return False


def _is_folder(file: Path) -> bool:
    try:
        return file.is_dir()
    except OSError:
        return False


def _beside(file: Path, suffixes: tuple[str, ...]) -> list[str]:
    try:
        return sorted(each.name for each in file.parent.iterdir() if each.suffix in suffixes)[:200]
    except OSError:
        return []
