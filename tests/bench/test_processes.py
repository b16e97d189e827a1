"""What a process takes is its own, and not what its parent has."""

from __future__ import annotations

import pytest

from konseho_cli.bench.processes import until_it_ends


def test_the_memory_of_a_process_is_its_own() -> None:
    large = bytearray(200_000_000)
    taken = until_it_ends(("-c", "held = bytearray(30_000_000)"))
    assert 30_000_000 < taken.peak < len(large)
    assert taken.seconds > 0


def test_a_process_that_fails_is_an_error_that_names_it() -> None:
    with pytest.raises(RuntimeError, match=r"python -c raise SystemExit\(3\) ended with 3"):
        until_it_ends(("-c", "raise SystemExit(3)"))
