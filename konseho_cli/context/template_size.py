"""How much code a template holds: minijinja overflows the stack on a chain of too many operators."""

from __future__ import annotations

import re

MAX_TAG = 1_000
"""Characters of code in one `{{ … }}` or `{% … %}`, text in quotes left out."""
MAX_BRANCHES = 100
"""`elif` in one template."""

_OPEN = re.compile(r"\{([{%#])")
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}", re.DOTALL)
_TOKEN = re.compile(r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|[^"'()\[\]{}%]++|.""", re.DOTALL)
_BALANCE = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def code_in(template: str) -> list[int]:
    """Characters of code in each tag. Never too few: what is not closed reaches to the end."""
    sizes: list[int] = []
    at = 0
    while (opened := _OPEN.search(template, at)) is not None:
        start = opened.start()
        if opened[1] == "#":
            end = template.find("#}", start + 2)
            at = len(template) if end < 0 else end + 2
        elif raw := _RAW.match(template, start):
            at = raw.end()
        else:
            size, at = _tag(template, start + 2, "}}" if opened[1] == "{" else "%}")
            sizes.append(size)
    return sizes


def _tag(template: str, at: int, close: str) -> tuple[int, int]:
    balance = size = 0
    for token in _TOKEN.finditer(template, at):
        if balance == 0 and template.startswith(close, token.start()):
            return size, token.start() + 2
        text = token[0]
        balance += _BALANCE.get(text, 0)
        size += 1 if len(text) > 1 and text[0] in "\"'" else len(text)
    return size, len(template)


def too_large(template: str) -> str | None:
    """Why a template must not be parsed, or None."""
    if len(template) <= MAX_TAG:
        return None
    if max(code_in(template), default=0) > MAX_TAG:
        return f"an expression is longer than {MAX_TAG:,} characters, text in quotes left out"
    if len(re.findall(r"\{%[-+]?\s*elif\b", template)) > MAX_BRANCHES:
        return f"there are more than {MAX_BRANCHES} elif"
    return None
