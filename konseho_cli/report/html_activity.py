"""How many calls waited, were asked and answered at each moment: what lanes cannot show of a crowd."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from konseho_cli.report.html_lanes import CLASSES, class_of
from konseho_cli.telemetry.spans import Span

MOMENTS = 240
SHOWN = (2, 1, 0)
"""Places in `CLASSES`, from below."""


def activity(spans: Sequence[Span], start: int, end: int) -> list[dict[str, float | str]]:
    """Rows of moment in seconds, class and mean number of spans; none where nothing took time."""
    width = (end - start) / MOMENTS
    if width <= 0:
        return []
    found: list[dict[str, float | str]] = []
    for number in SHOWN:
        inside = (span for span in spans if _counts(span, number))
        means = _means(((span.start - start, span.end - start) for span in inside), width)
        if any(means):
            found += [
                {"at": place * width / 1e9, "class": CLASSES[number], "count": round(mean, 3)}
                for place, mean in enumerate(means)
            ]
    return found


def _counts(span: Span, number: int) -> bool:
    """A step's own wait for all of its agents is nobody's."""
    return span.kind != "barrier" and class_of(span.kind) == number and span.kind != "run"


def _means(intervals: Iterable[tuple[int, int]], width: float) -> list[float]:
    """Mean number of open intervals in each moment: their share of its width."""
    whole, parts = [0.0] * (MOMENTS + 1), [0.0] * (MOMENTS + 1)
    for start, end in intervals:
        low = min(max(start / width, 0.0), float(MOMENTS))
        high = min(max(end / width, 0.0), float(MOMENTS))
        first, last = int(low), int(high)
        if first == last:
            parts[first] += high - low
            continue
        parts[first] += first + 1 - low
        parts[last] += high - last
        whole[first + 1] += 1
        whole[last] -= 1
    return [open_ + part for open_, part in zip(accumulate(whole), parts, strict=True)][:MOMENTS]
