"""Pages of the commands for what is kept: answers and runs."""

from __future__ import annotations

from collections.abc import Mapping

from konseho_cli.cli.help.page import FAILED, FINE, KEPT, READS_STORE, RUN, RUNNING, Page

PAGES: Mapping[str, Page] = {
    "cache": Page(
        when="Use it to see what answers that are used again have saved, and to remove some.",
        examples=(
            ("How much is kept, and what it saved:", "konseho cache stats"),
            ("Remove what is old:", "konseho cache clear --older-than 30d"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho run --cache", "docs/cache.md"),
    ),
    "cache stats": Page(
        when="Use it to see whether the cache pays: hits, tokens and dollars over all runs.",
        examples=(
            ("At a terminal:", "konseho cache stats"),
            ("For a program:", "konseho cache stats --json"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho cache list", "docs/cache.md"),
    ),
    "cache list": Page(
        when="Use it to see what would be removed before konseho cache clear removes it: both take "
        "the same options.",
        examples=(
            ("Answers of one provider:", "konseho cache list --model 'openai:*'"),
            ("Old ones:", "konseho cache list --older-than 7d"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho cache clear", "docs/cache.md"),
    ),
    "cache clear": Page(
        when="Use it where answers are out of date, or are not to be kept any longer.",
        examples=(
            ("All:", "konseho cache clear"),
            ("Of one model, to one question:",
             "konseho cache clear --model 'openai:*' --pattern 'tabs*spaces'"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho cache list", "konseho store vacuum", "docs/cache.md"),
    ),
    "cache warm": Page(
        when="Use it before a demonstration or a batch whose questions are known.",
        examples=(
            ("Pay now:", 'konseho cache warm quickstart "Tabs or spaces?" -m sim:fast'),
            ("And not then:", 'konseho run quickstart "Tabs or spaces?" -m sim:fast --cache'),
        ),
        status=RUN,
        files=RUNNING,
        see=("konseho run --cache", "docs/cache.md"),
    ),
    "store": Page(
        when="Use it to look after the database of runs, and to take runs out of it.",
        examples=(
            ("Whether all can be read:", "konseho store check"),
            ("All runs for another program:", "konseho store export -o runs.jsonl"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho runs", "konseho runs rm", "docs/store.md"),
    ),
    "store check": Page(
        when="Use it after a crash or a full disk, and before you copy the file elsewhere.",
        examples=(
            ("The project's:", "konseho store check"),
            ("Another one, for a program:", "konseho store check --store old.db --json"),
        ),
        status=(*FINE, ("3", "something is wrong with it, or it cannot be opened")),
        files=KEPT,
        see=("konseho doctor", "docs/store.md"),
    ),
    "store vacuum": Page(
        when="Use it after konseho runs rm or konseho cache clear, when nothing else runs.",
        examples=(
            ("Remove old runs, then give their room back:",
             "konseho runs rm --keep 30d --yes\nkonseho store vacuum"),
            ("For a program:", "konseho store vacuum --json"),
        ),
        status=READS_STORE,
        files=KEPT,
        see=("konseho runs rm", "docs/store.md"),
    ),
    "store export": Page(
        when="Use it for a backup, for analysis elsewhere, or to hand a run to somebody else. What "
        "is written holds prompts and answers.",
        examples=(
            ("All runs:", "konseho store export -o runs.jsonl"),
            ("The last one, into a pipe:", "konseho store export last | jq -c .kind"),
        ),
        status=(*FINE, FAILED),
        files=KEPT,
        see=("konseho runs show --json", "docs/store.md"),
    ),
}  # fmt: skip
