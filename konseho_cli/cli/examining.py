"""What `konseho doctor` looks at on this machine: Python, packages, permissions, terminal, clock."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from konseho_cli.cli.requirements import Requirement, requirements
from konseho_cli.core.errors import KonsehoError
from konseho_cli.report.doctor import Finding
from konseho_cli.report.symbols import UNICODE, symbols_for
from konseho_cli.version import __version__

_MODULES = {"pyyaml": "yaml", "line_profiler": "line_profiler", "vl-convert-python": "vl_convert"}
_MODULES["opentelemetry-exporter-otlp-proto-http"] = "opentelemetry"
_PROGRAMS = frozenset({"py-spy"})
"""Packages that hold a program and nothing to import."""
FILES = 1024
"""Open files that a run with many calls at once may need."""
_EARLIEST = 1_735_689_600.0
"""2025-01-01: no clock that is right shows less."""
_SYS_PTRACE = 19
"""The capability's bit."""


def examine_python() -> Iterator[Finding]:
    """The interpreter, and where Konseho is."""
    group, here = "Python", Path(__file__).resolve().parents[1]
    yield Finding(group=group, name="konseho", said=f"{__version__} in {here}")
    old = sys.version_info < (3, 11)
    yield Finding(
        group=group,
        name="python",
        state="error" if old else "ok",
        said=f"{platform.python_version()} at {sys.executable}",
        mend="install Python 3.11 or newer, and Konseho for it" if old else None,
    )


def examine_packages(
    needed: Sequence[Requirement] | None = None,
    version: Callable[[str], str] = importlib.metadata.version,
    load: Callable[[str], object] = importlib.import_module,
) -> Iterator[Finding]:
    """Each package: there, new enough, and can be imported; then each extra."""
    every = requirements() if needed is None else needed
    for package in (each for each in every if not each.extra):
        yield _package(package, version, load)
    extras = sorted((each for each in every if each.extra), key=lambda each: each.extra)
    for extra, members in groupby(extras, key=lambda each: each.extra):
        yield _extra(extra, [_package(each, version, _find) for each in members])


def _find(module: str) -> None:
    """An extra is looked for and not imported: that would take a second."""
    if importlib.util.find_spec(module) is None:
        raise ImportError(f"no module named {module}")


def _package(
    package: Requirement, version: Callable[[str], str], load: Callable[[str], object]
) -> Finding:
    name, install = package.name, f"pip install '{package.written}'"
    try:
        found = version(name)
    except importlib.metadata.PackageNotFoundError:
        return _missing(name, "not installed", install)
    if not package.admits(found):
        bounds = ",".join(f"{sign}{bound}" for sign, bound in package.bounds)
        return _missing(name, f"{found}, and {bounds} is needed", install)
    try:
        if name not in _PROGRAMS:
            load(_MODULES.get(name.lower(), name.replace("-", "_")))
    except Exception as error:  # noqa: BLE001 - whatever a broken package does, this says it
        what = f"{found}, and cannot be imported: {type(error).__name__}: {error}"
        return _missing(name, what, f"pip install --force-reinstall {name}")
    return Finding(group="Packages", name=name, said=found)


def _missing(name: str, said: str, mend: str) -> Finding:
    return Finding(group="Packages", name=name, state="error", said=said, mend=mend)


def _extra(extra: str, members: Sequence[Finding]) -> Finding:
    lacking = [f"{each.name} {each.said}" for each in members if each.state != "ok"]
    if not lacking:
        there = ", ".join(f"{each.name} {each.said}" for each in members)
        return Finding(group="Extras", name=extra, said=there)
    gone = all(each.said == "not installed" for each in members)
    return Finding(
        group="Extras", name=extra, state="absent" if gone else "warning",
        said="not installed" if gone else "; ".join(lacking),
        mend=f"pip install 'konseho[{extra}]'",
    )  # fmt: skip


