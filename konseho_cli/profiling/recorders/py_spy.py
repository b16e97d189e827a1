"""py-spy: how it is called, what it refuses and why, and what it wrote as records."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import structs

from konseho_cli.core.errors import KonsehoError, NotMeasured, UsageError
from konseho_cli.core.process import end_group
from konseho_cli.profiling.recorders.cpu_groups import shown
from konseho_cli.profiling.sampled import Frame, Samples, Stack

_IDLING = "import time; time.sleep(60)"
_BEGINS = "py-spy> Sampling process"
_REFUSED = ("permission denied", "operation not permitted", "eperm", "requires root", "ptrace")
_LINUX = (
    "in a container: docker run --cap-add SYS_PTRACE; else as root, or "
    "sysctl kernel.yama.ptrace_scope=0. --cpu needs no permission"
)
_ELSEWHERE = "run it as root (sudo); --cpu needs no permission"


_AROUND = ("Child._run", ("recorders", "child.py"))
"""What every run is called by."""


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How py-spy looks."""

    rate: int = 100
    """Samples a second."""
    gil: bool = False
    """Whether only threads that hold the interpreter's lock are sampled."""
    idle: bool = False
    """Whether threads that wait are sampled, too."""
    subprocesses: bool = False


class _Name(msgspec.Struct):
    name: str
    file: str = ""
    line: int = 0


class _Shared(msgspec.Struct):
    frames: list[_Name]


class _Profile(msgspec.Struct):
    name: str
    samples: list[list[int]]


class _File(msgspec.Struct):
    """A speedscope file, as far as it is read."""

    profiles: list[_Profile]
    shared: _Shared


def record_command(how: Sampling, file: Path, *more: str) -> list[str]:
    """`py-spy record` that writes a speedscope file; a program or a process is named behind it."""
    flags = [
        flag
        for flag, wanted in (
            ("--gil", how.gil), ("--idle", how.idle), ("--subprocesses", how.subprocesses),
        )
        if wanted
    ]  # fmt: skip
    return [
        program(), "record", "--format", "speedscope", "--function", "--output", str(file),
        "--rate", str(how.rate), *flags, *more,
    ]  # fmt: skip


def program() -> str:
    """Where py-spy is. Raises NotMeasured."""
    beside = shutil.which("py-spy", path=sysconfig.get_path("scripts"))
    found = beside or shutil.which("py-spy")
    if found is None:
        raise NotMeasured("py-spy is not installed", hint="pip install py-spy")
    return found


def check_allowed(folder: Path) -> None:
    """Sample something that costs nothing first: a run that is paid for must not end in a refusal.

    Raises NotMeasured with the reason and the way out.
    """
    file = folder / "allowed.json"
    probe = subprocess.Popen(  # noqa: S603 - our own words
        [*record_command(Sampling(), file), "--", sys.executable, "-S", "-c", _IDLING],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert probe.stdout is not None
    said = ""
    try:
        for line in probe.stdout:
            if line.startswith(_BEGINS):
                return
            said += line
    finally:
        end_group(probe)
        probe.stdout.close()
        file.unlink(missing_ok=True)
    raise refused(said)


def refused(said: str) -> NotMeasured:
    """What py-spy said, in a line, and what to do about it."""
    told = said.partition("Stack backtrace:")[0]
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    causes = [line.partition(": ")[2] for line in lines if line[:2] in ("0:", "1:")]
    reason = ": ".join(dict.fromkeys([*errors[:1], *causes[-1:]])) or "it wrote nothing"
    is_refused = any(word in told.lower() for word in _REFUSED)
    hint = (_LINUX if sys.platform == "linux" else _ELSEWHERE) if is_refused else None
    what = "py-spy may not look at other processes here" if is_refused else "py-spy failed"
    return NotMeasured(f"{what}: {reason}", hint=hint)


def sample_process(pid: int, duration_s: float, how: Sampling, file: Path) -> Samples:
    """Look at a process that runs. Raises UsageError where there is none, NotMeasured."""
    if not _is_there(pid):
        raise UsageError(f"there is no process {pid}")
    command = record_command(how, file, "--pid", str(pid), "--duration", str(round(duration_s)))
    done = subprocess.run(  # noqa: S603 - our own words
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if not file.exists():
        raise refused(done.stderr)
    file.chmod(0o600)
    return read_samples(file, how)


def _is_there(pid: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return pid > 0


def read_samples(file: Path, how: Sampling) -> Samples:
    """What a speedscope file of py-spy holds. Raises KonsehoError for another one."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError) as error:
        raise KonsehoError(f"{file} is not what py-spy writes: {error}") from error
    return Samples(
        rate=how.rate, idle=how.idle, gil=how.gil, file=file.name,
        frames=tuple(
            Frame(name=frame.name, file=shown(frame.file), line=frame.line) for frame in found.shared.frames
        ),
        stacks=tuple(stack for profile in found.profiles for stack in _stacks(profile)),
    )  # fmt: skip


def of_run(samples: Samples) -> Samples:
    """Without start-up, and without the frames that are around every run. Pure.

    Stacks of other threads and processes stay whole; the file beside them holds everything.
    """
    around = {
        number
        for number, frame in enumerate(samples.frames)
        if (frame.name, Path(frame.file).parts[-2:]) == _AROUND
    }
    found: Counter[tuple[tuple[int, ...], str]] = Counter()
    main = {stack.thread for stack in samples.stacks if around & {*stack.frames}}
    for stack in samples.stacks:
        depth = next((at for at, frame in enumerate(stack.frames) if frame in around), None)
        if depth is not None:
            found[stack.frames[depth + 1 :], stack.thread] += stack.samples
        elif main and stack.thread not in main:
            found[stack.frames, stack.thread] += stack.samples
    stacks = tuple(
        Stack(frames=frames, samples=count, thread=thread)
        for (frames, thread), count in sorted(found.items())
        if frames
    )
    return structs.replace(samples, stacks=stacks)


def _stacks(profile: _Profile) -> Sequence[Stack]:
    seen = Counter(tuple(sample) for sample in profile.samples if sample)
    return [
        Stack(frames=frames, samples=count, thread=_thread(profile.name))
        for frames, count in sorted(seen.items())
    ]


def _thread(name: str) -> str:
    """`Thread 123 "MainThread"` by its own name, where it has one."""
    own = name.partition('"')[2].rpartition('"')[0]
    return own or name.replace('""', "").strip()
