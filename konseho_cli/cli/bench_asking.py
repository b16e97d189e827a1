"""A council whose models cost something: what can be known before they are asked, and the one run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from konseho_cli.bench.probing import Build, CouncilJob, Probe
from konseho_cli.core.errors import KonsehoError, UsageError

_INSTEAD = "--simulate compares both with simulated answers, and costs nothing"


def asked_once(job: CouncilJob, say: Callable[[str], object]) -> CouncilJob:
    """The same job as a replay of one run, which is made now; a job that asks nobody stays as it is.

    That run is kept: whatever happens later, it need not be paid again. Raises KonsehoError.
    """
    if job.record is None:
        return job
    with Probe(job, Build()) as probe:
        kept = probe.about["kept"]
    if kept is not None:
        say(f"asked once, and kept as run {kept}: --replay {kept} measures it again at no cost")
    return structs.replace(job, replay=job.record, record=None)


def check_replays(job: CouncilJob, then: CouncilJob, build: Build, folder: Path) -> None:
    """Refuse what could not be compared, before anybody is paid: an older side that asks otherwise.

    What is not recorded yet is rehearsed with simulated answers. Raises UsageError.
    """
    tape = job.replay
    if tape is None:
        tape = str(folder / "rehearsed.jsonl")
        job, then = (structs.replace(each, simulate=True) for each in (job, then))
        try:
            with Probe(structs.replace(job, record=tape), Build()):
                pass
        except UsageError:
            raise
        except KonsehoError:
            return  # simulated answers do not bring it to its end: nothing is known
    try:
        with Probe(structs.replace(then, replay=tape, record=None), build) as probe:
            probe.run()
    except UsageError as error:
        what = f"the answers of one side do not fit the other: {error}"
        raise UsageError(what, hint=_INSTEAD) from error
