"""A child process that measures one thing as often as it is asked to, with whatever Konseho it has.

It may run under an older build than the one that started it, so it imports late, and only names
that have been there from the start. It reads a job, a JSON line, says what it is about, and then
answers each further line with one sample.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from asyncio import Runner
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

Answer = dict[str, Any]
MEASURED = ("time", "step_overhead", "cost", "tokens", "calls")
"""The targets of a council that a bench holds it to."""


def main() -> int:
    """Serve until stdin ends."""
    replies, sys.stdout = sys.stdout, sys.stderr  # what is printed meanwhile is no reply

    def reply(answer: Answer) -> None:
        replies.write(f"{json.dumps(answer)}\n")
        replies.flush()

    try:
        job = json.loads(sys.stdin.readline())
        with _Row(job) if "row" in job else _Council(job) as measured:
            reply(measured.about())
            gc.collect()
            gc.freeze()  # what is there now stays, and is not looked at again each time
            for _ in sys.stdin:
                gc.collect()  # so that nobody pays for the garbage of who came before
                reply(measured.sample())
    except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked is to be told
        hint, status = getattr(error, "hint", None), getattr(error, "exit_code", 3)
        reply({"error": str(error) or type(error).__name__, "hint": hint, "status": status})
        return 1
    return 0


def _home() -> str:
    import konseho_cli

    return str(Path(next(iter(konseho_cli.__path__))).resolve().parent)


class _Row:
    """Our own side of one row of the table."""

    def __init__(self, job: Answer) -> None:
        from konseho_cli.bench.rows.table import ROWS

        self._known = {row.name for row in ROWS}
        self._row = next((row for row in ROWS if row.name == job["row"]), None)
        self._scale = float(job["scale"])
        self._prepared: AbstractContextManager[Any] | None = None
        self._ours: Callable[[], float] | None = None

    def __enter__(self) -> _Row:
        if self._row is not None:
            self._prepared = self._row.prepare(self._scale)
            self._ours = self._prepared.__enter__().ours
            self._ours()  # to warm up
        return self

    def __exit__(self, *error: object) -> None:
        if self._prepared is not None:
            self._prepared.__exit__(None, None, None)

    def about(self) -> Answer:
        return {"home": _home(), "there": self._ours is not None}

    def sample(self) -> Answer:
        assert self._ours is not None, "a row that is not there has no samples"
        return {"took": self._ours()}


class _Guard:
    """Nothing connects to anywhere meanwhile: in virtual time a call is replayed, or simulated."""

    def __init__(self) -> None:
        self._up = False
        self._refused = ""
        sys.addaudithook(self._hear)  # for good: so there is one a process

    def __enter__(self) -> None:
        self._up, self._refused = True, ""

    def __exit__(self, *error: object) -> None:
        self._up = False
        if self._refused:
            raise ValueError(f"a model was to be asked in virtual time: {self._refused} is refused")

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._up and event in ("socket.connect", "socket.getaddrinfo"):
            self._refused = event
            raise PermissionError(f"{event} in virtual time")


class _Council:
    """Runs of one council, in virtual time but for the one that is recorded."""

    def __init__(self, job: Answer) -> None:
        from konseho_cli.models.registry import sparing
        from konseho_cli.spec.load import load_council

        self._job = job
        self._env = sparing(os.environ)
        self._loaded = load_council(Path(job["file"]))
        self._paid = False
        self._kept: str | None = None
        self._guard = _Guard()

    def __enter__(self) -> _Council:
        if self._job["replay"] is None:
            casting = self._session().casting
            free = getattr(casting, "is_free", None)
            if free is None:  # an older build, in which only the simulator costs nothing
                free = all(name.partition(":")[0] == "sim" for name in casting.all_models)
            self._paid = not free
        if self._paid and not self._job["record"]:
            raise ValueError("models would be asked: a comparison replays them, or simulates")
        if self._job["record"]:
            self._ask_once()
        self.sample()  # to warm up
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def about(self) -> Answer:
        session = self._session()
        return {
            "home": _home(),
            "council": self._loaded.spec.name,
            "steps": len(self._loaded.steps),
            "models": list(session.models),
            "paid": self._paid,
            "kept": self._kept,
            "targets": _limits(getattr(session, "targets", self._loaded.spec.targets)),
        }

    def sample(self) -> Answer:
        from konseho_cli.core.virtual import VirtualLoop

        session = self._session()
        taped = getattr(session, "taped", None)
        factory = (None if taped is None else taped.loop_factory) or VirtualLoop
        start, cpu = perf_counter(), process_time()
        with self._guard, Runner(loop_factory=factory) as runner:
            outcome = runner.run(session.run())
        return {"wall": perf_counter() - start, "cpu": process_time() - cpu} | _told(outcome)

    def _ask_once(self) -> None:
        """The one run that may cost something, and is kept then; the others replay it."""
        from konseho_cli.core.errors import KonsehoError
        from konseho_cli.core.virtual import VirtualLoop

        record = self._job["record"]
        session = self._session(record=record)
        with Runner(loop_factory=None if self._paid else VirtualLoop) as runner:
            outcome = runner.run(session.run())
        if self._paid and session.options.storing.enabled:
            self._kept = outcome.run
        if outcome.error is not None:
            resumes = f"konseho resume {self._kept} goes on with it" if self._kept else None
            error = KonsehoError(outcome.error, hint=outcome.hint or resumes)
            error.exit_code = outcome.exit_code
            raise error
        self._job["replay"] = record

    def _session(self, record: str | None = None) -> Any:
        from konseho_cli.engine.casting import Wishes
        from konseho_cli.session import RunOptions, Session  # type: ignore[attr-defined]

        job, known = self._job, set(RunOptions.__struct_fields__)
        wishes = Wishes(model=job["model"], models=job["models"], simulate=job["simulate"])
        said: Answer = {"task": job["task"], "inputs": job["inputs"], "wishes": wishes}
        said |= {"seed": job["seed"], "max_concurrency": job["max_concurrency"]}
        if "caching" in known:
            from konseho_cli.models.cache import CacheWishes

            said["caching"] = CacheWishes(cache=False)
        replay = None if record else job["replay"]
        if record or replay:
            from konseho_cli.engine.taping import Taping

            said["taping"] = Taping(record=record) if record else Taping(replay=replay, speed=0.0)
        if job["preset"] is not None:
            from konseho_cli.spec.preset import preset_under
            from konseho_cli.spec.settings import Settings

            preset = preset_under(Settings(), job["preset"], self._loaded.file)
            said |= {"settings": preset.settings, "targets": preset.targets}
        if record and self._paid:
            from konseho_cli.engine.storing import storing_for
            from konseho_cli.spec.settings import Settings

            file = None if job["store"] is None else Path(job["store"])
            settings = said.get("settings") or Settings()
            said["storing"] = storing_for(settings, wanted=None, file=file)
        return Session(self._loaded, RunOptions(**said), env=self._env)


def _limits(targets: Any) -> Answer:
    found = {name: getattr(targets, name, None) for name in MEASURED}
    return {name: float(limit) for name, limit in found.items() if limit is not None}


def _told(outcome: Any) -> Answer:
    cost = outcome.cost
    return {
        "makespan": outcome.end - outcome.start,
        "tokens": outcome.usage.total,
        "calls": len(outcome.calls),
        "cost": None if cost is None else str(cost),
        "ended": outcome.status,
        "gate": outcome.gate,
        "error": outcome.error,
        "hint": outcome.hint,
        "status": outcome.exit_code,
    }


if __name__ == "__main__":
    sys.exit(main())
