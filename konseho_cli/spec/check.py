"""Types: all mistakes at once, by walking the value and `msgspec.inspect`'s types together.

A document without mistakes is converted at once; the walk explains what msgspec refuses. It also
leaves out what is wrong, so that the rules can still be held against the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from math import isfinite
from typing import Any, TypeVar

import msgspec
from msgspec import inspect as kinds

from konseho_cli.agents.definition import ID_PATTERN
from konseho_cli.core.marks import Path, quote
from konseho_cli.core.units import quantity
from konseho_cli.spec.problems import Problems, shown
from konseho_cli.spec.stand_ins import stand_in
from konseho_cli.spec.synonyms import meant_key, meant_kind, spelt, way_out
from konseho_cli.steps.base import Base

T = TypeVar("T", bound=msgspec.Struct)
MAX_DEPTH = 64
"""Structures inside each other in a value of the user's own (a schema, a fallback)."""
ID_RULE = "an id is made of a-z, 0-9 and _, and begins with a letter"
VERSIONS = ("konseho", "konseho_preset")
"""Keys that say which kind of file it is, and the version of its format."""
_INVALID: Any = object()
_IDS = (ID_PATTERN, ID_PATTERN.replace("^", "^(").replace("*", "*)?", 1))


def checked(value: Any, kind: type[T], problems: Problems, *, quick: bool) -> T | None:
    """The document as types; what is wrong is in `problems` and left out of the result.

    None: so little of it is right that no rule can be held against it. `quick`: the value is
    known to be JSON, so that msgspec alone may accept it.
    """
    if quick:
        try:
            return converted(value, kind)
        except msgspec.ValidationError:
            pass
    walk = _Walk(problems)
    try:
        repaired = walk.of(_types(kind), value, ())
    except _TooDeep:
        return None
    if repaired is _INVALID:
        return None
    try:
        return converted(repaired, kind)
    except msgspec.ValidationError as error:
        if not problems.errors:  # the walk knows less than msgspec: say what that says
            problems.error((), str(error))
        return None


def converted(value: Any, kind: type[T]) -> T:
    """A value that was checked before, such as one that we wrote. Raises msgspec.ValidationError."""
    return msgspec.convert(value, kind, dec_hook=quantity)


@cache
def _types(kind: type) -> Any:
    return kinds.type_info(kind)


class _TooDeep(Exception):
    """A value that contains itself, or might as well."""


