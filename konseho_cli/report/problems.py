"""What is wrong with council files, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from konseho_cli.core.errors import Problem
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.text import one_line, plural


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What checking one file came to."""

    file: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Warnings break nothing."""
        return not self.problems


def problems_text(checked: Sequence[Checked]) -> str:
    """Every problem in a line of its own; empty where there is none."""
    return "\n".join(one_line(str(problem)) for file in checked for problem in file.problems)


def warnings_text(checked: Sequence[Checked]) -> str:
    """Every warning in a line of its own; empty where there is none."""
    lines = (f"warning: {one_line(str(w))}" for file in checked for w in file.warnings)
    return "\n".join(lines)


def verdict_text(checked: Sequence[Checked]) -> str:
    """`3 problems in 2 of 5 files`."""
    found = sum(len(file.problems) for file in checked)
    broken = sum(not file.is_valid for file in checked)
    where = f"{broken} of {plural(len(checked), 'file')}" if len(checked) > 1 else checked[0].file
    return f"{plural(found, 'problem')} in {where}"


def problems_json(checked: Sequence[Checked]) -> str:
    """All files, the valid ones too."""
    return dump(
        {
            "konseho": FORMAT,
            "valid": all(file.is_valid for file in checked),
            "files": [
                {
                    "file": file.file,
                    "valid": file.is_valid,
                    "problems": [_problem(problem) for problem in file.problems],
                    "warnings": [_problem(warning) for warning in file.warnings],
                }
                for file in checked
            ],
        }
    )


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
        "value": problem.value,
        "hint": problem.hint,
    }
