"""What was there at a git ref: the council's files, and in Konseho's own checkout that build of it."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from konseho_cli.bench.probing import HOME, Build
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.store.home import find_home, make_home

_FOLDER = "builds"
_MOST_KEPT = 5
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
    home = find_home(env)
    make_home(home)
    tree = home / _FOLDER / commit / "tree"
    if not tree.is_dir():
        archive = _git(root, "archive", "--format=tar", commit)
        if archive is None:
            raise KonsehoError(f"git could not read {ref}", hint="git fetch, perhaps")
        tree.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(dir=tree.parent))
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(unfinished, filter="data")
        try:
            unfinished.rename(tree)
        except OSError:  # somebody else was faster
            shutil.rmtree(unfinished, ignore_errors=True)
    os.utime(tree.parent)
    _remove_old(home / _FOLDER)
    return Past(ref=ref, commit=commit, tree=tree, root=root)


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


def _remove_old(folder: Path) -> None:
    kept = sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in kept[_MOST_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it says nothing"]
        raise KonsehoError(f"{command[0]} {command[2]} failed: {lines[-1]}")


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Its output; None: it failed, or is not installed."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever the user's PATH has
            capture_output=True, check=False,
        )  # fmt: skip
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
