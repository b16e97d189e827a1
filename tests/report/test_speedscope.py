from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from msgspec import structs

from konseho_cli.report.speedscope import speedscope_json
from tests.report.profiles import profiled

SCHEMA = Path(__file__).parent.parent / "data" / "speedscope.schema.json"
"""Of the npm package `speedscope` 1.25.0, MIT licence."""


@pytest.mark.parametrize("council", ["quickstart", "research-split", "architecture-debate"])
def test_it_is_what_the_formats_own_schema_says(council: str) -> None:
    document = json.loads(speedscope_json(profiled(council)))
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(document)


def test_the_lanes_are_there_and_what_profilers_saw() -> None:
    document = json.loads(speedscope_json(profiled()))
    kinds = {profile["name"]: profile["type"] for profile in document["profiles"]}
    assert kinds["quickstart"] == kinds["chair"] == "evented"
    assert kinds["py-spy: MainThread"] == kinds["cProfile: own time"] == "sampled"
    frames = len(document["shared"]["frames"])
    for profile in document["profiles"]:
        for event in profile.get("events", ()):
            assert 0 <= event["frame"] < frames
            assert profile["startValue"] <= event["at"] <= profile["endValue"]


def test_stacks_weigh_what_they_were_seen() -> None:
    document = json.loads(speedscope_json(profiled()))
    spy = next(each for each in document["profiles"] if each["name"] == "py-spy: MainThread")
    names = [document["shared"]["frames"][frame]["name"] for frame in spy["samples"][0]]
    assert names == ["main", "work"]
    assert spy["weights"] == [pytest.approx(0.3)]


def test_a_run_without_spans_is_an_error_of_nobody() -> None:
    whole = profiled()
    bare = structs.replace(whole.recordings[0], spans=())
    document = json.loads(speedscope_json(structs.replace(whole, recordings=(bare,))))
    assert document["profiles"] == []
