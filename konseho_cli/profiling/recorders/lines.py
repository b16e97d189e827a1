"""Line by line: memory_profiler's and line_profiler's tracers around a run, in a run of its own.

Both are slow: each line of the functions looked at is a call of theirs, of memory_profiler's with a
look at the whole process in it. So nothing else is measured in that run.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, TypeAlias

from konseho_cli.core.errors import MissingExtra
from konseho_cli.profiling.cpu_profile import LineTime
from konseho_cli.profiling.memory_profile import LineMemory
from konseho_cli.profiling.recorders.cpu_groups import shown
from konseho_cli.profiling.recorders.functions import find_function
from konseho_cli.profiling.recorders.job import LineKind

Seen: TypeAlias = Callable[[], list[LineTime] | list[LineMemory]]
INSTALL = "pip install 'konseho[lines]'"


@contextmanager
def lines_of(kind: LineKind, names: Sequence[str]) -> Iterator[Seen]:
    """Trace these functions. Raises UsageError for one that is not there, MissingExtra."""
    functions = [find_function(name) for name in names]
    codes = {function.__code__: function.__qualname__ for function in functions}
    traced = _times(functions, codes) if kind == "cpu" else _memory(functions, codes)
    with traced as seen:
        yield seen


def check_installed(kind: LineKind) -> None:
    """Raises MissingExtra with the way to install it."""
    if kind == "cpu":
        _line_profiler()


def _line_profiler() -> Any:
    try:
        import line_profiler
    except ImportError as error:
        what = "CPU time line by line needs line_profiler, which is not installed"
        raise MissingExtra(what, hint=INSTALL) from error
    return line_profiler


@contextmanager
def _times(functions: Sequence[Any], codes: dict[CodeType, str]) -> Iterator[Seen]:
    profiler = _line_profiler().LineProfiler()
    names = {(code.co_filename, code.co_firstlineno): name for code, name in codes.items()}
    for function in functions:
        profiler.add_function(function)

    def seen() -> list[LineTime]:
        profiler.disable_by_count()
        stats = profiler.get_stats()
        return [
            LineTime(
                function=names.get((file, first), name), file=shown(file), line=line, hits=hits,
                seconds=spent * stats.unit, source=linecache.getline(file, line).rstrip(),
            )
            for (file, first, name), lines in sorted(stats.timings.items())
            for line, hits, spent in lines
        ]  # fmt: skip

    profiler.enable_by_count()
    yield seen


@contextmanager
def _memory(functions: Sequence[Any], codes: dict[CodeType, str]) -> Iterator[Seen]:
    from memory_profiler import LineProfiler

    profiler = LineProfiler(backend="psutil")
    profiler._original_trace_function = None
    for function in functions:
        profiler.add_function(function)
    looked_at = profiler.code_map

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        # Its own tracer is called for every line of the process, and most of them are others'.
        return profiler.trace_memory_usage(frame, event, arg) if frame.f_code in looked_at else None

    def seen() -> list[LineMemory]:
        sys.settrace(None)
        return [
            LineMemory(
                function=codes[code], file=shown(file), line=line, hits=found[2],
                growth=round(found[0] * 2**20), resident=round(found[1] * 2**20),
                source=linecache.getline(file, line).rstrip(),
            )
            for file, code, numbers in looked_at._toplevel
            for line in numbers
            # For it, the whole process is new each time that the function is entered.
            if line != code.co_firstlineno and (found := looked_at[code].get(line)) is not None
        ]  # fmt: skip

    sys.settrace(trace)
    try:
        yield seen
    finally:
        sys.settrace(None)
