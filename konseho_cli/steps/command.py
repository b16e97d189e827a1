"""`command`: programs are executed, never by a shell, and only where the user allows it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from konseho_cli.context.templates import references
from konseho_cli.core.errors import InvalidReply, StepFailed, TemplateFailed
from konseho_cli.core.units import Duration, Size
from konseho_cli.models.command import OUTPUT, CommandDone, CommandRequest
from konseho_cli.models.file_hashes import problem_of
from konseho_cli.models.registry import KEYS
from konseho_cli.models.structured import decode_any
from konseho_cli.steps.base import (
    JSON,
    Base,
    Branch,
    Estimate,
    Positive,
    StepContext,
    Template,
    Wait,
    as_text,
)
from konseho_cli.steps.results import Part, StepResult

Name = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$", max_length=64)]
Status = Annotated[int, msgspec.Meta(ge=0, le=255)]
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOADER = ("LD_", "DYLD_")
"""Variables that put other code into a program."""
_LEAST_OUTPUT = 1024
_MOST_OUTPUT = 64 * 2**20


class Program(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One program, with what it is given and what is made of its output."""

    argv: Annotated[tuple[Template, ...], msgspec.Meta(min_length=1)]
    """The program and its arguments, one each: no shell reads them. The program itself is fixed."""
    cwd: Template = "."
    """A folder inside the working folder."""
    env: tuple[str, ...] | dict[str, Template | None] = ()
    """Names that are passed through; as a mapping, with a value or, where it is null, through."""
    stdin: Template | None = None
    """What it reads; by default nothing."""
    timeout: Duration | None = None
    """Until it is ended, with all that it started."""
    parse: Literal["text", "json", "lines"] = "text"
    """How its output is read."""
    max_output: Size | None = None
    """Of its output, and of its stderr: what is more is left out of the middle; else 1 MiB."""
    ok: tuple[Status, ...] | Literal["any"] = (0,)
    """Exit statuses that are no failure; `any` goes on whatever it is, and gives a record."""
    inputs: tuple[Template, ...] | None = None
    """All files that it reads, as patterns in `cwd`: as long as they stay, so does its result."""
    cache: bool | None = None
    """False: it is executed each time. By default its result is used again where `inputs` is set."""
    safe: bool = False
    """Whether it may run beside other programs; else it runs alone."""
    resources: tuple[str, ...] = ()
    """What no two programs may use at the same time: `db`, `port8080`."""


_OF_PROGRAMS = Program.__struct_fields__


