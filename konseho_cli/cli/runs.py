"""`konseho runs`: the runs that are kept: list, show, explain, compare and remove them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import typer
from typer.core import TyperGroup

from konseho_cli.cli import completing, options, recalling
from konseho_cli.cli.durations import read_duration
from konseho_cli.cli.main import SETTINGS
from konseho_cli.cli.printing import symbols, width
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.streams import is_terminal, mutter
from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import UsageError
from konseho_cli.report import runs as report
from konseho_cli.store.base import RunRow, Wanted
from konseho_cli.store.retention import Retention

DEFAULT = "list"
DIFFERENT = 1

CouncilGlob: TypeAlias = Annotated[
    str | None, typer.Option("--council", metavar="GLOB", help="Of these councils: 'code-*'.")
]
Status: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--status",
        metavar="STATUS,…",
        help="ok, degraded, failed, limit, interrupted, running, cut-off, unfinished.",
    ),
]
Since: TypeAlias = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="Began after that: 7d ago, or a date.")
]
Before: TypeAlias = Annotated[
    str | None,
    typer.Option("--before", metavar="WHEN", help="Began before that: 7d ago, or a date."),
]
Most: TypeAlias = Annotated[
    int, typer.Option("--number", "-n", min=1, metavar="N", help="At most so many.")
]
Runs: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN…]", help="Runs, by name.", autocompletion=completing.runs),
]
Keep: TypeAlias = Annotated[
    str | None,
    typer.Option("--keep", metavar="DURATION", help="Keep those that are younger: 30d."),
]
KeepLast: TypeAlias = Annotated[
    int | None, typer.Option("--keep-last", min=0, metavar="N", help="Keep the newest.")
]
Everything: TypeAlias = Annotated[bool, typer.Option("--all", help="Remove all.")]
OnlySay: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Step: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="[STEP]", help="Show this step of it, whole.", autocompletion=completing.steps
    ),
]
Prompts: TypeAlias = Annotated[
    bool, typer.Option("--prompts", help="Show what each call was asked.")
]


class _Group(TyperGroup):
    """`konseho runs` alone, or with options alone, is `konseho runs list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the command that is meant where none is named."""
        if args:
            means_list = args[0].startswith("-") and args[0] not in ("-h", "--help")
        else:
            means_list = not ctx.resilient_parsing  # a shell asks which commands there are
        return super().parse_args(ctx, [DEFAULT, *args] if means_list else args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The commands; where an option has been begun, those of the command that is meant."""
        meant = self.get_command(ctx, DEFAULT)
        if meant is None or not incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return meant.shell_complete(ctx, incomplete)


app = typer.Typer(
    cls=_Group, rich_markup_mode=None, add_completion=False, context_settings=SETTINGS
)


@app.callback()
def command() -> None:
    """See the runs that are kept, and why they came to what they did.

    RUN is an id, the beginning of one, or `last`. Without a command, `list`.
    """


@app.command("list")
def list_runs(
    council: CouncilGlob = None,
    status: Status = None,
    since: Since = None,
    before: Before = None,
    most: Most = 20,
    store: options.Store = None,
    json: options.AsJson = False,
) -> None:
    """List runs, the newest first."""
    now = RealClock.wall()
    wanted = Wanted(
        council=council,
        since=recalling.read_moment("--since", since, now),
        before=recalling.read_moment("--before", before, now),
        limit=most,
    )
    found = recalling.list_runs(store, wanted, recalling.read_states(status))
    if json:
        deliver_to_stdout(report.runs_json(found))
    elif found:
        deliver_to_stdout(report.runs_text(found, symbols(), width(), now))
    else:
        filtered = any(each is not None for each in (council, status, since, before))
        mutter(f"{report.NONE_SUCH if filtered else report.NONE}\n")


@app.command()
def show(
    run: options.Run,
    step: Step = None,
    prompts: Prompts = False,
    store: options.Store = None,
    json: options.AsJson = False,
    markdown: options.AsMarkdown = False,
) -> None:
    """Show what a run came to; with STEP, all that was said in it.

    The answer, or the step, goes to stdout.
    """
    from konseho_cli.cli import runs_showing as showing

    if json and markdown:
        raise UsageError("--json and --markdown exclude each other")
    if prompts and markdown:
        raise UsageError("--prompts goes with text and --json")
    (kept,) = recalling.recall([run], store)
    if step is not None:
        showing.show_step(kept, step, prompts=prompts, json=json, markdown=markdown)
    elif prompts:
        showing.show_prompts(kept, json=json)
    else:
        showing.show_run(kept, json=json, markdown=markdown)


@app.command()
def explain(
    run: options.Run,
    store: options.Store = None,
    json: options.AsJson = False,
    markdown: options.AsMarkdown = False,
) -> None:
    """Explain an answer by what was said and decided.

    Who said what, who moved towards whom, who voted how, who was missing, what the chair had.
    """
    from konseho_cli.cli import runs_showing as showing

    if json and markdown:
        raise UsageError("--json and --markdown exclude each other")
    (kept,) = recalling.recall([run], store)
    showing.show_explanation(kept, json=json, markdown=markdown)


@app.command()
def diff(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run.", autocompletion=completing.runs)
    ],
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER", help="The run to compare it with.", autocompletion=completing.runs
        ),
    ],
    store: options.Store = None,
    json: options.AsJson = False,
) -> None:
    """Compare two runs: figures, steps, councils, answers."""
    from konseho_cli.cli import runs_showing as showing

    same = showing.show_difference(recalling.recall([run, other], store), json=json)
    raise typer.Exit(0 if same else DIFFERENT)


@app.command()
def rm(
    run: Runs = None,
    keep: Keep = None,
    keep_last: KeepLast = None,
    everything: Everything = False,
    dry_run: OnlySay = False,
    yes: Yes = False,
    store: options.Store = None,
    json: options.AsJson = False,
) -> None:
    """Remove runs: those that are named, or those that no --keep keeps.

    A run that is still at work is never removed.
    """
    names, rule = run or [], keep is not None or keep_last is not None
    if bool(names) + rule + everything != 1:
        raise UsageError("which runs are to go? RUN…, or --keep and --keep-last, or --all")
    now = RealClock.wall()
    retention = Retention(keep_s=read_duration("--keep", keep), keep_last=keep_last)
    rows = recalling.runs_to_remove(store, names, retention, now)
    if rows and not dry_run:
        rows = rows if yes or _may_remove(rows, now, everything=everything) else []
        recalling.remove_runs(store, rows)
    text = report.removed_text(rows, now, dry_run=dry_run)
    deliver_to_stdout(report.removed_json(rows, dry_run=dry_run) if json else text)


def _may_remove(rows: Sequence[RunRow], now: float, *, everything: bool) -> bool:
    """Whether a person agrees; where there is none, whoever named runs or a rule does.

    Raises UsageError where all are to go, and nobody is there to be asked.
    """
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        if everything:
            raise UsageError("nobody is here to be asked", hint="--yes removes all of them")
        return True
    # Not by `typer.confirm`: it writes a blank to stdout, which is the result's.
    mutter(f"{report.removed_text(rows, now, dry_run=True)}\nRemove them? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
