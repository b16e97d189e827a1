"""`konseho whatif`, as a person or a script uses it."""

from __future__ import annotations

import json

import pytest

from konseho_cli.cli.stored import with_store
from konseho_cli.cli.sweeping import MOST_POINTS, read_sweep
from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.recording import Machine, Recording


@pytest.fixture
def run(konseho, council) -> str:
    """A run whose calls take some milliseconds each."""
    file = council(model='model: "sim:ttft=20ms,tps=10000"')
    ran = konseho("run", file, "--max-concurrency", 1, "-q", "--json")
    assert ran.status == 0
    return json.loads(ran.out)["run"]


def told(konseho, *arguments):
    ran = konseho("whatif", *arguments, "--json")
    assert (ran.status, ran.err) == (0, "")
    return json.loads(ran.out)


def test_a_change_is_compared_with_the_run_as_it_was(konseho, run):
    document = told(konseho, "last", "--agent", "ann=0.5x", "--concurrency", 8)
    assert (document["konseho"], document["run"]) == (1, run)
    assert document["recorded_s"] >= document["unchanged"]["after_s"] > 0
    (found,) = document["predictions"]
    assert found["change"] == "ann takes half the time, max_concurrency 8"
    assert found["options"] == ["--agent ann=0.5x", "--concurrency 8"]
    assert found["before_s"] == document["unchanged"]["after_s"] > found["after_s"]
    assert found["saved_s"] == pytest.approx(found["before_s"] - found["after_s"])
    assert (found["calls"], found["guessed"], found["limit_reached"]) == (3, 0, None)


def test_the_table_says_what_is_left_out(konseho, run):
    ran = konseho("whatif", run[:8], "-a", "ann=2x")
    lines = ran.out.splitlines()
    assert "run " + run in lines[0]
    assert "virtual time leaves CPU and loop lag out" in lines[1]
    assert lines[3].split() == ["makespan", "change", "cost", "guessed"]
    assert lines[4].startswith("as it was")
    assert any(line.startswith("ann takes twice the time") and "+" in line for line in lines)
    assert lines[-1].startswith("Answers are held fixed")


def test_each_change_by_itself_and_then_all_of_them(konseho, run):
    changes = ["--agent", "ann=0.5x", "--agent", "bob=3s", "--cache-hit", 0.5, "--overhead", "1ms"]
    found = told(konseho, "last", *changes, "--step", "both.wait=all", "--each")["predictions"]
    assert [len(each["options"]) for each in found] == [1, 1, 1, 1, 1, 5]


def test_a_share_may_be_in_percent(konseho, run):
    (found,) = told(konseho, "last", "--cache-hit", "50%")["predictions"]
    assert found["options"] == ["--cache-hit 0.5"]


def test_without_a_change_the_best_ones_are_tried(konseho, run):
    found = told(konseho, "last")["predictions"]
    assert 1 <= len(found) <= 3
    assert [each["saved_s"] for each in found] == sorted(
        (each["saved_s"] for each in found), reverse=True
    )
    assert "max_concurrency 2" in [each["change"] for each in found]


def test_a_sweep_names_its_knee(konseho, run):
    ran = konseho("whatif", "last", "--sweep", "concurrency=1..4")
    assert ran.status == 0
    marked = [line for line in ran.out.splitlines() if line.endswith("knee")]
    assert [line.split()[0] for line in marked] == ["2"]
    assert "Knee within this sweep: concurrency 2" in ran.out
    swept = told(konseho, "last", "--sweep", "agent.ann=0.5,1", "--concurrency", 2)["sweep"]
    assert [point["value"] for point in swept["points"]] == ["0.5x", "1x"]
    assert swept["points"][0]["change"] == "ann takes half the time, max_concurrency 2"


