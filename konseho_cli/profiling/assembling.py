"""From recordings to the profile that reports show."""

from __future__ import annotations

from collections.abc import Sequence

from konseho_cli.profiling.analysing import analyse
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.profiling.recording import Recording


def profiled_of(recordings: Sequence[Recording]) -> Profiled:
    """The first recording's run is the one whose time is analysed."""
    return Profiled(recordings=tuple(recordings), analysis=analyse(recordings[0].outcome))
