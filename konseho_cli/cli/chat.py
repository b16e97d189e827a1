"""`konseho chat`: a conversation with a council."""

from __future__ import annotations

from typing import Annotated

import typer

from konseho_cli.cli import options
from konseho_cli.cli.asking import read_caching, read_models, read_preset, read_timeout
from konseho_cli.cli.chatting import HISTORY_TOKENS, Chat, read_chat_inputs
from konseho_cli.cli.conversing import converse
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.storing import storing_for
from konseho_cli.spec.find import find_council
from konseho_cli.spec.load import load_council


def command(
    council: options.Council,
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
    store: options.Store = None,
    no_store: options.NoStore = False,
    preset: options.Preset = None,
    tokens: Annotated[
        int,
        typer.Option(
            "--history-tokens", min=0, metavar="N",
            help="The most that the council is told of earlier turns, the newest first.",
        ),
    ] = HISTORY_TOKENS,
    quiet: options.Quiet = False,
    json: options.AsJson = False,
) -> None:  # fmt: skip
    """Talk with a council, one run a turn.

    Each turn knows what was said before. At a terminal it asks for a line, shows the run, and gives
    the answer last; /help says what else one can type. From a pipe each line is a turn, and its answer goes to stdout. A turn that fails
    or is interrupted does not end the conversation.
    """
    file = find_council(council)
    loaded = load_council(file)
    how = read_preset(preset, file, events=None, stream=False, events_out=None)
    wanted = RunOptions(
        inputs=read_chat_inputs(loaded.spec, inputs),
        wishes=read_models(model, simulate=simulate),
        max_concurrency=max_concurrency,
        seed=seed,
        timeout_s=read_timeout(timeout),
        strict=strict,
        caching=read_caching(cache, refresh=refresh, size=how.settings.cache_size),
        storing=storing_for(how.settings, wanted=False if no_store else None, file=store),
        allow_exec=allow_exec,
        settings=how.settings,
        targets=how.targets,
    )
    chat = Chat(loaded, wanted, answers=answers, json=json, quiet=quiet, tokens=tokens)
    raise typer.Exit(converse(chat))
