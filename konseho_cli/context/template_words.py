"""The filters and tests that a template names, so that unknown ones are found before a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

_IGNORED = re.compile(
    r"\{#.*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}", re.DOTALL
)
_TAG = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
_TEXT = re.compile(r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'""", re.DOTALL)
_FILTER = re.compile(r"\|\s*([A-Za-z_]\w*)|^\s*[-+]?\s*filter\s+([A-Za-z_]\w*)")
_TEST = re.compile(r"\bis\s+(?:not\s+)?([A-Za-z_]\w*)")
_NULL = re.compile(r"\bif\b|\bnone\b|\|\s*(?:default|d)\b")


def minds_null(template: str) -> bool:
    """Whether it says anywhere what becomes of a null: by `default`, an `if`, or `none`. Pure."""
    return any(
        _NULL.search(_TEXT.sub("''", tag[1] or tag[2] or ""))
        for tag in _TAG.finditer(_IGNORED.sub("", template))
    )


def words_in(template: str) -> Iterator[tuple[Literal["filter", "test"], str]]:
    """Each filter and test by its name. Pure; never too many, where tags are odd perhaps too few."""
    if "|" not in template and " is " not in template and "filter" not in template:
        return
    for tag in _TAG.finditer(_IGNORED.sub("", template)):
        code = _TEXT.sub("''", tag[1] or tag[2] or "")
        for found in _FILTER.finditer(code):
            yield "filter", found[1] or found[2]
        for found in _TEST.finditer(code):
            yield "test", found[1]
