"""What goes to a child comes out there as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from konseho_cli.core.errors import StoreFailed, UsageError
from konseho_cli.core.units import Duration, Size
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.storing import Storing
from konseho_cli.profiling.recorders.job import Ended, Job
from konseho_cli.spec.document import Targets
from konseho_cli.spec.settings import Settings, StoreSettings


def job(folder: Path) -> Job:
    return Job(
        council=Path("/councils/a.yaml"), task="half a pair: \ud800", name="cpu", folder=folder,
        inputs={"n": 2**70, "deep": {"a": [1, None]}}, wishes=Wishes(models={"fast": "sim"}),
        storing=Storing(enabled=True, file=Path("/tmp/k.db"), keep_s=3.5),
        settings=Settings(memory_limit=Size("4MiB"), store=StoreSettings(keep=Duration("30d"))),
        targets=Targets(time=Duration("2m")), replay=folder / "run.cassette", lines=("a:b",),
    )  # fmt: skip


def test_a_job_comes_out_as_it_went_in(tmp_path: Path) -> None:
    file = job(tmp_path).save()
    assert Job.load(file) == job(tmp_path)
    assert type(Job.load(file).settings.memory_limit) is Size
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_child_that_has_not_ended_has_no_end(tmp_path: Path) -> None:
    one = job(tmp_path)
    assert Ended.load(one) is None
    ended = Ended(exit_status=3, error="no key", cpu_s=(0.5,))
    ended.save(one)
    assert Ended.load(one) == ended


def test_what_is_no_job_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.job").write_bytes(b"{}")
    with pytest.raises(UsageError, match="cannot be read"):
        Job.load(tmp_path / "x.job")
    with pytest.raises(StoreFailed, match="cannot be written"):
        job(tmp_path / "nowhere").save()
