from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from konseho_cli.core.warden import Warden

KILLED = """
import os, subprocess, sys
from konseho_cli.core.warden import Warden
warden = Warden()
child = subprocess.Popen(["sleep", "60"], start_new_session=True, stdout=subprocess.PIPE)
warden.began(child.pid)
print(child.pid, flush=True)
os.kill(os.getpid(), 9)
"""

KILLED_EARLY = """
import os, subprocess, sys
from konseho_cli.core.program import Program
from konseho_cli.core.warden import Warden
warden = Warden()
def watch(group):
    print(group, flush=True)
    os.kill(os.getpid(), 9)
Program(["sleep", "60"], cwd="/", env=os.environ, starts=warden.starts, watch=watch).run()
"""


@pytest.mark.parametrize("killed", [KILLED, KILLED_EARLY])
def test_what_a_killed_process_had_started_is_ended(killed: str) -> None:
    """In the moment, too, in which it runs already and nobody knows its number."""
    root = str(Path(__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", killed], cwd=root, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": root}, check=False,
    )  # fmt: skip
    assert run.returncode == -signal.SIGKILL
    pid = int(run.stdout)
    fd = None
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    import select

    try:
        assert select.select([fd], [], [], 30)[0]
    finally:
        os.close(fd)


def test_what_has_ended_is_left_alone() -> None:
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        warden = Warden()
        warden.began(child.pid)
        warden.ended(child.pid)
        warden.close()
        assert child.poll() is None
        warden.began(child.pid)  # after the end nothing is started
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
