"""The files that a program reads: found by patterns, and one hash over their names and contents."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from konseho_cli.core.errors import ModelRefused
from konseho_cli.core.freshness import is_settled, state_of

MOST_FILES = 20_000
NEVER = frozenset({".git", ".konseho", "__pycache__"})
"""Folders that are never looked into: no program's answer depends on them, and they change."""
_BLOCK = 1 << 20


class Unmatched(Exception):
    """A pattern that no file fits: what the program reads is then not known."""


class FileHashes:
    """Contents by name, read again only where a file's state says that it may have changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, ...], bytes]] = {}

    def digest(self, folder: Path, patterns: Sequence[str]) -> bytes:
        """32 bytes over all files that fit. Raises Unmatched, ModelRefused, OSError."""
        found = find(folder, patterns)
        whole = hashlib.blake2b(digest_size=32)
        for name in sorted(found):
            path = name.encode("utf-8", "surrogateescape")
            whole.update(len(path).to_bytes(4, "big") + path + self._of(found[name]))
        return whole.digest()

    def _of(self, path: str) -> bytes:
        with open(path, "rb") as file:
            before = _state(os.fstat(file.fileno()))
            known = self._known.get(path)
            if known is not None and known[0] == before:
                return known[1]
            now = time.time_ns()
            content = hashlib.blake2b(digest_size=32)
            while block := file.read(_BLOCK):
                content.update(block)
            after = _state(os.fstat(file.fileno()))
        digest = content.digest()
        if before == after and is_settled(before, now):
            self._known[path] = (before, digest)
        return digest


def _state(found: os.stat_result) -> tuple[int, ...]:
    return *state_of(found), found.st_dev


def find(folder: Path, patterns: Sequence[str]) -> dict[str, str]:
    """Files by their name in the folder. Raises Unmatched, ModelRefused.

    A link to a file in the folder is that file; one that leads out is refused, and links to folders
    are not followed.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        before = len(found)
        fresh = dict(_fitting(folder, pattern))
        found |= fresh
        if not fresh:
            raise Unmatched(f"inputs: '{pattern}' fits no file")
        if len(found) > MOST_FILES:
            raise ModelRefused(
                f"its inputs are more than {MOST_FILES:,} files",
                hint=f"narrow the pattern '{pattern}'" if len(found) > before else None,
            )
    return found


def problem_of(pattern: str) -> str | None:
    """Why this is no pattern of files in a folder; None: it is one."""
    if not pattern.strip():
        return "a pattern is empty"
    if pattern.startswith(("/", "~")):
        return f"'{pattern}' must be relative"
    if ".." in pattern.split("/"):
        return f"'{pattern}' leads out of the folder"
    return "a pattern holds NUL" if "\0" in pattern else None


def _fitting(folder: Path, pattern: str) -> Iterator[tuple[str, str]]:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    plain = 0
    while plain < len(parts) - 1 and not _is_wild(parts[plain]):
        plain += 1
    start, rest = "/".join(parts[:plain]), parts[plain:]
    fits, deep = _compiled("/".join(rest)), "**" in rest
    root = os.fspath(folder)
    for seen, (name, entry) in enumerate(_walk(os.path.join(root, start), len(rest), deep)):
        if seen > 50 * MOST_FILES:
            raise ModelRefused(f"'{pattern}' is looked for in too many files", hint="narrow it")
        if fits.fullmatch(name) and (path := _file(entry, root)) is not None:
            yield (f"{start}/{name}" if start else name), path


def _is_wild(part: str) -> bool:
    return any(char in part for char in "*?[")


def _walk(top: str, depth: int, deep: bool) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All that stands in a folder, with its name from the top; links to folders are not followed."""
    folders = [("", depth)]
    while folders:
        inside, depth = folders.pop()
        try:
            entries = list(os.scandir(os.path.join(top, inside)))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            name = f"{inside}/{entry.name}" if inside else entry.name
            if not entry.is_dir(follow_symlinks=False):
                yield name, entry
            elif entry.name not in NEVER and (deep or depth > 1):
                folders.append((name, depth - 1))


def _file(entry: os.DirEntry[str], root: str) -> str | None:
    """Its path; None where it is no file."""
    try:
        if entry.is_symlink():
            path = os.path.realpath(entry.path, strict=True)
            if not entry.is_file():
                return None  # a folder, a pipe
            if not Path(path).is_relative_to(os.path.realpath(root)):
                raise ModelRefused(
                    f"its input {entry.name} is a link that leads out of the folder",
                    hint="narrow the pattern in `inputs`",
                )
            return path
        return entry.path if stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode) else None
    except FileNotFoundError:
        return None  # a link to nothing; a file that has gone meanwhile


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    """As a shell's: `*` and `?` stay in one folder, `**` goes through all.

    Between two wildcards what fits first is as good as what fits later, so nothing is tried twice:
    a pattern may come from a model, and must not take longer the more stars it has.
    """
    runs: list[list[str]] = [[]]
    for part in pattern.split("/"):
        if part == "**":
            runs.append([])
        else:
            runs[-1].append(_of_part(part))
    first, *others = ["/".join(run) for run in runs]
    if not others:
        return re.compile(first, re.DOTALL)
    *between, last = others
    written = f"{first}/" if first else ""
    written += "".join(f"(?>(?:[^/]+/)*?{run}/)" for run in between if run)
    return re.compile(written + (f"(?:[^/]+/)*{last}" if last else ".*"), re.DOTALL)


def _of_part(part: str) -> str:
    first, *others = _runs(part)
    if not others:
        return first
    *between, last = others
    return first + "".join(f"(?>[^/]*?{run})" for run in between if run) + f"[^/]*{last}"


def _runs(part: str) -> list[str]:
    """What stands between the stars, each of one length whatever it fits."""
    runs, at = [""], 0
    while at < len(part):
        char = part[at]
        at += 1
        if char == "*":
            runs.append("")
        elif char == "?":
            runs[-1] += "[^/]"
        elif (
            char == "["
            and (end := part.find("]", at + (2 if part[at : at + 1] in "!^" else 1))) > 0
        ):
            runs[-1] += _of_class(part[at:end])
            at = end + 1
        else:
            runs[-1] += re.escape(char)
    return runs


def _of_class(inner: str) -> str:
    """Of `[a-z]` or `[!a-z]`; a range that ends before it begins holds nothing, as in a shell."""
    negated = inner[0] in "!^"
    chars, written, at = inner[negated:], "", 0
    while at < len(chars):
        low, at = chars[at], at + 1
        if chars[at : at + 1] == "-" and at + 1 < len(chars):
            high, at = chars[at + 1], at + 2
            written += f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
        else:
            written += re.escape(low)
    if negated:
        return f"[^/{written}]"
    return f"(?!/)[{written}]" if written else "(?!)"
