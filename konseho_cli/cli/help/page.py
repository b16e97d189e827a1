"""One page of help, and what many of them say in the same words."""

from __future__ import annotations

from dataclasses import dataclass

Row = tuple[str, str]
"""What, and what is to be known of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands below a command's own words and its options."""

    when: str
    """When to use it: a paragraph."""
    examples: tuple[Row, ...]
    """A sentence, and the command line; a backslash at the end goes on in the next line."""
    status: tuple[Row, ...]
    """Exit statuses."""
    files: tuple[Row, ...] = ()
    """Files and environment variables."""
    see: tuple[str, ...] = ()
    """Other commands, and pages of the documentation."""


USAGE: Row = ("2", "the command line or a file is wrong; nothing was asked")
FINE: tuple[Row, ...] = (("0", "fine"), USAGE)
FAILED: Row = ("3", "it could not be done: the store or a file failed")
READS_STORE: tuple[Row, ...] = (*FINE, FAILED)
RUN: tuple[Row, ...] = (
    ("0", "fine"),
    ("1", "the gate is false, a target was missed, or degraded under --strict"),
    USAGE,
    ("3", "the council failed"),
    ("5", "a limit was reached: cost, tokens, calls or time"),
    ("130", "interrupted (Ctrl-C); 143 terminated; 129 hung up"),
)
STORE: Row = (".konseho/konseho.db", "runs and answers, looked for upward; or --store")
STORE_ENV: Row = ("KONSEHO_STORE", "another database than that one")
HOME_ENV: Row = ("KONSEHO_HOME", "another folder than .konseho/")
MODEL_ENV: Row = ("KONSEHO_MODEL", "the model of who names none")
KEYS_ENV: Row = ("OPENAI_API_KEY, …", "keys come from the environment alone")
PRESET_ENV: Row = ("KONSEHO_PRESET", "as --preset")
CONFIG: Row = ("~/.config/konseho/config.yaml", "`model: provider:model`, `allow_exec: true`")
RUNNING: tuple[Row, ...] = (STORE, STORE_ENV, HOME_ENV, MODEL_ENV, KEYS_ENV, PRESET_ENV, CONFIG)
KEPT: tuple[Row, ...] = (STORE, STORE_ENV, HOME_ENV)
