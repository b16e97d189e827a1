"""`python -m konseho_cli.bench`: measure the stated targets, each against its bare peer."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from konseho_cli.bench.measure import FULL, QUICK, Effort, Row, measure
from konseho_cli.bench.results import Result, as_json, exit_status, lines
from konseho_cli.bench.rows import ROWS
from konseho_cli.bench.targets import load_targets


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    options = _parser().parse_args(arguments)
    chosen = [row for row in ROWS if options.k in row.name]
    if not chosen:
        print(
            f"no row matches '{options.k}': {', '.join(row.name for row in ROWS)}", file=sys.stderr
        )
        return 2
    results = _measure(chosen, QUICK if options.quick else FULL, show=not options.json)
    if options.json:
        print(json.dumps(as_json(results), indent=2))
    return exit_status(results)


def _measure(rows: Sequence[Row], effort: Effort, *, show: bool) -> list[Result]:
    targets = load_targets()
    results: list[Result] = []
    for row in rows:
        result = Result.of(row, targets[row.name], measure(row, effort))
        results.append(result)
        if show:
            print(*lines(result), sep="\n", flush=True)
    return results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m konseho_cli.bench",
        description="Measures the stated targets: median ± half the interquartile range, and the "
        "ratio to a bare peer, interleaved in the same run. ✔ met, ✘ missed, ≈ inconclusive.",
    )
    parser.add_argument("--quick", action="store_true", help="a few rounds, for a first look")
    parser.add_argument("-k", default="", metavar="TEXT", help="only rows with TEXT in their name")
    parser.add_argument("--json", action="store_true", help="print JSON, in seconds and bytes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