def test_a_recording_is_a_run_too(konseho, run, tmp_path):
    async def read(reader):
        return await reader.load(run), (await reader.trace(run))[0]

    stored, spans = with_store(None, read)
    recording = Recording(
        version="0", made=0.0, machine=Machine(python="3", platform="any", cpus=1),
        profiler="spans", replayed=None, cpu_s=0.0, run=stored, spans=tuple(spans),
    )  # fmt: skip
    file = tmp_path / "one.recording"
    recording.save(file)
    assert told(konseho, file, "-a", "ann=0.5x") == told(konseho, run, "-a", "ann=0.5x")
    assert told(konseho, tmp_path, "-a", "ann=0.5x") == told(konseho, run, "-a", "ann=0.5x")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody",), "no run 'nobody' is kept"),
        (("no/such.recording",), "is not a recording"),
        (("last", "-a", "ann"), "NAME=VALUE was expected"),
        (("last", "-a", "ann=0.5"), "0.5 of what?"),
        (("last", "-a", "ann=-1x"), "no factor"),
        (("last", "-a", "ann=soon"), "a factor or a duration"),
        (("last", "-a", "anne=2x"), "did you mean 'ann'?"),
        (("last", "--rpm", "sim=few"), "such as"),
        (("last", "--rpm", "sim=0"), "at least 1"),
        (("last", "--step", "both"), "ID.FIELD=VALUE was expected"),
        (("last", "--step", "both.quorum=7"), "above the number of agents"),
        (("last", "--overhead", "long"), "a duration"),
        (("last", "--sweep", "speed=1..2"), "no sweep over 'speed'"),
        (("last", "--sweep", "concurrency=1..2", "--each"), "exclude each other"),
        (("last", "--sweep", "agent=1..2"), "agent.NAME=… was expected"),
        (("last", "--sweep", "concurrency.x=1..2"), "concurrency=… was expected"),
        (("last", "--sweep", "concurrency=4..2"), "from a lesser to a greater"),
        (("last", "--sweep", "concurrency=a..b"), "expected numbers"),
        (("last", "--sweep", "cache-hit=2,3"), "no share"),
        (("last", "--each"), "--each goes with changes"),
        (("last", "-a", "bob=2x", "-a", "bob=3x"), "bob is said twice"),
        (("last", "--step", "both.quorum=1", "--step", "both.quorum=2"), "is said twice"),
        (("last", "--cache-hit", "nan"), "nan is no share"),
        (("last", "--sweep", "rpm.sim=1s..8s"), "expected numbers"),
        (("small.yaml",), "small.yaml is no run and no recording"),
        (("last", "--sweep", "concurrency=2", "-c", "3"), "--concurrency and --sweep concurrency"),
        (("last", "--sweep", "agent.ann=1,2", "-a", "ann=2x"), "--agent ann and --sweep"),
        (("last", "--sweep", "step.both.quorum=1,2", "--step", "both.quorum=1"), "exclude each"),
        (("last", "--sweep", "cache-hit=0,0.5", "--cache-hit", "0.5"), "exclude each other"),
    ],
)
def test_what_cannot_be_is_a_usage_error(konseho, run, arguments, said):
    ran = konseho("whatif", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_a_cassette_is_played_with_the_council_that_it_is_of(konseho, council, tmp_path):
    tape, file = tmp_path / "tape.jsonl", council(model='model: "sim:ttft=20ms,tps=10000"')
    konseho("run", file, "Say it.", "--record", tape, "-q")
    stored = told(konseho, "last", "-a", "ann=0.5x")
    played = told(konseho, tape, "--council", file, "--task", "Say it.", "-a", "ann=0.5x")
    for one, other in zip(stored["predictions"], played["predictions"], strict=True):
        assert one["after_s"] == pytest.approx(other["after_s"], rel=0.2)
        assert one["critical_path"] == other["critical_path"]
    assert played["run"] == json.loads(tape.read_text().splitlines()[0])["run"]
    unknown = konseho("whatif", tape)
    assert (unknown.status, unknown.out) == (2, "")
    assert "none ships as 'small'" in unknown.err
    other = konseho("whatif", tape, "--council", file, "--task", "Say more.")
    assert (other.status, other.out) == (2, "")
    assert "differs from the recorded one" in other.err
    assert konseho("whatif", "last", "--council", file).status == 2


def test_a_range_has_as_many_values_as_can_be_looked_at():
    assert [value for value, _ in read_sweep("concurrency=1..32")[1]] == list(
        map(str, range(1, 33))
    )
    values = [int(value) for value, _ in read_sweep("rpm.fast=1..5000")[1]]
    assert len(values) <= MOST_POINTS
    assert (values[0], values[-1]) == (1, 5000)
    assert values == sorted(set(values))
    shares = read_sweep("cache-hit=0..0.7")[1]
    assert [value for value, _ in shares] == ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]
    times = read_sweep("agent.ann=1s..8s")[1]
    assert [value for value, _ in times] == ["1s", "2s", "3s", "4s", "5s", "6s", "7s", "8s"]
    assert times[2][1].agents["ann"].fixed_s == 3
    assert [value for value, _ in read_sweep("overhead=0ms..70ms")[1]][-1] == "70ms"
    with pytest.raises(UsageError, match="at most"):
        read_sweep(f"concurrency={','.join(map(str, range(1, 50)))}")
