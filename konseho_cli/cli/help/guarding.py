"""Pages of the commands that measure, guard and tune."""

from __future__ import annotations

from collections.abc import Mapping

from konseho_cli.cli.help.page import KEPT, READS_STORE, RUNNING, USAGE, Page

PAGES: Mapping[str, Page] = {
    "bench": Page(
        when="Use it to guard a council's time and cost against regressions, locally and in CI. "
        "With --against the two sides are run in turns, and a change is told from noise by a "
        "confidence interval.",
        examples=(
            ("Konseho's own targets, at a first look:", "konseho bench --quick"),
            ("Keep a council's figures, and compare with them later:",
             'konseho bench quickstart "Tabs or spaces?" --exact --save before\n'
             'konseho bench quickstart "Tabs or spaces?" --exact --against before'),
            ("In CI, against the branch that it goes to:",
             "konseho bench council.yaml --against origin/main --junit bench.xml"),
        ),
        status=(
            ("0", "fine"),
            ("1", "a target is missed, or something got slower"),
            USAGE,
            ("3", "the council failed"),
            ("4", "inconclusive: too much noise to tell"),
            ("5", "a limit was reached"),
        ),
        files=RUNNING,
        see=("konseho profile", "konseho tune", "docs/bench.md", "docs/ci.md"),
    ),
    "tune": Page(
        when="Use it once a council says what you want, and is to say it sooner: changes that "
        "alter no answer are tried on replays, and those that pay are kept.",
        examples=(
            ("What would be tried:",
             'konseho tune quickstart "Tabs or spaces?" --dry-run'),
            ("Try it on the last run, and write a preset:",
             "konseho tune quickstart --replay last -o fast.yaml"),
            ("Run with what was kept:",
             'konseho run quickstart "Tabs or spaces?" --preset fast.yaml'),
        ),
        status=(
            ("0", "fine, also where nothing was kept"),
            USAGE,
            ("3", "the council failed"),
            ("4", "the machine was too noisy to tell for some change"),
        ),
        files=(("profiles/COUNCIL-tuned.yaml", "the preset, beside the council"), *RUNNING),
        see=("konseho learnings", "konseho whatif", "docs/tune.md", "docs/presets.md"),
    ),
    "learnings": Page(
        when="Use it to see what konseho tune tried and why it kept or dropped it, and to let it "
        "try something again.",
        examples=(
            ("All of them:", "konseho learnings"),
            ("Let everything be tried again on a council:", "konseho learnings forget quickstart"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho tune", "docs/tune.md"),
    ),
    "learnings list": Page(
        when="Use it to see what was tried on your councils, or on one of them.",
        examples=(
            ("All:", "konseho learnings list"),
            ("Of one council, for a program:", "konseho learnings list quickstart --json"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho tune", "docs/tune.md"),
    ),
    "learnings forget": Page(
        when="Use it where the machine or the models have changed, so that a change that did not "
        "pay then may pay now.",
        examples=(
            ("All of a council:", "konseho learnings forget quickstart"),
            ("One, by the name that the list shows:",
             "konseho learnings forget quickstart/concurrency"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho learnings list", "docs/tune.md"),
    ),
}  # fmt: skip
