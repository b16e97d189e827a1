"""`konseho resume`: go on with a run, asking models only for what is not there."""

from __future__ import annotations

from typing import Annotated

import typer

from konseho_cli.cli import options
from konseho_cli.cli.asking import read_timeout
from konseho_cli.cli.people import People
from konseho_cli.cli.result import Destination
from konseho_cli.cli.running import run_and_report
from konseho_cli.cli.stored import stored_run
from konseho_cli.resuming import Resumption, resume


def command(
    run: options.Run,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Go on although the council has changed, or the run may still run."
        ),
    ] = False,
    answers: options.Answers = None,
    max_concurrency: options.MaxConcurrency = None,
    timeout: options.Timeout = None,
    allow_exec: options.AllowExec = False,
    store: options.Store = None,
    quiet: options.Quiet = False,
    json: options.AsJson = False,
    markdown: options.AsMarkdown = False,
    output: options.Output = None,
    stream: options.Stream = False,
) -> None:
    """Go on with a run that was cut off, interrupted or failed.

    No finished call is paid twice: steps that ended are taken as they were, and in the others what
    was answered is given again. A run that failed tries again what failed.
    """
    destination = Destination.of(json=json, markdown=markdown, file=output, stream=stream)
    wanted = Resumption(
        force=force,
        timeout_s=read_timeout(timeout),
        max_concurrency=max_concurrency,
        store=store,
        allow_exec=allow_exec,
    )
    people = People(answers)
    session = resume(stored_run(run, store), wanted, desk=people)
    people.check(session.loaded)
    raise typer.Exit(run_and_report(session, destination, people, quiet=quiet))