class _Walk:
    """One method for each kind of type: the value where it is right, else `_INVALID`."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self._methods: Mapping[type, Any] = {
            kinds.AnyType: self._any,
            kinds.NoneType: self._none,
            kinds.BoolType: self._bool,
            kinds.IntType: self._int,
            kinds.FloatType: self._float,
            kinds.StrType: self._str,
            kinds.CustomType: self._custom,
            kinds.LiteralType: self._literal,
            kinds.DictType: self._dict,
            kinds.VarTupleType: self._list,
            kinds.ListType: self._list,
            kinds.StructType: self._struct,
            kinds.UnionType: self._union,
        }

    def of(self, kind: Any, value: Any, path: Path) -> Any:
        """Check one value against one type."""
        while isinstance(kind, kinds.Metadata):
            kind = kind.type
        return self._methods[type(kind)](kind, value, path)

    def _wrong(self, path: Path, expected: str, value: Any) -> Any:
        got = "but it is empty" if value is None else f"got {shown(value)}"
        hint = way_out(path, value, expected)
        self.problems.error(path, f"expected {expected}, {got}", value=value, hint=hint)
        return _INVALID

    # ------------------------------------------------------------------- one value

    def _any(self, _: Any, value: Any, path: Path) -> Any:
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return value if isfinite(value) else self._wrong(path, "a finite number", value)
        if len(path) > MAX_DEPTH:
            self.problems.error(path, f"nested deeper than {MAX_DEPTH} levels")
            raise _TooDeep
        if isinstance(value, dict):
            return self._any_dict(value, path)
        if isinstance(value, (list, tuple)):
            found = [self._any(_, item, (*path, index)) for index, item in enumerate(value)]
            return _INVALID if any(item is _INVALID for item in found) else value
        return self._wrong(path, "plain data (text, numbers, lists, mappings)", value)

    def _any_dict(self, value: dict[Any, Any], path: Path) -> Any:
        right = True
        for key, item in value.items():
            if not isinstance(key, str):
                self.problems.error(path, f"the key {shown(key)} is not text")
                right = False
            elif self._any(None, item, (*path, key)) is _INVALID:
                right = False
        return value if right else _INVALID

    def _none(self, _: Any, value: Any, path: Path) -> Any:
        return None if value is None else self._wrong(path, "nothing", value)

    def _bool(self, _: Any, value: Any, path: Path) -> Any:
        return value if isinstance(value, bool) else self._wrong(path, "true or false", value)

    def _int(self, kind: Any, value: Any, path: Path) -> Any:
        if isinstance(value, bool) or not isinstance(value, int) or not _within(kind, value):
            return self._wrong(path, f"a whole number{_bounds(kind)}", value)
        return value

    def _float(self, kind: Any, value: Any, path: Path) -> Any:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not isfinite(value) or not _within(kind, value):
            return self._wrong(path, f"a number{_bounds(kind)}", value)
        return value

    def _str(self, kind: Any, value: Any, path: Path) -> Any:
        if not isinstance(value, str):
            hint = "put it in quotes" if isinstance(value, (bool, int, float)) else None
            got = "but it is empty" if value is None else f"got {shown(value)}"
            self.problems.error(path, f"expected text, {got}", value=value, hint=hint)
            return _INVALID
        return value if self._text_fits(kind, value, path) else _INVALID

    def _text_fits(self, kind: Any, value: str, path: Path, *, key: bool = False) -> bool:
        if kind.max_length is not None and len(value) > kind.max_length:
            what = f"{shown(value)} is longer than {kind.max_length} characters"
        elif kind.pattern is not None and not re.search(kind.pattern, value):
            what = f"{shown(value)} does not match {kind.pattern}"
            if kind.pattern in _IDS:
                self._not_an_id(value, path, key)
                return False
        elif kind.min_length is not None and len(value) < kind.min_length:
            what = "it is empty"
        else:
            return True
        self.problems.error(path, what, value=value, key=key)
        return False

    def _not_an_id(self, value: str, path: Path, key: bool) -> None:
        hint = "a hyphen would be a subtraction in templates" if "-" in value else None
        fixed = value.strip().lower().replace("-", "_").replace(" ", "_")
        near = (fixed, (fixed,)) if fixed.isidentifier() and fixed.isascii() else None
        reason = f": {hint}" if hint else ""
        self.problems.error(
            path, f"{quote(value)} is not an id{reason}", value=value, key=key,
            near=near if fixed != value else None, hint=ID_RULE,
        )  # fmt: skip

    def _custom(self, kind: Any, value: Any, path: Path) -> Any:
        if isinstance(value, kind.cls):
            return value
        try:
            return kind.cls(value)
        except ValueError as error:
            got = "but it is empty" if value is None else f"got {shown(value)}"
            self.problems.error(path, f"{error}, {got}", value=value)
            return _INVALID

    def _literal(self, kind: Any, value: Any, path: Path) -> Any:
        if any(value == known and type(value) is type(known) for known in kind.values):
            return value
        if kind.values == (1,):
            return self._wrong(path, "1, the version of the format that is known here", value)
        known = sorted(str(each) for each in kind.values)
        listed = "expected one of " + ", ".join(known)
        near = (value, known) if isinstance(value, str) else None
        got = "but it is empty" if value is None else f"got {shown(value)}"
        self.problems.error(path, f"{listed}; {got}", value=value, near=near)
        return _INVALID

    # ------------------------------------------------------------------- structures

    def _list(self, kind: Any, value: Any, path: Path) -> Any:
        if not isinstance(value, (list, tuple)):
            return self._wrong(path, "a list", value)
        if kind.min_length and len(value) < kind.min_length:
            return self._wrong(path, "at least one", value)
        items = (self.of(kind.item_type, item, (*path, at)) for at, item in enumerate(value))
        keep = _holds_steps(kind)  # a step's place is its number: a wrong one is replaced
        return [
            stand_in(kind.item_type) if item is _INVALID else item
            for item in items
            if keep or item is not _INVALID
        ]

    def _dict(self, kind: Any, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong(path, "a mapping", value)
        found = {}
        for key, item in value.items():
            if not isinstance(key, str):
                self.problems.error(path, f"the key {shown(key)} is not text")
            elif self._text_fits(kind.key_type, key, (*path, key), key=True):
                right = self.of(kind.value_type, item, (*path, key))
                found[key] = stand_in(kind.value_type) if right is _INVALID else right
        return found

    def _struct(self, kind: Any, value: Any, path: Path) -> Any:
        if len(path) > MAX_DEPTH:
            self.problems.error(path, f"nested deeper than {MAX_DEPTH} levels")
            raise _TooDeep
        if not isinstance(value, dict):
            return self._wrong(path, "a mapping", value)
        fields = {field.encode_name: field for field in kind.fields}
        own = [kind.tag_field, *fields] if kind.tag_field else [*fields]
        found = {kind.tag_field: kind.tag} if kind.tag_field else {}
        for key, item in value.items():
            field = fields.get(key)
            if field is not None:
                right = self.of(field.type, item, (*path, key))
                if right is not _INVALID:
                    found[key] = right
            elif not kind.tag_field or key != kind.tag_field:
                self._unknown_key(key, own, path)
        for name, field in fields.items():
            if field.required and name not in found:
                if name not in value:
                    self._missing(name, kind, path)
                found[name] = stand_in(field.type)
        return found

    def _unknown_key(self, key: Any, known: list[str], path: Path) -> None:
        if not isinstance(key, str):
            self.problems.error(path, f"the key {shown(key)} is not text")
            return
        if key == "allow_exec":
            what = "no file may allow itself to execute programs"
            hint = (
                "--allow-exec does, or allow_exec: true in your own ~/.config/konseho/config.yaml"
            )
            self.problems.error((*path, key), what, key=True, hint=hint)
            return
        what, place = f"unknown key {quote(key)}", (*path, key)
        if (meant := meant_key(key, known)) is not None:
            hint = f"did you mean '{spelt(key, meant)}'?"
            self.problems.error(place, what, key=True, hint=hint)
            return
        listed = "known keys: " + ", ".join(known)
        self.problems.error(place, what, key=True, near=(key, known), hint=listed)

    def _missing(self, name: str, kind: Any, path: Path) -> None:
        hint = f"add `{name}: 1`" if name in VERSIONS else None
        whose = f" ({kind.tag} needs it)" if kind.tag else ""
        self.problems.error(path, f"the key '{name}' is missing{whose}", hint=hint)

    # ------------------------------------------------------------------- unions

    def _union(self, kind: Any, value: Any, path: Path) -> Any:
        types = [each for each in kind.types if not isinstance(each, kinds.NoneType)]
        if value is None and len(types) < len(kind.types):
            return None
        if all(isinstance(each, kinds.StructType) and each.tag for each in types):
            return self._tagged(types, value, path)
        fitting = [each for each in types if self._fits(each, value)]
        if fitting or len(types) == 1:
            return self.of((fitting or types)[0], value, path)
        return self._wrong(path, " or ".join(self._named(each) for each in types), value)

    def _fits(self, kind: Any, value: Any) -> bool:
        if isinstance(value, bool):
            return isinstance(kind, kinds.BoolType)
        if isinstance(value, (int, float)):
            return isinstance(kind, (kinds.IntType, kinds.FloatType, kinds.CustomType))
        if isinstance(value, str):
            if isinstance(kind, kinds.LiteralType):
                return value in kind.values
            return isinstance(kind, (kinds.StrType, kinds.CustomType))
        if isinstance(value, (list, tuple)):
            return isinstance(kind, (kinds.VarTupleType, kinds.ListType))
        return isinstance(value, dict) and isinstance(kind, (kinds.StructType, kinds.DictType))

    def _named(self, kind: Any) -> str:
        names: dict[type, str] = {
            kinds.BoolType: "true or false", kinds.IntType: "a whole number", kinds.FloatType: "a number",
            kinds.VarTupleType: "a list", kinds.ListType: "a list", kinds.DictType: "a mapping",
        }  # fmt: skip
        if isinstance(kind, kinds.StructType):
            return "an agent of its own" if kind.cls.__name__ == "Agent" else "a mapping"
        if isinstance(kind, kinds.StrType):
            return "an id" if kind.pattern in _IDS else "text"
        if isinstance(kind, kinds.LiteralType):
            listed = ", ".join(str(each) for each in kind.values)
            return f"one of {listed}" if len(kind.values) > 1 else listed
        return names.get(type(kind), "a value")

    def _tagged(self, types: list[Any], value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong(path, "a mapping", value)
        field = types[0].tag_field
        tags = {each.tag: each for each in types}
        tag = value.get(field)
        if isinstance(tag, str) and tag in tags:
            return self._struct(tags[tag], value, path)
        listed = "kinds: " + ", ".join(tags)
        if field not in value:
            meant = meant_kind(value, tags)
            hint = listed if meant is None else f"did you mean `{field}: {meant}`?"
            self.problems.error(path, f"the key '{field}' is missing", hint=hint)
        else:
            near = (tag, list(tags)) if isinstance(tag, str) else None
            what = f"unknown kind {quote(tag) if isinstance(tag, str) else shown(tag)}"
            self.problems.error((*path, field), what, value=tag, near=near, hint=listed)
        return self._shared_fields(types[0], value, tag, path)

    def _shared_fields(self, kind: Any, value: dict[Any, Any], tag: Any, path: Path) -> Any:
        """Stand in for a step of an unknown kind: what all kinds share is still checked."""
        found = stand_in(kind)
        for field in kind.fields:
            if field.name in Base.__struct_fields__ and field.encode_name in value:
                right = self.of(field.type, value[field.encode_name], (*path, field.encode_name))
                if right is not _INVALID:
                    found[field.encode_name] = right
        if "id" not in found and isinstance(tag, str) and tag.isidentifier() and tag.islower():
            found["id"] = tag
        return found


def _holds_steps(kind: Any) -> bool:
    """Whether the items of a list are steps."""
    types = getattr(kind.item_type, "types", ())
    return any(issubclass(getattr(each, "cls", object), Base) for each in types)


def _within(kind: Any, value: float) -> bool:
    return (
        (kind.gt is None or value > kind.gt)
        and (kind.ge is None or value >= kind.ge)
        and (kind.lt is None or value < kind.lt)
        and (kind.le is None or value <= kind.le)
    )


def _bounds(kind: Any) -> str:
    low = f" above {kind.gt}" if kind.gt is not None else ""
    low = f" from {kind.ge}" if kind.ge is not None else low
    high = f" below {kind.lt}" if kind.lt is not None else ""
    return low + (f" to {kind.le}" if kind.le is not None else high)
