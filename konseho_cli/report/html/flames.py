"""Flame graphs: a tree of frames as rows of intervals, from sampled stacks or from cProfile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from konseho_cli.profiling.cpu_profile import CpuProfile
from konseho_cli.profiling.sampled import Samples

MOST_FRAMES = 20_000
"""Drawn; of more, the widest."""
ROOT = "all"
REST = "the rest"


class _Node:
    """One frame of the tree; `value` holds that of its children."""

    __slots__ = ("children", "group", "name", "own", "value", "where")

    def __init__(self, name: str, where: str, group: str) -> None:
        self.name, self.where, self.group = name, where, group
        self.value = self.own = 0
        self.children: dict[object, _Node] = {}

    def child(self, key: object, name: str, where: str, group: str) -> _Node:
        if key not in self.children:
            self.children[key] = _Node(name, where, group)
        return self.children[key]


def sampled_flames(samples: Samples) -> dict[str, Any] | None:
    """Of py-spy's stacks, in samples; None where there are none."""
    root = _Node(ROOT, "", "")
    threads = len({stack.thread for stack in samples.stacks}) > 1
    for stack in samples.stacks:
        line = [root]
        if threads:
            line.append(root.child(("thread", stack.thread), stack.thread, "", "thread"))
        for number in stack.frames:
            frame = samples.frames[number]
            key = (frame.name, frame.file)
            where = f"{frame.file}:{frame.line}"
            line.append(line[-1].child(key, frame.name, where, group_of(frame.file)))
        for node in line:
            node.value += stack.samples
        line[-1].own += stack.samples
    return _drawn(root, "samples")


def profiled_flames(cpu: CpuProfile) -> dict[str, Any] | None:
    """Of cProfile's functions by their own time, in microseconds: it keeps no stacks, only groups.

    What a part took beyond the functions that are kept stands beside them as one frame.
    """
    root = _Node(ROOT, "", "")
    for function in cpu.functions:
        value = round(function.own_s * 1e6)
        if not value or function.group == "waiting":
            continue
        group = root.child(function.group, function.group, "", function.group)
        where = f"{function.file}:{function.line}" if function.line else function.file
        leaf = group.child((function.name, where), function.name, where, function.group)
        for node in (root, group, leaf):
            node.value += value
        leaf.own += value
    for part in cpu.groups:
        known = root.children.get(part.name)
        rest = round(part.own_s * 1e6) - (0 if known is None else known.value)
        if rest <= 0 or part.name == "waiting":
            continue
        group = root.child(part.name, part.name, "", part.name)
        for node in (root, group, group.child(REST, REST, "", part.name)):
            node.value += rest
        group.children[REST].own = rest
    return _drawn(root, "µs")


def group_of(file: str) -> str:
    """What a file is coloured by: a floor of Konseho, a library, or Python."""
    parts = file.replace("\\", "/").split("/")
    if "konseho_cli" in parts[:-1]:
        inside = parts[parts.index("konseho_cli") + 1 :]
        return inside[0].removesuffix(".py")
    if "site-packages" in parts[:-1]:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    return "python"


def _drawn(root: _Node, unit: str) -> dict[str, Any] | None:
    if not root.value:
        return None
    found = sorted(_placed(root), key=lambda place: -place[0].value)
    kept = sorted(found[:MOST_FRAMES], key=lambda place: (place[1], place[2]))
    groups: dict[str, int] = {}
    for node, _, _ in found:
        groups[node.group] = groups.get(node.group, 0) + node.own
    order = sorted((group for group in groups if group), key=lambda group: -groups[group])
    numbers = {group: place for place, group in enumerate(order)}
    return {
        "start": [start for _, _, start in kept],
        "end": [start + node.value for node, _, start in kept],
        "row": [depth for _, depth, _ in kept],
        "own": [node.own for node, _, _ in kept],
        "name": [node.name for node, _, _ in kept],
        "where": [node.where for node, _, _ in kept],
        "group": [numbers.get(node.group, -1) for node, _, _ in kept],
        "groups": order,
        "unit": unit,
        "rows": max(depth for _, depth, _ in kept) + 1,
        "length": root.value,
        "left_out": len(found) - len(kept),
    }


def _placed(root: _Node) -> Iterator[tuple[_Node, int, int]]:
    """Every node with its depth and where it begins; the largest child first."""
    pending = [(root, 0, 0)]
    while pending:
        node, depth, start = pending.pop()
        yield node, depth, start
        for child in sorted(node.children.values(), key=lambda each: -each.value):
            pending.append((child, depth + 1, start))
            start += child.value
