"""`konseho run`: run a council and print its answer."""

from __future__ import annotations

import typer

from konseho_cli.cli import options
from konseho_cli.cli.asking import (
    check_stdin,
    read_caching,
    read_events_out,
    read_models,
    read_preset,
    read_task,
    read_timeout,
)
from konseho_cli.cli.people import People
from konseho_cli.cli.result import Destination
from konseho_cli.cli.running import dry_run, run_and_report
from konseho_cli.cli.stored import find_replay
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.storing import storing_for
from konseho_cli.engine.taping import Taping
from konseho_cli.session import Session
from konseho_cli.spec.find import find_council
from konseho_cli.spec.inputs import read_inputs
from konseho_cli.spec.load import load_council


def command(
    council: options.Council,
    task: options.Task = None,
    task_file: options.TaskFile = None,
    inputs: options.Inputs = [],  # noqa: B006 - Typer reads it, nobody writes it
    model: options.Models = [],  # noqa: B006
    simulate: options.Simulate = False,
    answers: options.Answers = None,
    max_concurrency: options.MaxConcurrency = None,
    seed: options.Seed = None,
    timeout: options.Timeout = None,
    strict: options.Strict = False,
    cache: options.Cache = None,
    refresh: options.Refresh = False,
    allow_exec: options.AllowExec = False,
    record: options.Record = None,
    store: options.Store = None,
    no_store: options.NoStore = False,
    replay: options.Replay = None,
    replay_speed: options.ReplaySpeed = 1.0,
    replay_miss: options.ReplayMiss = "error",
    preset: options.Preset = None,
    events: options.Events = None,
    events_out: options.EventsOut = None,
    only_plan: options.DryRun = False,
    quiet: options.Quiet = False,
    json: options.AsJson = False,
    markdown: options.AsMarkdown = False,
    output: options.Output = None,
    stream: options.Stream = False,
) -> None:
    """Run a council and print its answer.

    Agents split work, debate and vote; each run is kept, to be resumed, replayed and explained.
    """
    destination = Destination.of(json=json, markdown=markdown, file=output, stream=stream)
    check_stdin(task, task_file, inputs)
    found, loaded = find_replay(replay, store), load_council(find_council(council))
    how = read_preset(preset, loaded.file, events=events, stream=stream, events_out=events_out)
    wanted = RunOptions(
        task=read_task(task, task_file),
        inputs=read_inputs(loaded.spec, inputs),
        wishes=read_models(model, simulate=simulate),
        max_concurrency=max_concurrency,
        seed=seed,
        timeout_s=read_timeout(timeout),
        strict=strict,
        caching=read_caching(cache, refresh=refresh, size=how.settings.cache_size),
        taping=Taping(record=record, replay=found, speed=replay_speed, miss=replay_miss),
        storing=storing_for(how.settings, wanted=False if no_store else None, file=store),
        allow_exec=allow_exec or only_plan,  # a plan executes nothing
        events_out=read_events_out(events_out, destination.file, record),
        settings=how.settings,
        targets=how.targets,
    )
    people = People(answers, loaded)
    session = Session(loaded, wanted, desk=people)
    if not only_plan:
        raise typer.Exit(run_and_report(session, destination, people, quiet=quiet))
    dry_run(session, as_json=json, allow_exec=allow_exec)
