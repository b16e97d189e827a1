"""Pages of the commands that look at runs."""

from __future__ import annotations

from collections.abc import Mapping

from konseho_cli.cli.help.page import FAILED, KEPT, READS_STORE, RUN, RUNNING, USAGE, Page

_OTEL = ("OTEL_EXPORTER_OTLP_ENDPOINT", "where --otel-send sends traces")

PAGES: Mapping[str, Page] = {
    "runs": Page(
        when="Use it to find a run again, to see what was said in it, why its answer is what it "
        "is, and what differs from another one.",
        examples=(
            ("The runs of the last day that were not fine:",
             "konseho runs --since 1d --status failed,limit,interrupted"),
            ("Why the last run came to its answer:", "konseho runs explain last"),
            ("What its vote was about, whole:", "konseho runs show last ballot"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho resume", "konseho report", "docs/history.md"),
    ),
    "runs list": Page(
        when="Use it to find a run: each has an id, whose beginning names it everywhere.",
        examples=(
            ("The newest:", "konseho runs list"),
            ("Of some councils, since yesterday:",
             "konseho runs list --council 'code-*' --since 1d"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho runs show", "docs/history.md"),
    ),
    "runs show": Page(
        when="Use it to read a run again as if it had just ended, or one step of it in full.",
        examples=(
            ("The last run, and its answer:", "konseho runs show last"),
            ("All that was said in one step:", "konseho runs show last answers"),
            ("What every agent was asked there:", "konseho runs show last answers --prompts"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho runs explain", "konseho report", "docs/history.md"),
    ),
    "runs explain": Page(
        when="Use it before you trust an answer, and when somebody asks how it came about.",
        examples=(
            ("At a terminal:", "konseho runs explain last"),
            ("For a pull request:", "konseho runs explain last --markdown"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho runs show", "docs/history.md"),
    ),
    "runs diff": Page(
        when="Use it after a change of a prompt, a model or a preset: the same question, asked "
        "before and after.",
        examples=(
            ("Two runs by the beginnings of their ids:", "konseho runs diff 1m7z 1m80"),
            ("In a script, which reads the exit status:",
             "konseho runs diff 1m7z last --json > diff.json"),
        ),
        status=(
            ("0", "the answers are the same"), ("1", "they differ"), USAGE, FAILED,
        ),
        files=KEPT,
        see=("konseho runs show", "konseho bench", "docs/history.md"),
    ),
    "runs rm": Page(
        when="Use it to keep the store small, or to forget what was asked. It asks before, at a "
        "terminal; konseho store vacuum then gives the room back.",
        examples=(
            ("See what would go:", "konseho runs rm --keep 30d --keep-last 100 --dry-run"),
            ("In a nightly job:", "konseho runs rm --keep 30d --yes"),
            ("One run:", "konseho runs rm 1m7z"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho store vacuum", "docs/history.md"),
    ),
    "report": Page(
        when="Use it to find what a run waited for, to show somebody else, or to bring it into a "
        "viewer or a tracing system.",
        examples=(
            ("At a terminal:", "konseho report last"),
            ("A page to look at, which needs no network:", "konseho report last --html run.html"),
            ("For ui.perfetto.dev, and for a CI server:",
             "konseho report last --perfetto run.json --junit run.xml"),
        ),
        status=READS_STORE,
        files=(*KEPT, _OTEL),
        see=("konseho profile", "konseho whatif", "docs/reports.md"),
    ),
    "profile": Page(
        when="Use it when a council is slower or larger than you think it should be. The report "
        "ends with what to change, and with what each change would save.",
        examples=(
            ("Where the time goes, without a model that costs something:",
             'konseho profile quickstart "Tabs or spaces?" --model sim:fast'),
            ("CPU and memory of the last run, at no cost:",
             "konseho profile --replay last --cpu --memory"),
            ("A process that runs already:", "konseho profile --pid 4711 --duration 10s"),
        ),
        status=(*RUN, ("4", "something could not be measured")),
        files=((".konseho/profiles/", "the recordings; --folder names another place"), *RUNNING,
               _OTEL),
        see=("konseho report", "konseho whatif", "docs/profiling.md", "docs/time.md"),
    ),
    "whatif": Page(
        when="Use it before you change a council or buy a faster model: it says what a change "
        "would have saved, exactly where the answers stay the same.",
        examples=(
            ("What would save most:", "konseho whatif last"),
            ("A faster agent and more calls at once, each alone and together:",
             "konseho whatif last --agent builder=0.5x --concurrency 8 --each"),
            ("How many at once are worth it:", "konseho whatif last --sweep concurrency=1..16"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho profile", "konseho tune", "docs/whatif.md"),
    ),
}  # fmt: skip
