from __future__ import annotations

import pytest

from konseho_cli.profiling.sweep import knee


@pytest.mark.parametrize(
    ("makespans", "place"),
    [
        ([8, 4, 2.1, 2.05, 2.0], 2),
        ([2.0, 2.05, 2.1, 4, 8], 2),
        ([4, 3, 2, 1], 3),
        ([2, 2, 2.01], None),
        ([3], None),
        ([], None),
    ],
)
def test_the_knee_is_the_nearest_value_that_comes_near_to_the_best(makespans, place):
    assert knee(makespans) == place
