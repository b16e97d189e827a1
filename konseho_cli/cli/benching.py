"""What `konseho bench` does once its options are read: measure, compare, keep, show."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Self, cast

from msgspec import structs

from konseho_cli.bench import gate
from konseho_cli.bench.baseline import Baseline, baseline_of, history, keep
from konseho_cli.bench.builds import Past, build_of
from konseho_cli.bench.experiment import Bar, Cap
from konseho_cli.bench.figures import EXACT, NAMES
from konseho_cli.bench.measure import FULL, QUICK, Effort
from konseho_cli.bench.probing import Build, CouncilJob
from konseho_cli.bench.results import Result, exit_status
from konseho_cli.cli.bench_asking import asked_once, check_replays
from konseho_cli.cli.bench_options import (
    read_floor,
    read_name,
    read_share,
    read_some_time,
)
from konseho_cli.cli.bench_subject import Subject, find_before
from konseho_cli.cli.outputs import place_of, write_file
from konseho_cli.cli.passing import PassingLine
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.stored import with_store
from konseho_cli.cli.streams import mutter
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import UsageError
from konseho_cli.core.units import show_percent
from konseho_cli.report import bench as report


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How it is measured, and what becomes of it."""

    only: str
    exact: bool
    effort: Effort
    runs: int
    save: str | None
    against: str | None
    bar: Bar
    cap: Cap
    form: Literal["text", "json", "markdown", "junit"]
    """What goes to stdout."""
    junit: Path | None
    """A file as well."""
    quiet: bool

    @classmethod
    def of(
        cls, *, only: str, exact: bool, quick: bool, runs: int, save: str | None, against: str | None,
        threshold: str, floor: str, confidence: str, max_time: str, json: bool, markdown: bool,
        junit: Path | None, quiet: bool,
    ) -> Self:  # fmt: skip
        """From the options. Raises UsageError."""
        to = None if junit is None else place_of("--junit", junit)
        printed = {"json": json, "markdown": markdown, "junit": junit is not None and to is None}
        forms = [form for form, said in printed.items() if said]
        if len(forms) > 1:
            names = " and ".join(f"--{form}" for form in forms)
            raise UsageError(f"{names} exclude each other: only one of them can go to stdout")
        share, least = read_floor(floor)
        bar = Bar(
            threshold=max(read_share("--threshold", threshold), share), floor=least,
            confidence=read_share("--confidence", confidence),
        )  # fmt: skip
        return cls(
            only=only, exact=exact, effort=QUICK if quick else FULL,
            runs=min(runs, 5) if quick else runs, save=None if save is None else read_name(save),
            against=against, bar=bar,
            cap=Cap(seconds=read_some_time("--max-time", max_time), pairs=60 if quick else 400),
            form=cast("Any", forms[0] if forms else "text"), junit=to, quiet=quiet,
        )  # fmt: skip

    def check_figures(self) -> None:
        """Whether any figure of a council is asked for. Raises UsageError."""
        known = EXACT if self.exact else NAMES
        if not any(self.only in name for name in known):
            what = "no exact figure" if self.exact else "no figure"
            raise UsageError(f"{what} of a council matches '{self.only}'", hint=", ".join(known))

    def shows(self, result: Result) -> bool:
        """Whether a figure of a council is asked for."""
        return self.only in result.name and (result.exact or not self.exact)

    @property
    def timed(self) -> bool:
        """Whether time is compared, which takes some."""
        return self.only in gate.PAIRED and not self.exact


def run_bench(subject: Subject, wanted: Wanted) -> int:
    """Measure, compare, keep and show; the exit status."""
    if subject.council is not None:
        wanted.check_figures()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="konseho-bench-")))
        before = find_before(subject, wanted.against)
        progress = PassingLine(quiet=wanted.quiet)
        opened.callback(progress.clear)
        shows = wanted.form == "text"
        results = _measure(subject, wanted, before, folder, progress, as_it_comes=shows)
    benched = report.Benched(
        subject=subject.name, council=subject.hash, made=RealClock.wall(),
        against="" if before is None else _label(before, wanted), results=tuple(results),
        status=exit_status(results, compared=before is not None), remarks=_remarks(subject, wanted, before),
    )  # fmt: skip
    try:
        if wanted.save is not None:
            _keep(subject, benched, wanted)
    finally:  # whatever becomes of the rest: what was measured is shown
        _show(benched, wanted, whole=not (shows and subject.council is None and before is None))
        if wanted.junit is not None:
            write_file("--junit", wanted.junit, report.bench_junit(benched))
    return benched.status


