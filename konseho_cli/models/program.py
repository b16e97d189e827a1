"""A program that answers as a model does: no shell, a small environment, a group of its own."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from konseho_cli.core.errors import ModelError, ModelRefused, ModelUnavailable
from konseho_cli.core.program import Ended, Program
from konseho_cli.core.units import show_duration
from konseho_cli.core.warden import Warden
from konseho_cli.models.base import PROGRAM, Call, Reply, Request
from konseho_cli.models.command import CommandDone, CommandRequest
from konseho_cli.models.redact import Redactor
from konseho_cli.models.registry import KEYS

USUAL = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP",
})  # fmt: skip
"""Names that a program is always given, `LC_…` beside them."""
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_TAIL = 12
"""Lines of what a program said last that its failure tells."""
_TAIL_CHARS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the programs of a run are executed."""

    root: Path
    """The working folder, which no `cwd` may leave."""
    env: Mapping[str, str] = field(repr=False)
    redactor: Redactor
    warden: Warden = field(default_factory=Warden)

    def folder(self, cwd: str) -> Path:
        """The folder of a `cwd`, links followed. Raises ModelRefused where it is none of ours."""
        root = self.root.resolve()
        try:
            folder = (root / cwd).resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise ModelRefused(f"its cwd '{cwd:.200}' cannot be entered: {why}") from None
        if not folder.is_relative_to(root):
            raise ModelRefused(
                f"its cwd '{cwd:.200}' leads out of the working folder",
                hint="start konseho in a folder that holds both",
            )
        if not folder.is_dir():
            raise ModelRefused(f"its cwd '{cwd:.200}' is no folder")
        return folder

    def environment(self, request: CommandRequest) -> dict[str, str]:
        """What the program sees: never a key of ours. Raises ModelRefused."""
        env = self.env
        keys = {env[name].strip() for name in KEYS if env.get(name, "").strip()}
        names = {name for name in env if name in USUAL or name.startswith("LC_")}
        names |= {name for name in request.passes if name in env}
        found = {name: env[name] for name in names} | dict(request.env)
        for name, value in found.items():
            if name in KEYS or value.strip() in keys:
                raise ModelRefused(f"its environment would hold a model's key, in {name}")
        return found

    def program(self, request: CommandRequest, folder: Path, env: Mapping[str, str]) -> Path:
        """The file that is executed, as it is found. Raises ModelRefused."""
        word = request.argv[0]
        if "/" in word:
            found = shutil.which(folder / word)
        else:
            path = [
                each for each in env.get("PATH", os.defpath).split(os.pathsep) if each[:1] == "/"
            ]
            found = shutil.which(word, path=os.pathsep.join(path)) if path else None
        if found is not None:
            return Path(found)
        there = "/" in word and (folder / word).exists()
        what = "is not executable" if there else "is not there"
        hint = f"chmod +x {shlex.quote(word)}" if there else "is it installed, and in the PATH?"
        raise ModelRefused(f"the program '{word:.200}' {what}", hint=hint)

    def hider(self, env: Mapping[str, str]) -> Redactor:
        """Knows what must not be kept: our keys, and what the program is given like one."""
        given = [value for name, value in env.items() if _SECRET.search(name)]
        return Redactor(*given)


class ProgramModel:
    """Executes what it is asked. A failure is a ModelError, so that it is tried again by `resume`."""

    __slots__ = ("_name", "_place")

    def __init__(self, word: str, place: Place) -> None:
        self._name = f"{PROGRAM}:{word}"
        self._place = place

    async def generate(self, request: Request, call: Call) -> Reply:
        """Execute once. Raises ModelRefused where it cannot be, ModelUnavailable where it failed."""
        if sys.platform == "win32":
            raise ModelRefused("programs are executed on POSIX systems alone")
        wanted = CommandRequest.read(request.messages[-1].text)
        place = self._place
        folder, env = place.folder(wanted.cwd), place.environment(wanted)
        path = place.program(wanted, folder, env)
        call.account.requests += 1
        with call.scope.span("tool", program=call.identity.agent, item=call.identity.item) as span:
            start = time.perf_counter()
            ended = await _execute(wanted, path, folder, env, place.warden)
            seconds = time.perf_counter() - start
            span.note(status=ended.status)
        return self._told(wanted, ended, seconds, place.hider(env))

    def _told(self, wanted: CommandRequest, ended: Ended, seconds: float, also: Redactor) -> Reply:
        def hide(text: str) -> str:
            return also.hide(self._place.redactor.hide(text))

        done = CommandDone(
            status=ended.status, output=hide(ended.output), errors=hide(ended.errors),
            cut=ended.cut, seconds=seconds,
        )  # fmt: skip
        if ended.late:
            assert wanted.timeout_s is not None
            took = show_duration(wanted.timeout_s)
            raise _failure(wanted, done, f"took longer than its timeout of {took}")
        if wanted.ok is not None and ended.status not in wanted.ok:
            raise _failure(wanted, done, how(ended.status))
        return done.reply(self._name, plain=not ended.cut)


async def _execute(
    wanted: CommandRequest, path: Path, folder: Path, env: Mapping[str, str], warden: Warden
) -> Ended:
    """In a thread, so that virtual time can wait for it; nothing of it is left on any way out."""
    groups: list[int] = []

    def watch(group: int) -> None:
        groups.append(group)
        warden.began(group)

    program = Program(
        (str(path), *wanted.argv[1:]), cwd=folder, env=env,
        stdin=None if wanted.stdin is None else wanted.stdin.encode("utf-8"),
        limit=wanted.max_output, timeout_s=wanted.timeout_s, starts=warden.starts, watch=watch,
    )  # fmt: skip

    def run() -> Ended:
        warden.start()  # before there is anything for it to end
        return program.run()

    running = asyncio.get_running_loop().run_in_executor(None, run)
    try:
        return await _whole(running, program)
    except OSError as error:
        what = f"the program '{wanted.argv[0]:.200}' cannot be started: {error.strerror or error}"
        raise ModelRefused(what) from None
    except ValueError as error:  # half a character, or NUL
        raise ModelRefused(f"the program cannot be given that: {error}") from None
    finally:
        for group in groups:
            warden.ended(group)


async def _whole(running: asyncio.Future[Ended], program: Program) -> Ended:
    """Its end; whoever is cancelled meanwhile has it ended, and waits for that."""
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
            program.end()
    if cancelled is not None:
        if not running.cancelled():
            running.exception()  # it is looked at
        raise cancelled
    return running.result()


def how(status: int) -> str:
    """`ended with status 2`, `was ended by signal 9`."""
    return f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"


def _failure(wanted: CommandRequest, done: CommandDone, what: str) -> ModelError:
    """With what it said last."""
    said = (done.errors if done.errors.strip() else done.output).strip().splitlines()[-_TAIL:]
    tail = "\n".join(said)[-_TAIL_CHARS:]
    told = f"{wanted.word} {what}" + (f":\n{tail}" if tail else "")
    return ModelUnavailable(told, partial=done.output)
