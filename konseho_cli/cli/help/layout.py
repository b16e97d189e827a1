"""A command's help as a page: synopsis, what it does, options, examples, exit status, files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from konseho_cli.cli.help.groups import HEADINGS, MANY, heading
from konseho_cli.cli.help.page import Page, Row
from konseho_cli.cli.help.pages import PAGES


def write_page(command: Any, path: Sequence[str], ctx: Any, formatter: Any) -> None:
    """The whole help of one command, in the formatter's width."""
    page = PAGES.get(" ".join(path))
    pieces = [
        piece.replace("{", "").replace("}", "") for piece in command.collect_usage_pieces(ctx)
    ]
    formatter.write_usage(ctx.command_path, " ".join(pieces))
    command.format_help_text(ctx, formatter)
    if page is not None:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(page.when)
    _write_options(command, ctx, formatter)
    if getattr(command, "commands", None):
        command.format_commands(ctx, formatter)
    if page is not None:
        write_rest(page, formatter)


def _write_options(command: Any, ctx: Any, formatter: Any) -> None:
    params = command.get_params(ctx)
    arguments = [each for each in params if each.param_type_name == "argument"]
    options = [each for each in params if each.param_type_name == "option"]
    _write_records("Arguments", arguments, ctx, formatter)
    if len(options) <= MANY:
        _write_records("Options", options, ctx, formatter)
        return
    for name in HEADINGS:
        members = [each for each in options if heading(each.opts) == name]
        _write_records(name, members, ctx, formatter)


def _write_records(name: str, params: Sequence[Any], ctx: Any, formatter: Any) -> None:
    records = [record for each in params if (record := each.get_help_record(ctx)) is not None]
    if records:
        with formatter.section(name):
            formatter.write_dl(records)


def write_rest(page: Page, formatter: Any) -> None:
    """Examples, exit status, files, and where to go on."""
    with formatter.section("Examples"):
        for number, (about, call) in enumerate(page.examples):
            if number:
                formatter.write("\n")
            formatter.write_text(about)
            lead = "$ "
            for line in call.splitlines():
                formatter.write(f"{'':{formatter.current_indent + 2}}{lead}{line}\n")
                lead = "    " if line.endswith("\\") else "$ "
    _write_rows("Exit status", page.status, formatter)
    _write_rows("Files and environment", page.files, formatter)
    if page.see:
        with formatter.section("See also"):
            formatter.write_text(", ".join(page.see))


def _write_rows(name: str, rows: Sequence[Row], formatter: Any) -> None:
    if rows:
        with formatter.section(name):
            formatter.write_dl(rows)
