"""Sampled stacks as one SVG file: a flame graph that any browser shows, and that needs no script."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from html import escape

from konseho_cli.profiling.sampled import Samples
from konseho_cli.report.text import encodable, plural

WIDTH = 1200
_ROW = 17
_HEAD = 28
_LETTER = 6.6
"""Width of a character of the fixed font."""
_NARROWEST = 0.2
"""Pixels, below which a frame is not drawn."""
_STYLE = (
    "text{font:11px ui-monospace,monospace;fill:#111;pointer-events:none}"
    "rect{stroke:#fff;stroke-width:.5}rect:hover{stroke:#111}"
    "@media(prefers-color-scheme:dark){svg{background:#161616}.head{fill:#eee}}"
)


class Node:
    """A function where it was called from, with the samples that found it there."""

    __slots__ = ("children", "samples")

    def __init__(self) -> None:
        self.children: dict[int, Node] = {}
        self.samples = 0


def flame_graph(samples: Samples, title: str) -> str:
    """The whole file. Widths are shares of all samples; the outermost function is at the top."""
    root = tree(samples)
    rows = "".join(_frames(root, samples))
    height = _HEAD + _ROW * _depth(root)
    head = escape(f"{title}: {plural(samples.total, 'sample')}")
    return encodable(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{head}">'
        f'<style>{_STYLE}</style><text class="head" x="4" y="18">{head}</text>{rows}</svg>\n'
    )


def tree(samples: Samples) -> Node:
    """All stacks in one tree of calls."""
    root = Node()
    for stack in samples.stacks:
        node = root
        node.samples += stack.samples
        for frame in stack.frames:
            node = node.children.setdefault(frame, Node())
            node.samples += stack.samples
    return root


def _frames(root: Node, samples: Samples) -> Iterator[str]:
    scale = WIDTH / max(root.samples, 1)
    waiting = [(root, 0.0, 0)]
    while waiting:
        node, left, depth = waiting.pop()
        for number, child in sorted(node.children.items()):
            width = child.samples * scale
            if width >= _NARROWEST:
                yield _frame(samples, number, child, left, width, depth)
                waiting.append((child, left, depth + 1))
            left += width


def _frame(samples: Samples, number: int, node: Node, left: float, width: float, depth: int) -> str:
    frame = samples.frames[number]
    share = node.samples / max(samples.total, 1)
    y = _HEAD + depth * _ROW
    place = f"{frame.file}:{frame.line}" if frame.file else ""
    about = escape(f"{frame.name} {place} {plural(node.samples, 'sample')}, {share:.1%}")
    room = int((width - 6) / _LETTER)
    label = escape(frame.name[:room]) if room > 2 else ""
    hue = 10 + zlib.crc32(frame.file.encode(errors="replace")) % 50
    return (
        f'<g><title>{about}</title><rect x="{left:.2f}" y="{y}" width="{width:.2f}" '
        f'height="{_ROW - 1}" fill="hsl({hue} 85% 65%)"/>'
        f'<text x="{left + 3:.2f}" y="{y + 12}">{label}</text></g>'
    )


def _depth(root: Node) -> int:
    level, depth = [root], 0
    while level := [child for node in level for child in node.children.values()]:
        depth += 1
    return depth
