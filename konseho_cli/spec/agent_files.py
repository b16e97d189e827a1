"""`from:` of an agent: its Markdown file, which the council's folder or ours must hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from konseho_cli.agents.definition import Agent
from konseho_cli.core import marks
from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.core.files import shipped
from konseho_cli.spec.draft import Draft

_FIELDS: Mapping[str, str] = {
    field.encode_name: field.name
    for field in msgspec.structs.fields(Agent)
    if field.name != "from_"
}


def from_file(draft: Draft, agent: Agent, path: marks.Path) -> Agent:
    """The agent of the file that it names, with what is written beside `from` on top."""
    assert agent.from_ is not None
    place = (*path, "from")
    file = inside(draft, agent.from_, place, "agents", (".md",))
    if file is None:
        return msgspec.structs.replace(agent, from_=None)
    from konseho_cli.agents.prompt_cache import shared  # only where there is one

    try:
        found = shared().agent(file)
    except InvalidCouncil as error:
        draft.problems.errors.extend(error.problems)
        return msgspec.structs.replace(agent, from_=None)
    draft.problems.warnings.extend(found.warnings)
    if found.tools:
        hint = ", ".join(found.tools[:5]) + (", …" if len(found.tools) > 5 else "")
        draft.problems.warn(place, "its tools are not offered to the model", hint=hint)
    written: Any = draft.written(path)
    keys = written.keys() if isinstance(written, Mapping) else ()
    own = {name: getattr(agent, name) for key, name in _FIELDS.items() if key in keys}
    return msgspec.structs.replace(found.agent, **own)


def inside(
    draft: Draft, name: str, place: marks.Path, what_kind: str, suffixes: tuple[str, ...]
) -> Path | None:
    """The file, if it is there and in a folder that may hold it, links followed.

    `what_kind` of thing such files hold, and the suffixes of those that are suggested.
    """
    error = draft.problems.error
    try:
        root = draft.folder.resolve()
        file = (root / name).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links; a NUL in the name
        error(place, "this is no path to a file", value=name)
        return None
    if not any(file.is_relative_to(folder) for folder in (root, shipped("councils").resolve())):
        what = f"{name[:200]} is outside the council's folder"
        error(
            place, what, value=name, hint=f"keep {what_kind} beside the council file, or below it"
        )
    elif not _is_file(file):
        near = _beside(file, suffixes)
        what = f"{name[:200]} {'is a folder' if _is_folder(file) else 'does not exist'}"
        error(place, what, value=name, near=(file.name, near) if near else None)
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
