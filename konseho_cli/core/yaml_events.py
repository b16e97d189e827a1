"""YAML as plain data with places, built from PyYAML's event stream within bounds.

Never `load` or `compose`: these recurse, speak YAML 1.1, and know neither duplicate keys nor an
end to aliases. Stopping at the depth limit also keeps libyaml from its quadratic worst case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import msgspec
import yaml

from konseho_cli.core.errors import Problem
from konseho_cli.core.marks import Marks, Path, path_text, quote
from konseho_cli.core.yaml_scalars import resolve

MAX_DEPTH: Final = 64
"""Mappings and lists inside each other, aliases followed."""
MAX_VALUES: Final = 100_000
"""Values in one document, aliases followed."""
MAX_PROBLEMS: Final = 100

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS: Mapping[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),),
}  # fmt: skip
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A document: plain values as far as they could be read, and what is wrong with it."""

    value: Any
    marks: Marks
    problems: tuple[Problem, ...] = ()
    finite: bool = True
    """Whether no number in it is infinite or not a number, so that all of it is JSON."""
    complete: bool = True
    """Whether it was read to its end; if not, what is missing in `value` means nothing."""


def parse_yaml(text: str, *, file: str = "", first_line: int = 1) -> Parsed:
    """Read one YAML document; nothing is raised, whatever the text is."""
    builder = _Builder(file, first_line)
    complete = False
    try:
        loader = _LOADER(text)
        try:
            builder.feed(loader)
        finally:
            loader.dispose()
        complete = True
    except _Stop:
        pass
    except (yaml.YAMLError, UnicodeEncodeError) as error:  # the latter: half a surrogate pair
        builder.problems.append(_syntax(error, text, file, first_line))
    return Parsed(
        value=builder.root,
        marks=Marks(builder.values, builder.keys, first_line),
        problems=tuple(builder.problems),
        finite=builder.finite,
        complete=complete,
    )


class _Stop(Exception):
    """The document is not worth reading on; the problem says why."""


class _Open:
    """A mapping or list whose end is still to come."""

    __slots__ = ("anchor", "container", "dropped", "height", "key", "nodes", "path")

    def __init__(
        self, container: Any, path: Path, dropped: bool, anchor: str | None, nodes: int
    ) -> None:
        self.container = container
        self.path = path
        self.dropped = dropped
        self.anchor = anchor
        self.nodes = nodes
        self.height = 1
        self.key: str | _NoKey | None = _NO_KEY


class _NoKey:
    __slots__ = ()


_NO_KEY: Final = _NoKey()


class _Anchored(msgspec.Struct, frozen=True):
    value: Any
    nodes: int
    height: int


