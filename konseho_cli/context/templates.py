"""Templates: sandboxed, strict, bounded. What a council file may compute.

minijinja is sandboxed by design; only built-in values go in, `fuel` bounds the work, and what is
printed is bounded, as are the filters that multiply. Not bounded is what `*` and `~` make in
between: a template that doubles a text again and again fills the memory of whoever runs it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from math import isfinite
from typing import Any

import minijinja

from konseho_cli.context.template_size import too_large
from konseho_cli.context.template_words import words_in
from konseho_cli.core.errors import TemplateFailed

FUEL = 200_000
"""Instructions of one rendering."""
MAX_OUTPUT = 16 * 2**20
"""Characters of one rendering."""

HALF = "it holds half a character (a lone surrogate), which is no text"

MISUSED = (TypeError, ValueError, AttributeError, OverflowError)
"""What our own filters raise when a template gives them something else than they take."""
MAX_COMPILED = 1_000
"""Templates kept parsed."""

_SINGLE = re.compile(r"\A\s*\{\{-?((?:[^{}]|\{(?!\{)|\}(?!\}))*?)-?\}\}\s*\Z", re.DOTALL)


class BadTemplate(ValueError):
    """A template that does not parse; the message is one line for a person."""


class _Workshop(threading.local):
    """What one thread renders with: minijinja's environment, its parsed templates, its meter."""

    def __init__(self) -> None:
        self.printed = 0
        """Characters of the rendering at hand."""
        self.compiled: set[str] = set()
        self.environment = minijinja.Environment(
            fuel=FUEL,
            undefined_behavior="strict",
            auto_escape_callback=lambda name: False,
            finalizer=self.print,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        for name in ("debug", "namespace"):  # prints the whole state; holds itself, and crashes
            self.environment.remove_global(name)
        for name in ("batch", "slice", "format", "indent"):  # one call can fill the memory
            self.environment.remove_filter(name)
        self.environment.add_filter("default", _default)
        self.environment.add_filter("d", _default)
        self.environment.add_filter("indent", _indent)
        self.environment.add_filter("join", _join)
        self.environment.add_filter("replace", _replace)

    def print(self, value: Any) -> str:
        """Text as it is, everything else as JSON."""
        text = value if type(value) is str else as_json(plain(value))
        self.printed += len(text)
        return _bounded(text, self.printed)

    def compile(self, template: str) -> str:
        """The template's name in the environment: the text itself, parsed once."""
        if template not in self.compiled:
            if len(self.compiled) >= MAX_COMPILED:
                self.environment.clear_templates()
                self.compiled.clear()
            self.environment.add_template(template, template)
            self.compiled.add(template)
        return template


def _default(value: Any, other: Any = "", boolean: bool = False) -> Any:
    """Minijinja's `default`, for null, too: what a step that was skipped or failed comes to."""
    return other if value is None or (boolean and not value) else value


def _indent(text: str, width: int = 4, first: bool = False, blank: bool = False) -> str:
    """Minijinja's `indent`, with an end to it."""
    lines = str(text).split("\n")
    _bounded("", len(text) + width * len(lines))
    pad = " " * width
    return "\n".join(
        pad + line if (number or first) and (line or blank) else line
        for number, line in enumerate(lines)
    )


def _join(values: Iterable[Any], separator: str = "") -> str:
    """Minijinja's `join`, with an end to it."""
    texts = [value if isinstance(value, str) else as_json(plain(value)) for value in values]
    _bounded("", sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _replace(text: str, old: str, new: str) -> str:
    """Minijinja's `replace`, with an end to it."""
    text = str(text)
    _bounded("", len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new)


_WORKSHOP = _Workshop()

BUILTINS: frozenset[str] = frozenset(_WORKSHOP.environment.globals) | {"loop"}
"""Names that every template may read without being given them."""


def _bounded(text: str, length: int) -> str:
    if length > MAX_OUTPUT:
        raise TemplateFailed(f"a template made more than {MAX_OUTPUT:,} characters")
    return text


def as_json(value: Any) -> str:
    """Compact, readable JSON text of a plain value."""
    return json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """A value as built-in JSON types; views and tuples become lists. Raises TemplateFailed."""
    if isinstance(value, float) and not isfinite(value):
        raise TemplateFailed("a template made a number that JSON cannot hold")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    raise TemplateFailed(f"a template made a {type(value).__name__}, which is not data")


def expression_in(template: str) -> str | None:
    """The expression, where the template is one `{{ expression }}` and nothing else."""
    match = _SINGLE.match(template)
    return match[1].strip() if match else None


@lru_cache(maxsize=4096)
def references(template: str) -> frozenset[str]:
    """Dotted names that the template reads: `{'task', 'review.security'}`. Raises BadTemplate."""
    if why := too_large(template):
        raise BadTemplate(why)
    try:
        names = _WORKSHOP.environment.undeclared_variables_in_str(template, nested=True)
    except minijinja.TemplateError as error:
        raise BadTemplate(_one_line(error)) from None
    except UnicodeEncodeError:
        raise BadTemplate(HALF) from None
    for kind, word in words_in(template):
        if not _exists(kind, word):
            raise BadTemplate(f"there is no {kind} '{word}'")
    return frozenset(name for name in names if name.partition(".")[0] not in BUILTINS)


@cache
def _exists(kind: str, word: str) -> bool:
    """Whether minijinja knows a filter or a test: it only says so when it meets one."""
    probe = f"1 | {word}" if kind == "filter" else f"1 is {word}"
    try:
        _WORKSHOP.environment.eval_expr(probe)
    except minijinja.TemplateError as error:
        return error.kind not in ("UnknownFilter", "UnknownTest")
    except MISUSED:
        pass  # it met it, and did not like the 1
    return True


def compiled() -> int:
    """How many templates this thread keeps parsed: at most MAX_COMPILED."""
    return len(_WORKSHOP.compiled)


def render(template: str, names: Mapping[str, Any]) -> str:
    """The template as text; structures print as JSON. Raises TemplateFailed."""
    if "{" not in template:
        return template
    workshop = _WORKSHOP
    workshop.printed = 0
    try:
        text = workshop.environment.render_template(workshop.compile(template), **names)
    except minijinja.TemplateError as error:
        raise _failed(error, template, names) from None
    except UnicodeEncodeError:
        raise TemplateFailed(HALF) from None
    except MISUSED as error:
        raise TemplateFailed(str(error)) from None
    return _bounded(text, len(text))


def evaluate(template: str, names: Mapping[str, Any]) -> Any:
    """One `{{ expression }}` keeps its type; anything else is rendered. Raises TemplateFailed."""
    expression = expression_in(template)
    if expression is None:
        return render(template, names)
    workshop = _WORKSHOP.environment
    try:
        value = workshop.eval_expr(expression, **names)
        if value is None and workshop.eval_expr(f"({expression}) is undefined", **names):
            hint = _null_in(template, names)
            raise TemplateFailed(f"`{expression}` is undefined", hint=hint)
    except minijinja.TemplateError as error:
        raise _failed(error, template, names) from None
    except UnicodeEncodeError:
        raise TemplateFailed(HALF) from None
    except MISUSED as error:
        raise TemplateFailed(str(error)) from None
    return _bounded(value, len(value)) if isinstance(value, str) else plain(value)


def _failed(
    error: minijinja.TemplateError, template: str, names: Mapping[str, Any]
) -> TemplateFailed:
    hint = _null_in(template, names) if error.kind == "UndefinedError" else None
    return TemplateFailed(_one_line(error), hint=hint)


def _null_in(template: str, names: Mapping[str, Any]) -> str | None:
    """What to do where something is read of a value that is null."""
    for path in sorted(references(template)):
        value: Any = names
        parts = path.split(".")
        for at, part in enumerate(parts[:-1], 1):
            value = value.get(part) if isinstance(value, Mapping) else None
            if value is None:
                null = ".".join(parts[:at])
                return (
                    f"{null} is null, as that of a step that was skipped or failed is: give this "
                    f"step a `when`, or write {{{{ {path} | default(…) }}}}"
                )
    return None


def _one_line(error: minijinja.TemplateError) -> str:
    cause = error.__cause__
    what = str(cause) if isinstance(cause, TemplateFailed) else error.detail
    what = what or re.sub(r"(?<!^)(?=[A-Z])", " ", error.kind).lower()
    line = f" (line {error.line} of the template)" if error.line and error.line > 1 else ""
    return f"{what}{line}"
