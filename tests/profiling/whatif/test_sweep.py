from __future__ import annotations

import pytest

from konseho_cli.profiling.whatif.sweep import course, knee


@pytest.mark.parametrize(
    ("makespans", "place"),
    [
        ([8, 4, 2.1, 2.05, 2.0], 2),
        ([2.0, 2.05, 2.1, 4, 8], 2),
        ([4, 3, 2, 1], None),
        ([1, 2, 3, 4], None),
        ([8, 4], None),
        ([16, 8, 6, 5, 4.4, 4], None),
        ([2, 2, 2.01], None),
        ([3], None),
        ([], None),
    ],
)
def test_the_knee_is_the_nearest_value_that_comes_near_to_the_best(makespans, place):
    assert knee(makespans) == place


@pytest.mark.parametrize(
    ("makespans", "shows"),
    [([3], ""), ([2, 2.01], "flat"), ([4, 3, 2, 1], "falls"), ([1, 2, 3, 4], "falls"),
     ([8, 4, 3.9], "knee")],
)  # fmt: skip
def test_a_curve_that_still_falls_at_its_end_is_told_from_one_that_is_flat(makespans, shows):
    assert course(makespans) == shows
