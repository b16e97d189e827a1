"""Options under headings: of a command with many, and the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping

MANY = 10
"""Options above which a command's are put under headings."""

_GROUPS: Mapping[str, str] = {
    "Task": "--task-file --input --council --task --template --answers --allow-exec",
    "Who answers": "--model --simulate --seed --cache --refresh --replay --replay-speed "
    "--replay-miss",
    "Limits and settings": "--max-concurrency --timeout --strict --preset --history-tokens",
    "What is kept": "--record --store --no-store --events --events-out --save --folder",
    "Profilers": "--cpu --memory --sample --all --runs --interval --rate --gil --idle "
    "--subprocesses --pid --duration --lines --leaks --cost",
    "Changes": "--agent --concurrency --step --rpm --tpm --limit --cache-hit --overhead --each "
    "--sweep",
    "Measuring": "-k --exact --quick --only --again --gate --max-time",
    "Comparing": "--against --threshold --floor --confidence --history",
    "Result": "--json --markdown --output --stream --quiet --dry-run --html --speedscope "
    "--perfetto --otel --otel-send --junit --force",
}
HEADINGS = (*_GROUPS, "Options")
"""In their order; what is in no other group is under the last one."""
_BY_OPTION = {option: name for name, options in _GROUPS.items() for option in options.split()}


def heading(names: list[str]) -> str:
    """The heading for an option that goes by these names."""
    return next((_BY_OPTION[name] for name in names if name in _BY_OPTION), HEADINGS[-1])
