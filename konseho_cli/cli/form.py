"""A JSON Schema as questions that a person can answer: field by field, choices as numbered lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from konseho_cli.core.errors import InvalidReply, NoAnswer
from konseho_cli.models.base import JSON
from konseho_cli.models.person import fitting
from konseho_cli.models.structured import decode
from konseho_cli.report.text import cells, harmless, one_line

_DEEPEST = 3
"""Objects inside each other that are asked for field by field; what lies deeper is JSON."""
_UNCLEAR = ("$ref", "anyOf", "oneOf", "allOf", "not", "if", "patternProperties", "dependentSchemas")
"""What makes a form say less than its schema."""
_SHORT = 120
"""Characters that a text has at most to be asked for in one line."""
_LEFT_OUT: Any = object()
_ENDS = "an empty line or Ctrl-D ends it"
_YES, _NO = ("y", "yes", "true"), ("n", "no", "false")


class Pad(Protocol):
    """Where a form is filled in."""

    def say(self, text: str) -> None:
        """Show a line."""
        ...

    async def line(self, prompt: str) -> str | None:
        """What is typed in one line; None: Ctrl-D."""
        ...

    async def more(self) -> bool:
        """Whether the next line is there already, as in what is pasted."""
        ...


class _Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to ask for."""

    name: str = ""
    schema: Mapping[str, Any]
    nullable: bool = False
    optional: bool = False
    depth: int = 0

    @property
    def may_be_empty(self) -> bool:
        """Whether nothing is an answer."""
        return self.nullable or self.optional

    @property
    def nothing(self) -> JSON:
        """What an empty line comes to."""
        return _LEFT_OUT if self.optional else None

    @property
    def prompt(self) -> str:
        """What stands before the cursor."""
        return f"{self.name}> " if self.name else "> "

    @property
    def further(self) -> str:
        """The same in the lines after the first."""
        return f"{' ' * cells(self.name)}> "

    def hint(self, what: str) -> str:
        """The field's name and description, and how to answer."""
        said = self.schema.get("description") or self.schema.get("title") or ""
        about = one_line(said) if isinstance(said, str) else ""
        empty = "; nothing leaves it out" if self.may_be_empty else ""
        lead = ": ".join(filter(None, (self.name, about)))
        return f"{lead}  ({what}{empty})" if lead else f"({what}{empty})"


async def fill(schema: Mapping[str, Any] | None, pad: Pad) -> JSON:
    """What the person answers; it meets the schema. Raises NoAnswer."""
    if schema is None:
        return await _text(_Field(schema={}), pad)
    clear = '"$ref"' not in json.dumps(schema)
    field = _field("", schema, depth=0)
    while True:
        value = await (_ask(field, pad) if clear else _document(field, pad))
        try:
            fitting(schema, value)
        except InvalidReply as error:
            pad.say(f"That does not fit: {_told(error)}. Once more:")
        else:
            return value


def _field(name: str, schema: Any, *, depth: int, optional: bool = False) -> _Field:
    """A field as it is asked for: `null` beside another type is an empty answer."""
    schema = schema if isinstance(schema, Mapping) else {}
    kind, nullable = schema.get("type"), False
    if isinstance(kind, (list, tuple)):
        others = [each for each in kind if each != "null"]
        nullable = len(others) < len(kind)
        rest = {key: value for key, value in schema.items() if key != "type"}
        schema = {**rest, "type": others[0]} if len(others) == 1 else rest
    return _Field(name=name, schema=schema, nullable=nullable, optional=optional, depth=depth)


async def _ask(field: _Field, pad: Pad) -> JSON:
    schema = field.schema
    if "const" in schema:
        return schema["const"]
    if any(word in schema for word in _UNCLEAR):
        return await _document(field, pad)
    if "enum" in schema:
        return await _choice(field, pad)
    items = schema.get("items")
    match schema.get("type"):
        case "boolean":
            return await _read(field, pad, "y or n", _yes_or_no)
        case "integer" | "number":
            return await _read(field, pad, _number_hint(schema), _number(schema))
        case "string" if schema.get("maxLength", _SHORT + 1) <= _SHORT or "format" in schema:
            return await _read(field, pad, "one line", _one(schema))
        case "string":
            return await _text(field, pad)
        case "array" if isinstance(items, Mapping) and "enum" in items:
            return await _picks(field, items["enum"], pad)
        case "array" if isinstance(items, Mapping) and items.get("type") == "string":
            return await _lines(field, pad)
        case "object" if schema.get("properties") and field.depth < _DEEPEST:
            return await _object(field, pad)
        case _:
            return await _document(field, pad)


async def _object(field: _Field, pad: Pad) -> JSON:
    required = field.schema.get("required", ())
    found: dict[str, JSON] = {}
    for key, schema in field.schema["properties"].items():
        name = f"{field.name}.{key}" if field.name else key
        own = _field(name, schema, depth=field.depth + 1, optional=key not in required)
        value = await _ask(own, pad)
        if value is not _LEFT_OUT:
            found[key] = value
    return found


# ------------------------------------------------------------------- one line


Reader = Callable[[str], JSON]
"""A line's value. Raises ValueError with what is wrong."""


async def _read(field: _Field, pad: Pad, how: str, read: Reader) -> JSON:
    pad.say(field.hint(how))
    while True:
        text = await _line(field, pad)
        if not text and field.may_be_empty:
            return field.nothing
        try:
            return read(text)
        except ValueError as error:
            pad.say(str(error))


async def _line(field: _Field, pad: Pad) -> str:
    text = await pad.line(field.prompt)
    if text is None:
        raise NoAnswer("no answer was given")
    return text.strip()


