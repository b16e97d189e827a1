"""Every function belongs to one part of the house."""

from __future__ import annotations

import asyncio
import json
import pkgutil
import selectors
from pathlib import Path

import msgspec
import pytest

import konseho_cli
from konseho_cli.profiling.recorders.cpu_groups import (
    OTHER,
    TABLE,
    group_of,
    group_of_module,
    shown,
    waits,
)

PACKAGE = Path(next(iter(konseho_cli.__path__)))
MODULES = ["__init__"] + [
    found.name.removeprefix("konseho_cli.")
    for found in pkgutil.walk_packages([str(PACKAGE)], "konseho_cli.")
]


def test_every_module_falls_into_exactly_one_group() -> None:
    assert len(MODULES) > 200
    for module in MODULES:
        assert group_of_module(module) in set(TABLE.values()), module


def test_every_entry_of_the_table_is_about_something() -> None:
    of = {
        entry: [module for module in MODULES if module == entry or module.startswith(f"{entry}.")]
        for entry in TABLE
    }
    assert [entry for entry, modules in of.items() if not modules] == []


@pytest.mark.parametrize(
    ("module", "group"),
    [
        ("context.templates", "context serialization"),
        ("core.packing", "context serialization"),
        ("engine.holding", "context serialization"),
        ("telemetry.bus", "event emission"),
        ("telemetry.event_file", "event emission"),
        ("engine.executor", "coordination"),
        ("core.slots", "coordination"),
        ("engine.keeping", "history"),
        ("store.sqlite_store", "history"),
        ("engine.plan", "engine"),
        ("telemetry.spans", "telemetry"),
        ("core.units", "core"),
        ("models.retry", "models"),
        ("models.sim", "simulator"),
        ("models.tape", "cassette"),
    ],
)
def test_the_topics_have_groups_of_their_own(module: str, group: str) -> None:
    assert group_of_module(module) == group
    assert group_of(str(PACKAGE / f"{module.replace('.', '/')}.py")) == group


def test_a_module_that_is_on_no_floor_is_an_error() -> None:
    with pytest.raises(KeyError):
        group_of_module("cellar.wine")


def test_what_is_not_ours_is_grouped_by_library() -> None:
    assert group_of(msgspec.__file__) == "msgspec"
    assert group_of("/venv/lib/python3.11/site-packages/six.py") == "six"
    assert group_of(asyncio.events.__file__) == "asyncio"
    assert group_of(selectors.__file__) == "asyncio"
    assert group_of(json.decoder.__file__) == "python"
    assert group_of("<string>") == "python"
    assert group_of("<frozen importlib._bootstrap>") == "imports"
    assert group_of("/home/somebody/listener.py") == OTHER


def test_files_are_shown_without_the_folder_that_they_are_installed_in() -> None:
    assert shown(str(PACKAGE / "engine/executor.py")) == "konseho_cli/engine/executor.py"
    assert shown("/venv/lib/site-packages/aiohttp/client.py") == "aiohttp/client.py"
    assert shown(json.decoder.__file__) == "json/decoder.py"
    assert shown("/home/somebody/listener.py") == "/home/somebody/listener.py"
    assert shown("~") == ""


@pytest.mark.parametrize(
    ("name", "does"),
    [
        ("<method 'poll' of 'select.epoll' objects>", True),
        ("<built-in method select.select>", True),
        ("<method 'control' of 'select.kqueue' objects>", True),
        ("<built-in method time.sleep>", True),
        ("<method 'acquire' of '_thread.lock' objects>", True),
        ("<method 'get' of '_queue.SimpleQueue' objects>", True),
        ("<built-in method time.perf_counter>", False),
        ("<method 'get' of 'dict' objects>", False),
    ],
)
def test_what_only_waits_is_known(name: str, does: bool) -> None:
    assert waits(name) is does
