"""Finds the function that a person means: `module:name`, `file.py:name`, or its name alone."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean

_OURS = "konseho_cli"
_HOW = "name it as module:function, such as konseho_cli.context.templates:render"


def find_function(text: str) -> FunctionType:
    """A function or method that is written in Python. Raises UsageError."""
    place, colon, name = text.rpartition(":")
    if not colon:
        return _alone(text)
    if place.endswith(".py"):
        return _one(text, _in_file(place, name))
    return _in_module(text, place, name)


def canonical(text: str) -> str:
    """The name by which any process finds the same function. Raises UsageError."""
    found = find_function(text)
    return f"{found.__module__}:{found.__qualname__}"


def _in_module(text: str, place: str, name: str) -> FunctionType:
    try:
        module = importlib.import_module(place)
    except (ImportError, ValueError) as error:
        raise UsageError(f"--lines {text}: there is no module {place}", hint=_HOW) from error
    found = _function(module, name)
    if found is None:
        near = did_you_mean(name, [each.__qualname__ for each in _functions(module)])
        raise UsageError(f"--lines {text}: {place} has no function {name}", hint=near or _HOW)
    return found


def _in_file(place: str, name: str) -> list[FunctionType]:
    wanted = Path(place).parts
    modules = [
        module
        for module in {*_ours(), *sys.modules.values()}
        if (file := getattr(module, "__file__", None))
        and Path(file).parts[-len(wanted) :] == wanted
    ]
    return [found for module in modules if (found := _function(module, name)) is not None]


def _alone(name: str) -> FunctionType:
    """By its name among all that this package has loaded."""
    ours = _ours()
    return _one(name, [
        found for module in ours for found in _functions(module)
        if name in (found.__name__, found.__qualname__)
    ])  # fmt: skip


def _ours() -> list[ModuleType]:
    """All modules of this package, loaded or not."""
    package = importlib.import_module(_OURS)
    return [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(package.__path__, f"{_OURS}.")
        if not found.name.endswith("__main__")
    ]


def _one(text: str, found: list[FunctionType]) -> FunctionType:
    unique = {each.__code__: each for each in found}
    if not unique:
        raise UsageError(f"--lines {text}: there is no such function", hint=_HOW)
    if len(unique) > 1:
        names = sorted(f"{each.__module__}:{each.__qualname__}" for each in unique.values())
        raise UsageError(f"--lines {text} may be any of {', '.join(names)}", hint=_HOW)
    return next(iter(unique.values()))


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Those that a module defines, methods included."""
    for value in list(vars(module).values()):
        if inspect.isclass(value) and value.__module__ == module.__name__:
            for inner in list(vars(value).values()):
                found = _plain(inner)
                if found is not None and found.__module__ == module.__name__:
                    yield found
        else:
            found = _plain(value)
            if found is not None and found.__module__ == module.__name__:
                yield found


def _function(module: ModuleType, name: str) -> FunctionType | None:
    value: Any = module
    for part in name.split("."):
        try:
            value = inspect.getattr_static(value, part)
        except AttributeError:
            return None
    return _plain(value)


def _plain(value: Any) -> FunctionType | None:
    """What is behind properties, class methods and decorators."""
    if isinstance(value, property):
        value = value.fget
    value = inspect.unwrap(getattr(value, "__func__", value))
    return value if isinstance(value, FunctionType) else None
