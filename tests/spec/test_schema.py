"""The JSON Schema: it takes what loads, and refuses unknown keys."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from konseho_cli.core.units import Count, Duration, Money, Share, Size
from konseho_cli.core.yaml_events import parse_yaml
from konseho_cli.spec import schema as module
from konseho_cli.spec.preset import presets_beside
from konseho_cli.spec.schema import council_schema, preset_schema

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = council_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
BASE: dict[str, Any] = {"konseho": 1, "name": "x", "steps": [{"kind": "ask", "agent": "a"}]}


def test_it_is_a_schema_of_its_dialect() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "Konseho council"


@pytest.mark.parametrize("path", sorted((ROOT / "councils").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_councils_conform(path: Path) -> None:
    VALIDATOR.validate(parse_yaml(path.read_text(encoding="utf-8")).value)


INSIDE = {"id": "draft", "kind": "ask", "agent": "a"}


@pytest.mark.parametrize(
    ("held", "conforms"),
    [
        ([INSIDE], True),
        ([INSIDE, {"kind": "loop", "steps": [INSIDE], "until": "{{ draft }}"}], True),
        ([], False),
        ([{**INSIDE, "promt": "x"}], False),
        ([{"kind": "loop", "steps": [{**INSIDE, "kind": "asks"}]}], False),
        (INSIDE, False),
    ],
)
def test_steps_inside_of_steps_are_held_to_the_schema_as_well(held: Any, conforms: bool) -> None:
    nested = {**BASE, "steps": [{"id": "polish", "kind": "loop", "max": 2, "steps": held}]}
    assert VALIDATOR.is_valid(nested) == conforms


@pytest.mark.parametrize(
    "wrong",
    [
        {**BASE, "nam": 1},
        {**BASE, "limits": {"coast": 1}},
        {**BASE, "steps": [{"kind": "ask", "agent": "a", "promt": "x"}]},
        {**BASE, "steps": [{"kind": "debat", "agent": "a"}]},
        {**BASE, "steps": [{"kind": "ask"}]},
        {**BASE, "steps": []},
        {**BASE, "agents": {"my-agent": {}}},
        {**BASE, "konseho": 2},
        {**BASE, "limits": {"time": "soon"}},
    ],
)
def test_what_does_not_load_does_not_conform(wrong: dict[str, Any]) -> None:
    VALIDATOR.validate(BASE)
    assert not VALIDATOR.is_valid(wrong)


QUANTITIES = [
    *((Duration, text) for text in ["250ms", "5m", "90", "1.5h", " 3 s ", "5µs", "soon", "$3", "5w", "5M", ""]),
    *((Count, text) for text in ["1500", "200k", "2M", "3G", "4K", "5m", "x", "$2"]),
    *((Size, text) for text in ["64MiB", "10MB", "1GiB", "512", "5b", "5k", "5 kib", "5 TB"]),
    *((Share, text) for text in ["70%", "99.7 %", "0.7", "1", "100%", "0%", "70 %%", "x", "$1", "7k"]),
    *((Money, text) for text in ["$1.50", "1.50", "$ 3", "-1", "€3", "3k"]),
]  # fmt: skip


@pytest.mark.parametrize(("cls", "text"), QUANTITIES)
def test_a_quantity_conforms_exactly_where_it_parses(cls: type, text: str) -> None:
    try:
        cls(text)
        parses = True
    except ValueError:
        parses = False
    assert jsonschema.Draft202012Validator(module._quantity(cls)).is_valid(text) == parses


def test_fields_are_explained_by_their_docstrings() -> None:
    ask = SCHEMA["$defs"]["Ask"]["properties"]
    assert ask["needs"]["description"].startswith("Steps to wait for")
    assert SCHEMA["$defs"]["Agent"]["properties"]["from"]["description"].startswith(
        "The name of an agent"
    )
    assert SCHEMA["$defs"]["CouncilSpec"]["properties"]["gate"]["description"] == (
        "A boolean; false is exit status 1."
    )


def test_presets_have_one_too() -> None:
    validator = jsonschema.Draft202012Validator(preset_schema())
    for file in presets_beside().values():
        validator.validate(parse_yaml(file.read_text(encoding="utf-8")).value)
    assert not validator.is_valid({"konseho_preset": 1, "settings": {"cach_size": 1}})
    assert not validator.is_valid({"settings": {}})


def test_the_source_of_a_class_is_read_once_and_not_by_each_kind_of_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[type] = []

    def source(cls: type) -> str:
        read.append(cls)
        return inspect.getsource(cls)

    monkeypatch.setattr(
        module, "inspect", SimpleNamespace(getsource=source, cleandoc=inspect.cleandoc)
    )
    module._docstrings_of.cache_clear()
    first = council_schema()
    assert len(read) == len(set(read)) > 0
    assert council_schema() == first
    assert len(read) == len(set(read))
