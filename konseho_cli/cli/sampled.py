"""What `konseho profile --pid` prints and writes: samples of a process, of which no run is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from konseho_cli.cli.printing import print_lines, symbols, width
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.files import write_atomically
from konseho_cli.profiling.sampled import Samples
from konseho_cli.report.json import dump
from konseho_cli.report.samples import sample_lines

FORMAT = 1
"""The version of `--json` here; fields are added, never renamed."""


def put_samples(samples: Samples, pid: int, folder: Path, files: Mapping[str, Path | None]) -> None:
    """To stdout, and to the `files` of `--json` and `--speedscope`. Raises KonsehoError."""
    if None not in files.values():
        print_lines(sample_lines(samples, symbols(), width()))
    for option, file in files.items():
        try:
            if option == "--json":
                seen = {"pid": pid, "folder": str(folder), "samples": msgspec.to_builtins(samples)}
                text = dump({"konseho_samples": FORMAT, **seen})
            else:
                text = (folder / samples.file).read_text(encoding="utf-8")
            if file is None:
                deliver_to_stdout(text)
            else:
                write_atomically(file, text)
        except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
            why = getattr(error, "strerror", None) or error
            raise KonsehoError(f"{option} {file or '-'} could not be written: {why}") from error