def examine_profilers() -> Iterator[Finding]:
    """Whether py-spy may look at processes: it is tried, as `konseho profile --sample` tries it."""
    from konseho_cli.profiling.recorders.py_spy import check_allowed

    scope, about = _read("/proc/sys/kernel/yama/ptrace_scope"), []
    if scope:
        about.append(f"ptrace_scope {scope}")
    if sys.platform == "linux":
        about.append(f"{'with' if _may_trace() else 'without'} CAP_SYS_PTRACE")
    if _in_container():
        about.append("in a container")
    told = f" ({', '.join(about)})" if about else ""
    try:
        with tempfile.TemporaryDirectory() as folder:
            check_allowed(Path(folder))
    except (KonsehoError, OSError) as error:
        yield Finding(
            group="Profilers", name="py-spy", state="warning", said=f"{error}{told}",
            mend=getattr(error, "hint", None),
        )  # fmt: skip
        return
    own = "its own children only" if scope == "1" and not _may_trace() else "other processes"
    more = "profile --pid needs root, or sysctl kernel.yama.ptrace_scope=0"
    said = f"may look at {own}{told}"
    mend = more if own.startswith("its") else None
    yield Finding(group="Profilers", name="py-spy", said=said, mend=mend)


def _may_trace() -> bool:
    status = _read("/proc/self/status")
    line = next((each for each in status.splitlines() if each.startswith("CapEff:")), "")
    return bool(line) and bool(int(line.split()[1], 16) >> _SYS_PTRACE & 1)


def _in_container() -> bool:
    return any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def examine_terminal(env: Mapping[str, str]) -> Iterator[Finding]:
    """What stderr, where runs are shown, can show."""
    group, term = "Terminal", env.get("TERM", "")
    streams = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
    there = [name for name, stream in streams.items() if stream is not None and stream.isatty()]
    size = shutil.get_terminal_size()
    said = f"{size.columns} × {size.lines}" if there else "none: runs are told in plain lines"
    apart = "" if len(there) in (0, 3) else f", {' and '.join(there)} only"
    yield Finding(
        group=group, name="screen", state="ok" if there else "absent", said=said + apart
    )  # fmt: skip
    dumb = term in ("", "dumb", "unknown")
    yield Finding(
        group=group, name="kind", state="warning" if dumb and there else "ok",
        said=f"TERM={term or '(not set)'}: {'no live view' if dumb else 'live view'}",
        mend="export TERM=xterm-256color, if your terminal can draw" if dumb and there else None,
    )  # fmt: skip
    plain = bool(env.get("NO_COLOR"))
    depth = env.get("COLORTERM") or ("256" if "256" in term else "16")
    colours = "none" if dumb else "off: NO_COLOR is set" if plain else f"on ({depth})"
    yield Finding(group=group, name="colours", said=colours)
    encoding = getattr(sys.stderr, "encoding", None) or "none"
    unicode = symbols_for(encoding) is UNICODE
    yield Finding(
        group=group, name="signs", state="ok" if unicode else "warning",
        said=f"{encoding}: {'all signs' if unicode else 'ASCII signs in their place'}",
        mend=None if unicode else "export LC_ALL=C.UTF-8, or PYTHONIOENCODING=utf-8",
    )  # fmt: skip


def examine_machine(wall: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Clock, processors, open files."""
    group, now = "Machine", wall()
    wrong = now < _EARLIEST
    yield Finding(
        group=group, name="clock", state="warning" if wrong else "ok",
        said=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)),
        mend="set it: servers are not trusted by a clock that is wrong" if wrong else None,
    )  # fmt: skip
    yield Finding(group=group, name="processors", said=str(os.cpu_count() or "unknown"))
    yield from _open_files()


def _open_files() -> Iterator[Finding]:
    try:
        import resource  # not on Windows
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    few = soft != endless and soft < FILES
    most = FILES * 4 if hard == endless else min(hard, FILES * 4)
    yield Finding(
        group="Machine", name="open files", state="warning" if few else "ok",
        said="no limit" if soft == endless else f"{soft:,} at most",
        mend=f"ulimit -n {most}: many calls at once need one each" if few else None,
    )  # fmt: skip
