"""The shipped town hall, as `konseho run` runs it: a process, a store, and a model that answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.processes import Taken, until_it_ends
from konseho_cli.core.files import shipped
from konseho_cli.spec.load import load_council, to_document

_PEOPLE = 1_000
_KONSEHO = "from konseho_cli.cli.main import main; main()"
_QUESTION = "Should the market square be car-free?"

# As many calls as people make in a town hall, of the simulator alone, a hundred at a time.
_BARE = """
import asyncio, sys
from konseho_cli.core.clock import RealClock
from konseho_cli.models.base import Call, Identity, Message, Request
from konseho_cli.models.sim import SimModel
from konseho_cli.telemetry.spans import Recorder
async def main(calls):
    model, turns, scope = SimModel("instant"), asyncio.Semaphore(100), Recorder(RealClock()).root()
    async def one(number):
        async with turns:
            said = Message("user", f"{number}: Should the market square be car-free? " * 4)
            who = Identity(step="hear", agent=str(number))
            await model.generate(
                Request(model="instant", messages=(said,)), Call(identity=who, scope=scope.branch())
            )
    await asyncio.gather(*map(one, range(calls)))
asyncio.run(main(int(sys.argv[1])))
"""


@contextmanager
def _towns(scale: float) -> Iterator[tuple[Callable[[], Taken], Callable[[], Taken]]]:
    """Runs the town, and its bare peer."""
    people = max(20, round(_PEOPLE * scale))
    with TemporaryDirectory() as folder:
        council = "town-hall" if people == _PEOPLE else str(_smaller(people, Path(folder)))
        run = ("-c", _KONSEHO, "run", council, _QUESTION, "--quiet")
        store = str(Path(folder) / "konseho.db")
        yield (
            partial(until_it_ends, run, KONSEHO_STORE=store),
            partial(until_it_ends, ("-c", _BARE, str(4 * people))),
        )


def _smaller(people: int, folder: Path) -> Path:
    """The town with fewer people, of whom nobody must be there."""
    spec = load_council(shipped("councils") / "town-hall.yaml").spec
    fields = {name: getattr(spec, name) for name in spec.__struct_fields__}
    document: dict[str, Any] = to_document(**fields)
    villager = document["agents"]["villager"]
    villager["each"] = villager["each"][:people]
    for step in document["steps"]:
        step.pop("quorum", None)
    file = folder / "town.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return file


@contextmanager
def _time(scale: float) -> Iterator[Pair]:
    with _towns(scale) as (town, bare):
        # What the model itself takes is none of ours: it is measured right after.
        yield Pair(ours=lambda: town().seconds - bare().seconds, peer=lambda: bare().seconds)


@contextmanager
def _memory(scale: float) -> Iterator[Pair]:
    with _towns(scale) as (town, bare):
        yield Pair(ours=lambda: town().peak, peer=lambda: bare().peak)


ROWS = (
    Row(
        name="town_hall",
        title="a town hall of 1,000 agents, process and store, over the model's own time",
        peer="as many calls of the simulator alone",
        prepare=_time,
        costly=True,
    ),
    Row(
        name="town_hall_memory",
        title="the most that this process has in memory",
        peer="as many calls of the simulator alone",
        prepare=_memory,
        costly=True,
    ),
)
