"""The table of commands: a module is imported when its command is invoked, and not before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Entry(NamedTuple):
    """One command: the module whose `command` it is, and the first line of its docstring."""

    module: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "init": Entry(
        "konseho_cli.cli.init", "Begin a council of your own, here or in another folder."
    ),
    "run": Entry("konseho_cli.cli.run", "Run a council and print its answer."),
    "chat": Entry(
        "konseho_cli.cli.chat",
        "Talk with a council, one run a turn.",
    ),
    "resume": Entry(
        "konseho_cli.cli.resume", "Go on with a run that was cut off, interrupted or failed."
    ),
    "runs": Entry(
        "konseho_cli.cli.runs",
        "See the runs that are kept, and why they came to what they did.",
    ),
    "profile": Entry(
        "konseho_cli.cli.profile", "See where the time, CPU and memory of a council go."
    ),
    "whatif": Entry(
        "konseho_cli.cli.whatif", "Say what a run would have taken with something changed."
    ),
    "report": Entry("konseho_cli.cli.report", "Report where the time of a run that is over went."),
    "bench": Entry(
        "konseho_cli.cli.bench",
        "Measure the stated targets or a council, and guard them.",
    ),
    "tune": Entry(
        "konseho_cli.cli.tune",
        "Make a council faster, one change at a time.",
    ),
    "learnings": Entry(
        "konseho_cli.cli.learnings", "See what `konseho tune` learnt, and forget it."
    ),
    "validate": Entry("konseho_cli.cli.validate", "Check council files, all errors at once."),
    "show": Entry("konseho_cli.cli.show", "Show the plan of a council: order, reasons, calls."),
    "list": Entry("konseho_cli.cli.list", "List the councils that ship with Konseho."),
    "agents": Entry(
        "konseho_cli.cli.agents",
        "See the agents that `from: NAME` can mean, and write new ones.",
    ),
    "cache": Entry("konseho_cli.cli.cache", "See, clear and fill the cache of answers."),
    "store": Entry("konseho_cli.cli.store", "Check, shrink and export the store of runs."),
    "doctor": Entry(
        "konseho_cli.cli.doctor",
        "See what this machine lacks, and how to mend it.",
    ),
    "schema": Entry("konseho_cli.cli.schema", "Print the JSON Schema of council files."),
}
