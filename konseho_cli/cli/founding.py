"""What `konseho init` writes: all of it is decided first, and nobody's file is replaced unasked."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from konseho_cli.cli.templates import SCHEMA, fill_template
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.files import write_atomically
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.spec.schema import ID, council_schema

USUAL = "council.yaml"
IGNORE, IGNORED = ".gitignore", ".konseho/"
_ALREADY = re.compile(rb"^(?:/|\*\*/)?\.konseho(?:/|/\*\*?)?[ \t]*\r?$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

Deed = Literal["wrote", "replaced", "kept", "added"]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file."""

    deed: Deed
    file: str
    """Below the folder."""
    content: bytes


class Founded(msgspec.Struct, frozen=True, kw_only=True):
    """What `init` did, and how to go on."""

    folder: Path
    files: Sequence[Written]
    next: Sequence[str]
    reads: Sequence[str]
    """Files of the user's that the last of these commands names and that are not there."""


def found(folder: Path, template: Path, name: str | None, *, force: bool) -> Founded:
    """Write a council and what belongs to it. Raises UsageError before anything is written."""
    if name is not None and not _NAME.fullmatch(name):
        what = f"--name {name[:80]!r}: a name is of small letters, digits, hyphens and underscores"
        raise UsageError(what)
    file, own = (USUAL, "") if name is None else (f"{name}.yaml", f"{name}-")
    filled = fill_template(template, file, name or _name_of(folder), own)
    _check_folder(folder)
    try:
        planned = _planned(folder, filled.files, force=force)
        _write(folder, planned)
    except OSError as error:
        place = error.filename or folder
        raise KonsehoError(
            f"{place} cannot be written: {error.strerror or error}",
            hint="name a folder that you may write to: konseho init FOLDER",
        ) from error
    reads = [each for each in filled.reads if not (folder / each).exists()]
    return Founded(folder=folder, files=planned, next=_next(folder, file, filled.call), reads=reads)


def _name_of(folder: Path) -> str:
    """The folder's name as a council may have it, as `npm init` does."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", folder.resolve().name.lower()).strip("-_")[:64]
    return slug or "council"


def _check_folder(folder: Path) -> None:
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file", hint="name a folder")
    except (OSError, ValueError) as error:
        raise UsageError(f"{str(folder)[:80]!r} is no folder: {error}") from None


def _planned(folder: Path, files: Mapping[str, str], *, force: bool) -> list[Written]:
    """What is to become of each file. Raises UsageError for what is there and differs."""
    for name in (*files, SCHEMA, IGNORE):
        _check_within(folder, name)
    planned = [_plan(folder, name, text.encode()) for name, text in files.items()]
    planned.append(_plan_schema(folder, force=force))
    taken = [each.file for each in planned if each.deed == "replaced" and not force]
    if taken := [name for name in taken if name != SCHEMA]:
        raise UsageError(
            f"{_listed(taken)} there already, and would be replaced: nothing was written",
            hint="--name NAME begins another council beside it, --force replaces what is there",
        )
    return [*planned, _plan_ignore(folder)]


def _check_within(folder: Path, name: str) -> None:
    """A link may have come with the folder, and lead to a file that is nobody's council."""
    try:
        leads = (folder / name).resolve()
    except RuntimeError:  # a link that leads to itself
        raise UsageError(f"{folder / name} is no file", hint="remove it first") from None
    if not leads.is_relative_to(folder.resolve()):
        raise UsageError(
            f"{folder / name} leads out of the folder, to {leads}: nothing was written",
            hint="remove the link first",
        )


def _plan(folder: Path, name: str, content: bytes) -> Written:
    place = folder / name
    if not os.path.lexists(place):
        return Written(deed="wrote", file=name, content=content)
    if not place.is_file():
        raise UsageError(f"{place} is there already, and is no file", hint="remove it first")
    deed: Deed = "kept" if place.read_bytes() == content else "replaced"
    return Written(deed=deed, file=name, content=content)


def _plan_schema(folder: Path, *, force: bool) -> Written:
    """An older Konseho's schema is renewed: nobody wrote it by hand."""
    planned = _plan(folder, SCHEMA, f"{dump(council_schema())}\n".encode())
    if planned.deed == "replaced" and not force and not _is_ours(folder / SCHEMA):
        raise UsageError(
            f"{SCHEMA} is there already, and is no schema of ours: nothing was written",
            hint="--force replaces it",
        )
    return planned


def _is_ours(file: Path) -> bool:
    try:
        read: Any = msgspec.json.decode(file.read_bytes())
        return isinstance(read, dict) and read.get("$id") == ID
    except msgspec.DecodeError:
        return False


def _plan_ignore(folder: Path) -> Written:
    """One line more, unless it is there; what others wrote stays as it is, byte by byte."""
    place = folder / IGNORE
    there = place.read_bytes() if place.exists() else None
    if there is None:
        return Written(deed="wrote", file=IGNORE, content=f"{IGNORED}\n".encode())
    if _ALREADY.search(there):
        return Written(deed="kept", file=IGNORE, content=b"")
    end = b"\r\n" if b"\r\n" in there else b"\n"
    begin = b"" if not there or there.endswith(b"\n") else end
    return Written(deed="added", file=IGNORE, content=begin + IGNORED.encode() + end)


def _write(folder: Path, planned: Sequence[Written]) -> None:
    for each in planned:
        place = folder / each.file
        place.parent.mkdir(parents=True, exist_ok=True)
        if each.deed == "added":
            with place.open("ab") as file:
                file.write(each.content)
        elif each.deed != "kept":
            write_atomically(place, each.content)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _next(folder: Path, file: str, call: str) -> list[str]:
    here = folder.resolve() == Path.cwd().resolve()
    enter = [] if here else [f"cd {shlex.quote(str(folder))}"]
    return [*enter, f"konseho run {file} {call}".rstrip()]


_ABOUT = {
    USUAL: "the council: its agents, its steps, its answer",
    SCHEMA: "what editors complete and check with",
    IGNORE: "leaves .konseho/ out: runs are kept there",
}
_BY_SUFFIX = {".md": "an agent of it", ".yaml": _ABOUT[USUAL], ".yml": _ABOUT[USUAL]}


def founded_text(founded: Founded) -> str:
    """What was done, aligned; then the next command."""
    width = max(len(each.file) for each in founded.files)
    lines = [f"{each.deed:<8}  {each.file:<{width}}  {_about(each.file)}" for each in founded.files]
    lines += ["", "Next:", *(f"  {each}" for each in founded.next)]
    if founded.reads:
        are = "is a file" if len(founded.reads) == 1 else "are files"
        lines += ["", f"There {' and '.join(founded.reads)} {are} of yours."]
    return "\n".join(lines)


def _about(file: str) -> str:
    kind = _BY_SUFFIX.get(Path(file).suffix, "people of it")
    return _ABOUT.get(file, kind)


def founded_json(founded: Founded) -> str:
    """The same for programs."""
    files = [{"file": each.file, "deed": each.deed} for each in founded.files]
    return dump(
        {
            "konseho": FORMAT,
            "folder": str(founded.folder),
            "files": files,
            "next": list(founded.next),
            "reads": list(founded.reads),
        }
    )
