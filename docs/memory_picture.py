"""Draws `docs/memory.svg` from a real run: `python docs/memory_picture.py docs/memory.svg`.

A council says a gigabyte within a limit of 100 MB, as in the row `context_1gb` of `make bench`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from konseho_cli.bench.rows.context import measured
from konseho_cli.bench.rows.much_context import Measured, Sample
from konseho_cli.core.files import write_atomically

SIZE, LIMIT = 1_000_000_000, 100_000_000
WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 58, 46
MB = 1_000_000
CEILING = 250 * MB
"""The top of the picture: what is said leaves it."""


def draw(run: Measured) -> str:
    """The picture, as SVG."""
    said = [(sample.said, sample.said) for sample in run.samples if sample.said <= CEILING]
    resident = [(sample.said, max(0, sample.resident)) for sample in _thinned(run.samples)]
    grid = "".join(_level(amount * MB) for amount in range(0, CEILING // MB + 1, 50))
    marks = "".join(_mark(amount * MB) for amount in range(0, SIZE // MB + 1, 200))
    limit = _y(LIMIT)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"
 aria-label="Memory of a council that says 1 GB within 100 MB" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>
<text x="{LEFT}" y="24" font-size="15" fill="#222">A council that says 1 GB, with memory_limit: 100MB</text>
<text x="{LEFT}" y="42" fill="#666">memory above that of the bare process, peak {run.peak / MB:.0f} MB; {run.took:.0f} s in all</text>
{grid}{marks}
<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{limit}" y2="{limit}" stroke="#b42318" stroke-dasharray="5 4"/>
<text x="{WIDTH - RIGHT}" y="{limit - 6:.1f}" text-anchor="end" fill="#b42318">memory_limit</text>
<polyline points="{_points(said)}" fill="none" stroke="#98a2b3" stroke-width="1.5"/>
<text x="{_x(CEILING) + 8:.1f}" y="{TOP + 12}" fill="#667085">what was said</text>
<polyline points="{_points(resident)}" fill="none" stroke="#175cd3" stroke-width="2"/>
<text x="{_x(SIZE // 2)}" y="{_y(0) - 14:.1f}" text-anchor="middle" fill="#175cd3">what is in memory</text>
<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end" fill="#666">said so far, MB</text>
</svg>
"""


def _thinned(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Two hundred at most: more are not to be seen."""
    return samples[:: max(1, len(samples) // 200)]


def _level(amount: int) -> str:
    y = _y(amount)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#eaecf0"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#666">{amount // MB} MB</text>\n'
    )


def _mark(said: int) -> str:
    y = HEIGHT - BOTTOM + 18
    return f'<text x="{_x(said)}" y="{y}" text-anchor="middle" fill="#666">{said // MB}</text>\n'


def _points(line: Sequence[tuple[int, int]]) -> str:
    return " ".join(f"{_x(said)},{_y(amount)}" for said, amount in line)


def _x(said: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * said / SIZE, 1)


def _y(amount: int) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - amount / CEILING), 1)


if __name__ == "__main__":
    write_atomically(Path(sys.argv[1]), draw(measured(SIZE, LIMIT)))