def show_history(subject: Subject, *, json: bool) -> int:
    """The baselines of a council, or of Konseho itself."""
    found = with_store(subject.store, lambda store: history(store, subject.name))
    if json:
        deliver_to_stdout(report.history_json(found))
    elif found:
        deliver_to_stdout(report.history_text(found))
    else:
        mutter(f"No baseline of {subject.name} is kept: konseho bench --save NAME keeps one.\n")
    return 0


def _measure(
    subject: Subject, wanted: Wanted, before: Past | Baseline | None, folder: Path,
    progress: PassingLine, *, as_it_comes: bool,
) -> Sequence[Result]:  # fmt: skip
    if subject.council is None:
        results = _measure_rows(wanted, progress, show=as_it_comes and before is None)
        if isinstance(before, Past):
            build = build_of(before, progress.say)
            results = gate.rows_against_build(
                results, build, wanted.effort, wanted.bar, wanted.cap, progress.show
            )
    else:
        job = subject.job(folder)
        if isinstance(before, Past):
            results = _council_against(subject, job, before, folder, wanted, progress)
        else:
            job = asked_once(job, progress.say)
            results = gate.bench_council(job, wanted.runs, progress.show)
        results = [each for each in results if wanted.shows(each)]
    if isinstance(before, Baseline):
        results = gate.results_against_baseline(results, before, wanted.bar, council=subject.hash)
    return results


def _measure_rows(wanted: Wanted, progress: PassingLine, *, show: bool) -> list[Result]:
    from konseho_cli.bench.rows.table import ROWS  # it loads all that is measured
    from konseho_cli.bench.targets import load_targets

    rows = gate.matching(ROWS, wanted.only)
    if wanted.effort is QUICK:
        slow = [row.name for row in rows if not row.quick]
        rows = [row for row in rows if row.quick] or rows
        if slow and len(rows) > len(slow):
            scale = show_percent(QUICK.scale)
            progress.say(
                f"left out by --quick: {', '.join(slow)}; the others at {scale} of their size"
            )
    results: list[Result] = []
    for result in gate.bench_rows(rows, load_targets(), wanted.effort, progress.show):
        progress.clear()
        if show:
            deliver_to_stdout("\n".join(report.lines(result)))
        results.append(result)
    return results


def _council_against(
    subject: Subject, job: CouncilJob, past: Past, folder: Path, wanted: Wanted,
    progress: PassingLine,
) -> list[Result]:  # fmt: skip
    then, same = subject.then(job, past)
    build = build_of(past, progress.say)
    if job.record is not None or job.replay is not None:
        progress.show("a rehearsal")
        check_replays(job, then, build, folder)
    job = asked_once(job, progress.say)
    then = structs.replace(then, replay=job.replay)
    return gate.council_against_past(
        (job, Build()), (then, build), wanted.runs, wanted.bar, wanted.cap, progress.show,
        same=same,
        timed=wanted.timed,
    )  # fmt: skip


def _show(benched: report.Benched, wanted: Wanted, *, whole: bool) -> None:
    if wanted.form == "junit":
        deliver_to_stdout(report.bench_junit(benched))
    elif wanted.form == "json":
        deliver_to_stdout(report.bench_json(benched))
    elif wanted.form == "markdown":
        deliver_to_stdout(report.bench_markdown(benched))
    elif whole:
        deliver_to_stdout(report.bench_text(benched))
    else:
        deliver_to_stdout(report.tail(benched))


def _keep(subject: Subject, benched: report.Benched, wanted: Wanted) -> None:
    name = wanted.save
    assert name is not None
    made = baseline_of(
        benched.results, subject=benched.subject, council=benched.council, made=benched.made
    )
    count = with_store(subject.store, lambda store: keep(store, name, made))
    if not wanted.quiet:
        mutter(f"kept as {name}" + (f", the {count}. of that name\n" if count > 1 else "\n"))


def _label(before: Past | Baseline, wanted: Wanted) -> str:
    return before.label if isinstance(before, Past) else (wanted.against or "")


def _remarks(subject: Subject, wanted: Wanted, before: Past | Baseline | None) -> tuple[str, ...]:
    found: list[str] = []
    if subject.unmeasured:
        found.append(
            f"Not measured here, but by `konseho profile`: {', '.join(subject.unmeasured)}"
        )
    if isinstance(before, Baseline):
        found.append(
            "Against figures of another time: weak. A git ref is measured beside this one, turn "
            f"about, and says more. ({wanted.against} is of {before.version})"
        )
    return tuple(found)
