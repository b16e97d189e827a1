"""What was there at a git ref: the council's files, and in Konseho's own checkout that build of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from konseho_cli.bench.probing import HOME, Build
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.store.home import find_home, make_home

_FOLDER = "builds"
_MOST_KEPT = 5
_IN_USE_S = 3600
_PACKAGE, _PROJECT = "konseho_cli", "pyproject.toml"


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A commit, unpacked."""

    ref: str
    commit: str
    tree: Path
    """All its files."""
    root: Path
    """The working tree that it belongs to."""

    @property
    def label(self) -> str:
        """`main (3f2a1b9)`."""
        return f"{self.ref} ({self.commit[:7]})"

    def file(self, now: Path) -> Path:
        """Where a file of the working tree was then. Raises UsageError."""
        here = now.resolve()
        if not here.is_relative_to(self.root):
            raise UsageError(f"{now} is not in {self.root}, so {self.ref} says nothing about it")
        then = self.tree / here.relative_to(self.root)
        if not then.is_file():
            raise UsageError(f"there is no {here.relative_to(self.root)} at {self.label}")
        return then


def find_commit(ref: str, folder: Path) -> tuple[str, Path] | None:
    """The commit that a ref names, and its working tree; None: it names none, or there is no git."""
    if ref.startswith("-"):
        return None
    commit = _git(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    root = _git(folder, "rev-parse", "--show-toplevel")
    if commit is None or root is None:
        return None
    return commit.decode().strip(), Path(root.decode().strip()).resolve()


def unpack_commit(ref: str, commit: str, root: Path, env: Mapping[str, str]) -> Past:
    """Its files, in `.konseho/builds/`, where the last few stay. Raises KonsehoError."""
    home = find_home(env).absolute()
    make_home(home)
    tree = home / _FOLDER / commit / "tree"
    if not tree.is_dir():
        tree.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=tree.parent, ignore_cleanup_errors=True) as unfinished:
            files = Path(unfinished) / "tree"
            _check_out(root, ref, commit, files)
            with suppress(OSError):  # somebody else was faster
                files.rename(tree)
    os.utime(tree.parent)  # it is in use
    _remove_old(home / _FOLDER, time.time())
    return Past(ref=ref, commit=commit, tree=tree, root=root)


def _check_out(root: Path, ref: str, commit: str, tree: Path) -> None:
    """Every file of a commit, but for links that lead out of it. Raises KonsehoError.

    By an index of its own: `git archive` leaves out what .gitattributes says no release needs.
    """
    tree.mkdir()
    index = {"GIT_INDEX_FILE": str(tree.parent / "index")}
    read = _git(root, "read-tree", commit, **index)
    if read is None or _git(root, "checkout-index", "-a", f"--prefix={tree}/", **index) is None:
        raise KonsehoError(f"git could not read {ref}", hint="git fetch, perhaps")
    for folder, folders, files in os.walk(tree):
        for path in (Path(folder, name) for name in (*folders, *files)):
            if path.is_symlink() and not _stays_in(path, tree):
                path.unlink()


def _stays_in(link: Path, tree: Path) -> bool:
    try:
        return link.resolve().is_relative_to(tree.resolve())
    except (OSError, RuntimeError):  # RuntimeError: a link that leads to itself
        return False


def build_of(past: Past, say: Callable[[str], object]) -> Build:
    """The Konseho to measure that commit with: its own in Konseho's checkout, else this one.

    Where it asks for the same packages as today, those that are installed serve it; else it gets
    an environment of its own, which is kept. Raises KonsehoError.
    """
    if past.root != HOME or not (past.tree / _PACKAGE).is_dir():
        return Build(label=past.label)
    if _packages(past.tree) == _packages(past.root):
        return Build(home=past.tree, label=past.label)
    venv = past.tree.parent / "venv"
    python = venv / "bin" / "python"
    if not (venv / "done").exists():
        say(f"{past.label} asks for other packages: installing them for it")
        _run([sys.executable, "-m", "venv", "--clear", str(venv)])
        _run([str(python), "-m", "pip", "install", "--quiet", str(past.tree)])
        (venv / "done").touch()
    return Build(home=past.tree, python=python, label=past.label)


def _packages(tree: Path) -> list[str]:
    try:
        project = tomllib.loads((tree / _PROJECT).read_text(encoding="utf-8"))["project"]
        return sorted(project["dependencies"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return []


def _remove_old(folder: Path, now: float) -> None:
    """`now`: seconds since the epoch; what was used within the last hour may be in use."""
    used = {}
    for each in folder.iterdir():
        with suppress(OSError):  # somebody else removes, too
            used[each] = each.stat().st_mtime
    for old in sorted(used, key=lambda each: -used[each])[_MOST_KEPT:]:
        if used[old] < now - _IN_USE_S:
            shutil.rmtree(old, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it says nothing"]
        raise KonsehoError(f"{command[0]} {command[2]} failed: {lines[-1]}")


def _git(folder: Path, *arguments: str, **env: str) -> bytes | None:
    """Its output; None: it failed, or is not installed."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever the user's PATH has
            capture_output=True, check=False, env={**os.environ, **env},
        )  # fmt: skip
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