class Command(Base, frozen=True, kw_only=True, tag="command"):
    """Executes a program, or several of them; needs --allow-exec."""

    argv: tuple[Template, ...] = ()
    """The program and its arguments, one each: no shell reads them. The program itself is fixed."""
    cwd: Template = "."
    """A folder inside the working folder."""
    env: tuple[str, ...] | dict[str, Template | None] = ()
    """Names that are passed through; as a mapping, with a value or, where it is null, through."""
    stdin: Template | None = None
    """What it reads; by default nothing."""
    parse: Literal["text", "json", "lines"] = "text"
    """How its output is read."""
    max_output: Size | None = None
    """Of its output, and of its stderr: what is more is left out of the middle; else 1 MiB."""
    ok: tuple[Status, ...] | Literal["any"] = (0,)
    """Exit statuses that are no failure; `any` goes on whatever it is, and gives a record."""
    inputs: tuple[Template, ...] | None = None
    """All files that it reads, as patterns in `cwd`: as long as they stay, so does its result."""
    safe: bool = False
    """Whether it may run beside other programs; else it runs alone."""
    resources: tuple[str, ...] = ()
    """What no two programs may use at the same time: `db`, `port8080`."""
    commands: dict[Name, Program] = msgspec.field(default_factory=dict)
    """Several programs by name, in the place of one `argv`; the value is name → result."""
    quorum: Positive | None = None
    """How many of several must succeed; by default all, or one under `on_error: continue`."""
    wait: Wait = "all"
    """`quorum` goes on at the quorum and ends the rest."""

    templates: ClassVar[tuple[str, ...]] = ()

    @property
    def shows_earlier(self) -> bool:
        """It has no prompt."""
        return False

    @property
    def all(self) -> Mapping[str, Program]:
        """Its programs by name; the one of a plain step has none."""
        if self.commands:
            return self.commands
        own = {name: getattr(self, name) for name in _OF_PROGRAMS if name not in _SHARED}
        return {"": Program(**own, timeout=None, cache=None)} if self.argv else {}

    def programs(self) -> Sequence[str]:
        """Their command lines, templates as they stand."""
        return [shlex.join(program.argv) for program in self.all.values()]

    def keys(self) -> frozenset[str] | None:
        """Names of several; of one that may end anyhow, its record's."""
        if self.commands:
            return frozenset(self.commands)
        return _RECORD if self.ok == "any" else None

    def check(self) -> Mapping[str, str]:
        """There are programs, each is fixed, and nothing of them leads out."""
        found = self._check_fields()
        if not self.argv and not self.commands:
            found["argv"] = "a program is needed: argv: [make, test], or several as `commands`"
        elif self.argv and self.commands:
            found["commands"] = "give one `argv`, or several `commands`, not both"
        for name, program in self.all.items():
            for field, what in _problems(program):
                if name:
                    found.setdefault("commands", f"{name}.{field}: {what}")
                else:
                    found.setdefault(field, what)
        return found

    def _check_fields(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for field in ("prompt", "window", "output"):
            if getattr(self, field) is not None:
                found[field] = "a command asks no agent"
        if self.cache == "warm":
            found["cache"] = "`warm` is about models: true or false"
        if self.fallback is not None and self.fallback.agent is not None:
            found["fallback"] = "no agent can stand in for a program: fallback: {value: …}"
        if self.commands:
            for field in _OF_PROGRAMS:
                if field not in _SHARED and getattr(self, field) != _USUAL[field]:
                    found[field] = "say it of each program, under `commands`"
            if self.quorum is not None and self.quorum > len(self.commands):
                found["quorum"] = f"{self.quorum} is above the number of commands"
        elif self.quorum is not None:
            found["quorum"] = "it is about several `commands`"
        if self.wait == "quorum" and self.quorum is None:
            found["wait"] = "`wait: quorum` needs a `quorum`"
        return found

    def references(self) -> Mapping[str, frozenset[str]]:
        """Of all templates in all programs, under the field that holds them."""
        found = {name: names for name, names in super().references().items() if name == "when"}
        for name, program in self.all.items():
            for field, texts in _templates(program).items():
                read = frozenset[str]().union(*map(references, texts))
                if texts:
                    place = "commands" if name else field
                    found[place] = found.get(place, frozenset()) | read
        return found

    def estimate(self) -> Estimate:
        """No model is called."""
        return Estimate(fewest=0, most=0)

    async def run(self, ctx: StepContext) -> StepResult:
        """Execute all; the value is the output, or name → output."""
        details: dict[str, JSON] = {}
        if not self.commands:
            ((_, program),) = self.all.items()
            value, text = await self._execute(ctx, "", program, details)
            return StepResult(
                value=value, parts=(Part(label="output", text=text),), details=details
            )

        def branch(name: str, program: Program) -> Branch[tuple[JSON, str]]:
            def execute(ctx: StepContext) -> Awaitable[tuple[JSON, str]]:
                return self._execute(ctx, name, program, details)

            return execute

        gathered = await ctx.gather(
            {name: branch(name, program) for name, program in self.commands.items()},
            quorum=self.quorum, wait=self.wait,
        )  # fmt: skip
        done = gathered.done.items()
        return StepResult(
            value={name: value for name, (value, _) in done},
            parts=tuple(Part(label=name, text=text) for name, (_, text) in done),
            details={"commands": details},
        )

    async def _execute(
        self, ctx: StepContext, name: str, program: Program, details: dict[str, JSON]
    ) -> tuple[JSON, str]:
        request = self._request(ctx, name, program)
        done = await ctx.execute(request)
        record = {
            "argv": list(request.argv), "status": done.status,
            "seconds": round(done.seconds, 3), "errors": done.errors, "cut": done.cut,
        }  # fmt: skip
        if name:
            details[name] = record
        else:
            details |= record
        if done.cut:
            whose = f"{name}: " if name else ""
            ctx.degrade(f"{whose}{done.cut:,} bytes of its output are left out")
        value = _parsed(done, program, name or ctx.step)
        if program.ok == "any":
            value = {
                "status": done.status, "ok": done.status == 0, "output": value,
                "errors": done.errors,
            }  # fmt: skip
        return value, _shown(done, whole=program.ok == "any")

    def _request(self, ctx: StepContext, name: str, program: Program) -> CommandRequest:
        """All templates filled. Raises TemplateFailed."""
        env = program.env
        given = env if isinstance(env, dict) else dict[str, Template | None].fromkeys(env)

        def fill(template: Template, what: str) -> str:
            return _argument(ctx.evaluate(template), what)

        cached = program.cache if name else self.cache is not False
        return CommandRequest(
            argv=tuple(fill(text, f"argv[{at}]") for at, text in enumerate(program.argv)),
            name=name,
            cwd=fill(program.cwd, "cwd"),
            env={key: fill(text, f"env.{key}") for key, text in given.items() if text is not None},
            passes=tuple(key for key, text in given.items() if text is None),
            stdin=None if program.stdin is None else fill(program.stdin, "stdin"),
            timeout_s=None if program.timeout is None else float(program.timeout),
            max_output=OUTPUT if program.max_output is None else int(program.max_output),
            ok=None if program.ok == "any" else tuple(program.ok),
            inputs=None
            if program.inputs is None
            else tuple(fill(text, f"inputs[{at}]") for at, text in enumerate(program.inputs)),
            cache=cached is not False and self.cache is not False,
            safe=program.safe,
            resources=program.resources,
            priority=self.priority,
        )


_SHARED = frozenset({"timeout", "cache"})
"""Fields of a program that every step has already."""
_RECORD = frozenset({"status", "ok", "output", "errors"})
_USUAL: Mapping[str, Any] = {field.name: field.default for field in msgspec.structs.fields(Command)}


def _argument(value: JSON, what: str) -> str:
    """One text, whatever is in it. Raises TemplateFailed for what no program can be given."""
    if value is None:
        raise TemplateFailed(f"{what} is null", hint="a step that was skipped, or failed?")
    text = as_text(value)
    if "\0" in text and what != "stdin":
        raise TemplateFailed(f"{what} holds a NUL character, which no argument can")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TemplateFailed(f"{what} holds half a character") from None
    return text


def _templates(program: Program) -> dict[str, list[Template]]:
    """By field."""
    env = program.env.values() if isinstance(program.env, dict) else ()
    found = {
        "argv": list(program.argv), "cwd": [program.cwd],
        "env": [text for text in env if text is not None],
        "stdin": [] if program.stdin is None else [program.stdin],
        "inputs": list(program.inputs or ()),
    }  # fmt: skip
    return {field: texts for field, texts in found.items() if any("{" in text for text in texts)}


def _problems(program: Program) -> list[tuple[str, str]]:
    """Field and what is wrong with it."""
    found: list[tuple[str, str]] = []
    word = program.argv[0]
    if not word.strip() or "{{" in word or "{%" in word:
        what = "the program itself must be fixed: no template, or an answer could choose it"
        found.append(("argv", what if word.strip() else "the program has no name"))
    if any("\0" in text for text in program.argv):
        found.append(("argv", "an argument holds NUL"))
    found += [("env", what) for what in _env_problems(program.env)]
    for pattern in program.inputs or ():
        if "{" not in pattern and (problem := problem_of(pattern)):
            found.append(("inputs", problem))
    if program.cache is True and program.inputs is None:
        found.append(("cache", "say by `inputs` which files it reads: [] where there is none"))
    if not _LEAST_OUTPUT <= (program.max_output or OUTPUT) <= _MOST_OUTPUT:
        found.append(("max_output", "from 1KiB to 64MiB"))
    if program.timeout is not None and program.timeout <= 0:
        found.append(("timeout", "a program needs some time"))
    if not program.ok:
        found.append(("ok", "list the statuses that are no failure, or say any"))
    return found


def _env_problems(env: Sequence[str] | Mapping[str, Template | None]) -> list[str]:
    found = []
    for name in env:
        if not _VARIABLE.fullmatch(name):
            found.append(f"'{name}' is no name of a variable")
        elif name in KEYS:
            found.append(f"{name} is a model's key, and no program is given one")
        elif name.startswith(_LOADER):
            found.append(f"{name} would put other code into the program")
    if isinstance(env, dict) and "{" in (env.get("PATH") or ""):
        found.append("PATH must be fixed, or an answer could choose the program")
    return found


def _parsed(done: CommandDone, program: Program, who: str) -> JSON:
    """Raises StepFailed for output that is not the JSON that was announced."""
    if program.parse == "lines":  # a form feed in a source is no end of a line
        lines = done.output.replace("\r\n", "\n").removesuffix("\n")
        return lines.split("\n") if done.output else []
    if program.parse == "text":
        return done.output.rstrip("\n")
    try:
        return decode_any(done.output)
    except InvalidReply as error:
        if program.ok == "any" and done.status != 0:
            return done.output.rstrip("\n")  # it says what went wrong, and that is no JSON
        cut = ", and its middle is left out: raise `max_output`" if done.cut else ""
        raise StepFailed(who, f"its output is {error}{cut}") from None


def _shown(done: CommandDone, *, whole: bool) -> str:
    """Its output as later prompts show it; of one that may fail, all of it."""
    output = done.output.rstrip("\n")
    if not whole:
        return output
    said = f"\n\nstderr:\n{done.errors.rstrip()}" if done.errors.strip() else ""
    told = f"{output}{said}".strip("\n")
    return f"exit status {done.status}:\n\n{told}" if told else f"exit status {done.status}"
