"""Runs to report on: real ones, in virtual time, so that every figure is the same each time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.units import QUANTITIES
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import Plan, make_plan
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Base
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.parallel import Parallel
from konseho_cli.telemetry.events import Event

GOLDEN = Path(__file__).parent / "golden"

STEPS: Mapping[str, Base] = {
    "review": Parallel(agents=("ann", "bob"), quorum=1),
    "aside": Ask(agent="cid", needs=()),
    "verdict": Chair(agent="dee", prompt="{{ review.ann }} and {{ aside }}"),
}
SPEC: dict[str, Any] = {
    "konseho": 1,
    "name": "code-review",
    "description": "Two reviewers and a chair.",
    "inputs": {"diff": {"required": True}, "n": {"default": 3}},
    "limits": {"cost": "$1.50", "time": "5m", "tokens": "200k"},
    "targets": {"calls": 2},
    "answer": "{{ verdict }}",
    "gate": "{{ verdict == 'Approve.' }}",
    "steps": [{"kind": "ask", "agent": "a"}],
}


@pytest.fixture
def plan() -> Plan:
    return make_plan(STEPS)


@pytest.fixture
def spec() -> CouncilSpec:
    def quantity(kind: type, value: object) -> object:
        assert kind in QUANTITIES
        return kind(value)

    return msgspec.convert(SPEC, CouncilSpec, dec_hook=quantity, strict=False)


@pytest.fixture
def outcome(stage: Any, scripted: Any) -> RunOutcome:
    """Bob falls out, so the run is degraded; the chair approves, so the gate is true."""
    return _run(stage, scripted, {})


@pytest.fixture
def failed(stage: Any, scripted: Any) -> RunOutcome:
    """The chair is down, so there is no answer."""
    return _run(stage, scripted, {"dee": (0.5, ModelUnavailable("503: busy", hint="wait"))})


def _run(stage: Any, scripted: Any, script: dict[str, Any]) -> RunOutcome:
    said = {
        "ann": (1.25, "Looks | fine.\n# Really"),
        "bob": (0.5, ModelUnavailable("503: busy")),
        "cid": (2.0, "An aside."),
        "dee": (1.0, "Approve."),
    }
    model = scripted({**said, **script})
    return stage.run(
        STEPS, model, answer="{{ verdict }}", gate="{{ verdict == 'Approve.' }}",
        warnings=("a step is never read",),
    )  # fmt: skip


@pytest.fixture
def events(stage: Any, outcome: RunOutcome) -> list[Event]:
    """What a listener saw of `outcome`."""
    return stage.events


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare with a file in `golden/`; `KEEP_GOLDEN=1` writes it, for a change that is meant."""

    def check(name: str, text: str) -> None:
        file = GOLDEN / name
        if os.environ.get("KEEP_GOLDEN"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return check
