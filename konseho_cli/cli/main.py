"""The `konseho` command: finds the command that was meant, and is the one boundary for errors."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from konseho_cli.cli.commands import COMMANDS
from konseho_cli.cli.streams import give_up_rest, prepare_streams, tell
from konseho_cli.core.errors import KonsehoError
from konseho_cli.version import __version__

INTERRUPTED = 130
FAILED = 3
_UNREADABLE: Any = typer.BadParameter.__mro__[1]
"""What the parser raises for a line that it cannot read: Typer does not export it by name."""
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class LazyGroup(TyperGroup):
    """Lists all commands from the table and imports only the one that is invoked."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import one command."""
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            self.commands[cmd_name] = load(cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was meant; a near miss is named."""
        if args[0] not in COMMANDS:
            from konseho_cli.cli.misspoken import meant_command

            ctx.fail(f"there is no command '{args[0]}' ({meant_command(args[0], COMMANDS)})")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table as it is: to list the commands must not import them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """What the page of `konseho` itself says."""
        from konseho_cli.cli.help.layout import write_rest
        from konseho_cli.cli.help.pages import PAGES

        write_rest(PAGES[""], formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The table as it is, again without an import; then options, as of any command."""
        from konseho_cli.cli.completing import named

        found = named({name: entry.help for name, entry in COMMANDS.items()}, incomplete)
        return [*found, *TyperCommand.shell_complete(self, ctx, incomplete)]


def load(name: str) -> Any:
    """A command of the table, ready to be invoked."""
    module = importlib.import_module(COMMANDS[name].module)
    if hasattr(module, "app"):  # a command with commands of its own
        return _explained(get_command(module.app), name)
    app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=SETTINGS)
    app.command(name)(module.command)
    return _explained(get_command(app), name)


def _explained(command: Any, *path: str) -> Any:
    """The same command, whose `--help` is a page of `cli/help/`, and whose errors name a way out.

    Both are loaded only then.
    """

    def format_help(ctx: Any, formatter: Any) -> None:
        from konseho_cli.cli.help.layout import write_page

        write_page(command, path, ctx, formatter)

    parse = command.parse_args

    def parse_args(ctx: Any, args: list[str]) -> list[str]:
        words = tuple(args)
        try:
            return parse(ctx, args)  # type: ignore[no-any-return]
        except _UNREADABLE as error:
            from konseho_cli.cli.misspoken import add_way_out

            add_way_out(error, command, path, words)
            raise

    command.format_help, command.parse_args = format_help, parse_args
    for name, each in getattr(command, "commands", {}).items():
        _explained(each, *path, name)
    return command


app = typer.Typer(cls=LazyGroup, rich_markup_mode=None, context_settings=SETTINGS)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"konseho {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True, no_args_is_help=False)
def konseho(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", help="Print the version.", callback=_show_version,
                     is_eager=True),
    ] = False,
) -> None:  # fmt: skip
    """Run councils of LLM agents that are written in YAML, and hold every run to account.

    Try `konseho run quickstart "Tabs or spaces?"`, which needs no key: it simulates.
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line; its exit status. Nothing escapes."""
    try:
        get_command(app).main(args=list(arguments), prog_name="konseho")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except KonsehoError as error:
        _debug()
        tell(error)
        return error.exit_code
    except OSError as error:  # such as a full disk under `--help`
        _debug()
        tell(KonsehoError(error.strerror or str(error)))
        return FAILED
    except Exception as error:  # noqa: BLE001 - the boundary: whatever is left is a bug of ours
        if not _debug():
            what = f"{type(error).__name__}: {error}"
            hint = "this is a bug in Konseho; KONSEHO_DEBUG=1 shows where"
            tell(KonsehoError(what, hint=hint))
        return FAILED
    return 0


def _debug() -> bool:
    """Print the traceback of the error at hand, where it was asked for."""
    if os.environ.get("KONSEHO_DEBUG", "") in ("", "0"):
        return False
    import traceback

    traceback.print_exc()
    return True


def main() -> None:
    """The console script."""
    prepare_streams()
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # from here on it is heard
    status = invoke(sys.argv[1:])
    give_up_rest()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: it must not change the status
    sys.exit(status)