async def _choice(field: _Field, pad: Pad) -> JSON:
    values = [value for value in field.schema["enum"] if value is not None]
    abstains = None in field.schema["enum"]
    options = [_option(value) for value in values] + (["none of these"] if abstains else [])
    _list(options, pad)

    def read(text: str) -> JSON:
        number = read_choice(text, options)
        return values[number] if number < len(values) else None

    how = f"the number 1–{len(options)}, or how the choice begins"
    return await _read(field, pad, how, read)


async def _picks(field: _Field, values: Sequence[JSON], pad: Pad) -> JSON:
    options = [_option(value) for value in values]
    _list(options, pad)
    schema = field.schema
    ordered = schema.get("minItems", 0) == len(options) == schema.get("maxItems")
    how = "all of them, the best first: 2 1 3" if ordered else "those that you mean: 1 3; 0 is none"
    how += "; - abstains" if field.nullable else ""

    def read(text: str) -> JSON:
        if text == "-" and field.nullable:
            return None
        words = [] if text == "0" else (text.split(",") if "," in text else text.split())
        if not words and text != "0":
            raise ValueError("An answer is needed; Ctrl-D gives none.")
        return _checked([values[read_choice(word, options)] for word in words], schema)

    return await _read(msgspec.structs.replace(field, nullable=False), pad, how, read)


def _list(options: Sequence[str], pad: Pad) -> None:
    width = len(str(len(options)))
    for number, option in enumerate(options, 1):
        pad.say(f"  {number:>{width}}. {one_line(option)}")


def _option(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_choice(text: str, options: Sequence[str]) -> int:
    """The place of the option that is meant: by its text, its number, or how it begins.

    Raises ValueError with what is wrong.
    """
    word = text.strip().casefold()
    if not word:
        raise ValueError("An answer is needed; Ctrl-D gives none.")
    lowered = [option.strip().casefold() for option in options]
    if lowered.count(word) == 1:
        return lowered.index(word)
    if word.isascii() and word.isdigit():
        if 1 <= int(word) <= len(options):
            return int(word) - 1
        raise ValueError(f"There is no choice {int(word)}: 1 to {len(options)}.")
    near = [place for place, option in enumerate(lowered) if option.startswith(word)]
    if len(near) == 1:
        return near[0]
    shown = one_line(text)[:40]
    if near:
        meant = " or ".join(f"{place + 1}" for place in near)
        raise ValueError(f"'{shown}' may be {meant}: give the number, or more of it.")
    raise ValueError(f"No choice begins with '{shown}'.")


def _yes_or_no(text: str) -> bool:
    word = text.casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError("Answer y or n.")


def _number_hint(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    what = "a whole number" if schema["type"] == "integer" else "a number"
    if least is not None and most is not None:
        return f"{what} from {least} to {most}"
    if least is not None:
        return f"{what}, {least} or more"
    return what if most is None else f"{what}, {most} at most"


def _number(schema: Mapping[str, Any]) -> Reader:
    def read(text: str) -> JSON:
        try:
            value = int(text) if text.lstrip("+-").isdecimal() else float(text)
        except ValueError:
            raise ValueError(f"'{one_line(text)[:40]}' is no number.") from None
        return _checked(value, schema)

    return read


def _one(schema: Mapping[str, Any]) -> Reader:
    def read(text: str) -> JSON:
        if not text:
            raise ValueError("An answer is needed; Ctrl-D gives none.")
        return _checked(text, schema)

    return read


def _checked(value: JSON, schema: Mapping[str, Any]) -> JSON:
    """Raises ValueError where it does not meet the schema."""
    try:
        decode(json.dumps(value), schema)
    except (InvalidReply, ValueError) as error:
        raise ValueError(f"{_told(error)}.") from None
    return value


# ------------------------------------------------------------------- many lines


async def _text(field: _Field, pad: Pad) -> JSON:
    pad.say(field.hint(f"text; {_ENDS}"))
    while True:
        text = "\n".join(await _many(field, pad)).strip()
        if not text and field.may_be_empty:
            return field.nothing
        if not text:
            pad.say("An answer is needed; Ctrl-D gives none.")
            continue
        try:
            return _checked(text, field.schema)
        except ValueError as error:
            pad.say(str(error))


async def _lines(field: _Field, pad: Pad) -> JSON:
    pad.say(field.hint(f"one a line; {_ENDS}"))
    while True:
        try:
            lines = [line for line in await _many(field, pad) if line]
            return _checked(lines, field.schema)
        except ValueError as error:
            pad.say(str(error))


async def _document(field: _Field, pad: Pad) -> JSON:
    pad.say(f"{harmless(json.dumps(field.schema, ensure_ascii=False))}")
    pad.say(field.hint(f"JSON that meets this schema; {_ENDS}"))
    while True:
        text = "\n".join(await _many(field, pad)).strip()
        if not text and field.may_be_empty:
            return field.nothing
        try:
            return decode(text, {})
        except InvalidReply as error:
            pad.say(f"That is {_told(error)}.")


async def _many(field: _Field, pad: Pad) -> list[str]:
    """Lines up to an empty one, or to Ctrl-D; that alone is no answer. Raises NoAnswer.

    An empty line does not end what is pasted: the rest would go to the next field, or to the shell.
    """
    lines: list[str] = []
    while True:
        line = await pad.line(field.further if lines else field.prompt)
        if line is None and not lines:
            raise NoAnswer("no answer was given")
        if line is None or not (line.strip() or await pad.more()):
            return lines
        lines.append(line.rstrip())


def _told(error: Exception) -> str:
    return one_line(str(error)).removeprefix("the document: ")