class _Builder:
    """Takes events, one by one, and no recursion: depth is the writer's choice."""

    def __init__(self, file: str, first_line: int) -> None:
        self.file = file
        self.first_line = first_line
        self.root: Any = None
        self.finite = True
        self.problems: list[Problem] = []
        self.values: dict[Path, Any] = {}
        self.keys: dict[Path, Any] = {}
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = 0
        self._documents = 0

    def feed(self, loader: Any) -> None:
        """Read the stream to its end."""
        actions = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        while (event := loader.get_event()) is not None:
            action = actions.get(type(event))
            if action is not None:
                action(event)

    # ------------------------------------------------------------------- events

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(event, "a second document begins here", "one document a file")

    def _scalar(self, event: Any) -> None:
        self._count(1, event)
        value: Any = event.value
        if event.tag is not None:
            value = self._tagged_scalar(event)
        elif not event.style:  # plain
            value = self._resolved(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1, 0)
        top = self._stack[-1] if self._stack else None
        if top is not None and top.key is _NO_KEY and type(top.container) is dict:
            self._key(top, value, event)
        else:
            self._put(value, event)

    def _start(self, event: Any) -> None:
        self._count(1, event)
        if len(self._stack) >= MAX_DEPTH:
            self._stop(event, f"nested deeper than {MAX_DEPTH} levels")
        mapping = type(event) is yaml.MappingStartEvent
        if event.tag is not None and event.tag not in ("!", _CORE + ("map" if mapping else "seq")):
            self._bad_tag(event)
        container: Any = {} if mapping else []
        top = self._stack[-1] if self._stack else None
        if top is not None and top.key is _NO_KEY and type(top.container) is dict:
            self._structure_as_key(top, event)
            opened = _Open(container, top.path, True, event.anchor, self._nodes)
        else:
            path, dropped = self._put(container, event)
            opened = _Open(container, path, dropped, event.anchor, self._nodes)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(opened)

    def _end(self, event: Any) -> None:
        ended = self._stack.pop()
        if ended.anchor is not None:
            nodes = self._nodes - ended.nodes + 1
            self._anchors[ended.anchor] = _Anchored(ended.container, nodes, ended.height)
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, ended.height + 1)

    def _alias(self, event: Any) -> None:
        name = event.anchor
        anchored = self._anchors.get(name)
        if anchored is None:
            inside = name in self._anchors
            what = "contains itself" if inside else "is not defined above"
            self._problem(event, f"the anchor {quote(name)} {what}")
            anchored = _Anchored(None, 1, 0)
        self._count(anchored.nodes, event)
        if len(self._stack) + anchored.height > MAX_DEPTH:
            self._stop(event, f"nested deeper than {MAX_DEPTH} levels, aliases followed")
        top = self._stack[-1] if self._stack else None
        if top is not None and top.key is _NO_KEY and type(top.container) is dict:
            self._key(top, anchored.value, event)
        else:
            self._put(anchored.value, event)
            if top is not None:
                top.height = max(top.height, anchored.height + 1)

    # ------------------------------------------------------------------- placing

    def _put(self, value: Any, event: Any) -> tuple[Path, bool]:
        """Give a value its place; that place, and whether it is thrown away."""
        if not self._stack:
            self.root = value
            self.values[()] = event.start_mark
            return (), False
        top = self._stack[-1]
        container = top.container
        place: str | int
        if type(container) is dict:
            key = top.key
            top.key = _NO_KEY
            if not isinstance(key, str):
                return top.path, True
            place = key
            container[place] = value
        else:
            place = len(container)
            container.append(value)
        path = (*top.path, place)
        if not top.dropped:
            self.values[path] = event.start_mark
        return path, top.dropped

    def _key(self, top: _Open, key: Any, event: Any) -> None:
        if type(key) is str and key not in top.container and (key != "<<" or _quoted(event)):
            top.key = key
            if not top.dropped:
                self.keys[(*top.path, key)] = event.start_mark
            return
        top.key = None
        if type(key) is not str:
            written = getattr(event, "value", f"*{event.anchor}")
            hint = f'write "{written[:60]}"' if written[:1] != "*" else None
            self._problem(event, f"the key {quote(written)} is not text", hint)
        elif key in top.container:
            first = self.keys.get((*top.path, key))
            hint = f"first on line {first.line + self.first_line}" if first is not None else None
            self._problem(event, f"duplicate key {quote(key)}", hint)
        else:
            self._problem(event, "merge keys (<<) are not part of YAML 1.2", "write the keys out")

    def _structure_as_key(self, top: _Open, event: Any) -> None:
        top.key = None
        hint = 'a template needs quotes: "{{ … }}"'
        self._problem(event, "a mapping or list cannot be a key", hint)

    # ------------------------------------------------------------------- scalars

    def _resolved(self, event: Any) -> Any:
        try:
            value = resolve(event.value)
        except OverflowError:
            self._problem(event, f"the number {quote(event.value, 30)} is too large", "quote it")
            return 0
        if type(value) is float and not isfinite(value):
            self.finite = False
        return value

    def _tagged_scalar(self, event: Any) -> Any:
        tag = event.tag.removeprefix(_CORE) if event.tag.startswith(_CORE) else None
        if event.tag == "!" or tag == "str":
            return event.value
        value = self._resolved(event)
        if tag is None or tag not in _SCALAR_TAGS:
            self._bad_tag(event)
        elif tag == "float" and type(value) is int:
            return float(value)
        elif type(value) not in _SCALAR_TAGS[tag]:
            self._problem(event, f"{quote(event.value)} is not of the type !!{tag}")
        return value

    def _bad_tag(self, event: Any) -> None:
        name = event.tag
        shown = f"!!{name.removeprefix(_CORE)}" if name.startswith(_CORE) else name
        self._problem(event, f"the tag {quote(shown)} is not allowed: only plain data is read")

    # ------------------------------------------------------------------- problems

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_VALUES:
            what = "the anchors expand to" if type(event) is yaml.AliasEvent else "there are"
            self._stop(event, f"{what} more than {MAX_VALUES:,} values")

    def _problem(self, event: Any, message: str, hint: str | None = None) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(
                Problem(
                    path=path_text(self._stack[-1].path) if self._stack else "",
                    message=message,
                    file=self.file,
                    line=event.start_mark.line + self.first_line,
                    column=event.start_mark.column + 1,
                    hint=hint,
                )
            )

    def _stop(self, event: Any, message: str, hint: str | None = None) -> None:
        self.problems[MAX_PROBLEMS - 1 :] = []
        self._problem(event, message, hint)
        raise _Stop


def _quoted(event: Any) -> bool:
    return bool(getattr(event, "style", None))


# ----------------------------------------------------------------------------- syntax errors

_HINTS = (
    ("mapping values are not allowed", "put text that holds ': ' in quotes"),
    ("character that cannot start any token", "indent with spaces, and put such text in quotes"),
    ("could not find expected ':'", "each key needs a ':', and keys of one level the same indent"),
    ("did not find expected key", "keys of one level need the same indent; quote odd text"),
    ("expected <block end>", "keys of one level need the same indent"),
    ("did not find expected '-' indicator", "items of one list need the same indent"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("did not find expected ',' or", "a bracket is not closed, or text in brackets needs quotes"),
    ("did not find expected node content", "a bracket is not closed, or text needs quotes"),
)


def _syntax(error: Exception, text: str, file: str, first_line: int) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        what = str(error.problem or error.context or "not YAML")
        mark = error.problem_mark or error.context_mark
        line = mark.line + first_line if mark is not None else None
        column = mark.column + 1 if mark is not None else None
        hint = next((hint for part, hint in _HINTS if part in what), None)
        if hint is None and error.context:
            what = f"{what} {error.context}"
        return Problem(
            path="", message=f"not YAML: {what}", file=file, line=line, column=column, hint=hint
        )
    found = _UNPRINTABLE.search(text)
    at = found.start() if found else 0
    return Problem(
        path="",
        message=f"the character U+{ord(text[at]) if text else 0:04X} does not belong in a text file",
        file=file,
        line=text.count("\n", 0, at) + first_line,
        column=at - text.rfind("\n", 0, at),
    )
