"""What stands in for a wrong or missing value, so that the rest can still be checked."""

from __future__ import annotations

from typing import Any

from msgspec import inspect as kinds

TEXT = "sim"
"""For text: a valid id, and a valid model."""
AGENT = "missing_agent_"
"""The name of an agent that stands in; nobody else's."""


def stand_in(kind: Any) -> Any:
    """A value that converts to the type `kind`."""
    while isinstance(kind, kinds.Metadata):
        kind = kind.type
    if isinstance(kind, kinds.LiteralType):
        return kind.values[0]
    if isinstance(kind, kinds.UnionType):
        if any(isinstance(each, kinds.NoneType) for each in kind.types):
            return None
        structs = [each for each in kind.types if isinstance(each, kinds.StructType)]
        return stand_in((structs or kind.types)[0])
    if isinstance(kind, kinds.StructType):
        return _struct(kind)
    simple: dict[type, Any] = {
        kinds.StrType: TEXT, kinds.IntType: 1, kinds.FloatType: 1.0, kinds.BoolType: False,
        kinds.CustomType: 1, kinds.DictType: {}, kinds.VarTupleType: [], kinds.ListType: [],
    }  # fmt: skip
    return simple.get(type(kind))


def _struct(kind: Any) -> dict[str, Any]:
    if kind.cls.__name__ == "Agent":
        return {"name": AGENT}
    found = {kind.tag_field: kind.tag} if kind.tag_field else {}
    required = (field for field in kind.fields if field.required)
    return found | {field.encode_name: stand_in(field.type) for field in required}
