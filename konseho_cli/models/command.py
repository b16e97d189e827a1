"""What a program is asked to do and what came of it: as records, and as the JSON of a call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from konseho_cli.models.base import Reply

OUTPUT = 2**20
"""Bytes of either stream that are kept, where nothing else is said."""
DONE: Mapping[str, Any] = {"type": "object", "required": ["status", "output", "errors"]}
"""The JSON Schema of an answer."""


class CommandRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A program with all that it is given."""

    argv: tuple[str, ...]
    """The program, then its arguments: no shell reads them."""
    name: str = ""
    """Which of the step's commands it is; empty where there is one."""
    cwd: str = "."
    """Relative to the working folder, and inside of it."""
    env: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Values of its environment."""
    passes: tuple[str, ...] = ()
    """Names that it is given from our environment, beside the usual ones."""
    stdin: str | None = None
    timeout_s: float | None = None
    max_output: int = OUTPUT
    """Bytes of either stream that are kept."""
    ok: tuple[int, ...] | None = (0,)
    """Exit statuses that are no failure; None: all."""
    inputs: tuple[str, ...] | None = None
    """Patterns of the files that it reads, relative to `cwd`; None: nobody knows."""
    cache: bool = True
    """Whether its result may be used again, where `inputs` are stated."""
    safe: bool = False
    """Whether it may run beside others."""
    resources: tuple[str, ...] = ()
    """What it must have for itself."""
    priority: int = 5

    @property
    def word(self) -> str:
        """The program's own name: `pytest` of `.venv/bin/pytest`."""
        return self.argv[0].rstrip("/").rpartition("/")[2] or "program"

    def written(self) -> str:
        """All that changes what comes of it, as JSON: what the call asks."""
        return json.dumps(
            {
                "argv": self.argv, "cwd": self.cwd, "env": dict(self.env),
                "passes": sorted(self.passes), "stdin": self.stdin, "timeout_s": self.timeout_s,
                "max_output": self.max_output, "ok": self.ok,
            },
            ensure_ascii=False,
        )  # fmt: skip

    @classmethod
    def read(cls, text: str) -> CommandRequest:
        """What `written` wrote."""
        return msgspec.json.decode(text, type=cls)


class CommandDone(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended."""

    status: int
    """Its exit status; `-9` where signal 9 ended it."""
    output: str
    errors: str
    """What it wrote to stderr."""
    cut: int = 0
    """Bytes that are left out of the middle of either."""
    seconds: float = 0.0
    """That it ran."""

    def reply(self, model: str, *, plain: bool) -> Reply:
        """As an answer; `plain`: whether it is worth keeping."""
        text = json.dumps(msgspec.to_builtins(self), ensure_ascii=False)
        return Reply(text=text, model=model, finish="stop" if plain else "other")
