from __future__ import annotations

import json

import pytest

from konseho_cli.report.profile_json import profile_document, profile_json
from konseho_cli.version import __version__
from tests.report.profiles import profiled


def test_the_document_is_the_one_that_programs_rely_on(golden):
    golden("profile.json", profile_json(profiled()).replace(f'"{__version__}"', '"VERSION"') + "\n")


def test_times_are_seconds_and_say_so():
    analysis = profile_document(profiled())["analysis"]
    assert analysis["makespan_s"] == pytest.approx(7.16, abs=0.01)
    assert analysis["by_kind"][0]["duration_s"] == analysis["makespan_s"]
    assert analysis["steps"][0]["waiting_s"] == {"queue.limit": 1.0}
    assert analysis["lag"]["p99_s"] == pytest.approx(90e-6)
    assert analysis["resources"][0]["mean_wait_s"] == pytest.approx(0.3)


def test_no_field_of_an_analysis_is_left_in_nanoseconds():
    text = json.dumps(profile_document(profiled())["analysis"])
    numbers = json.loads(text, parse_int=lambda digits: int(digits))
    assert not list(_large(numbers))


def _large(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from _large(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _large(inner)
    elif isinstance(value, int | float) and value > 1e6:
        yield value
