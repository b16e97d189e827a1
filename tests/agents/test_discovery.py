"""Front matter is read once, kept in an index, and never believed when it may have changed."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.agents import discovery as module
from konseho_cli.agents.discovery import Found, discover
from konseho_cli.agents.places import Place

SECOND = 10**9


@pytest.fixture(autouse=True)
def few_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index for a single file, too."""
    monkeypatch.setattr(module, "WORTH_KEEPING", 1)


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "agents"
    folder.mkdir()
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path.resolve() / "agents.index"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose front matter is read."""
    names: list[str] = []
    read = module.read_head

    def counted(path: str) -> bytes:
        names.append(os.path.basename(path))
        return read(path)

    monkeypatch.setattr(module, "read_head", counted)
    return names


def later() -> int:
    return time.time_ns() + 3600 * SECOND


def write(folder: Path, file: str, name: str, about: str = "It looks.") -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\nname: {name}\ndescription: {about}\n---\nrole\n", encoding="utf-8")
    return path


def found(agents: Path, index: Path | None = None, now: int | None = None) -> tuple[Found, ...]:
    place = Place(level="project", folder=agents)
    return discover([place], index, later if now is None else lambda: now).agents


def descriptions(agents: Path, index: Path | None, now: int | None = None) -> list[str]:
    return [each.description for each in found(agents, index, now)]


def test_what_is_known_and_did_not_change_is_not_read(
    agents: Path, index: Path, opened: list[str]
) -> None:
    write(agents, "a.md", "a"), write(agents, "b.md", "b")
    first = found(agents, index)
    write(agents, "c.md", "c")
    assert found(agents, index)[:2] == first
    assert opened == ["a.md", "b.md", "c.md"]


def test_a_file_whose_times_alone_changed_is_read_and_not_parsed(
    agents: Path, index: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(agents, "a.md", "a")
    before = found(agents, index)
    os.utime(file, ns=(1, 1))
    monkeypatch.setattr(module, "glance", lambda head, stem: pytest.fail("it was parsed"))
    assert found(agents, index) == before
    assert opened == ["a.md", "a.md"]
    found(agents, index)
    assert len(opened) == 2


def test_a_role_that_changed_is_none_of_its_business(
    agents: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(agents, "a.md", "a")
    before = found(agents, index)
    file.write_text(file.read_text() + "and more of the role\n")
    monkeypatch.setattr(module, "glance", lambda head, stem: pytest.fail("it was parsed"))
    assert found(agents, index) == before


def test_a_change_within_the_same_tick_and_of_the_same_size_is_noticed(
    agents: Path, index: Path
) -> None:
    """The racy entry: neither size nor times nor number tell, so the content has to."""
    file = write(agents, "a.md", "a", "It looks.")
    tick = os.stat(file)
    assert descriptions(agents, index, now=tick.st_mtime_ns) == ["It looks."]
    # In place, and the clock of the file system did not move: only the content is another.
    content = file.read_bytes().replace(b"looks", b"talks")
    same_state(file, content, tick)
    assert descriptions(agents, index, now=tick.st_mtime_ns) == ["It talks."]
    same_state(file, content.replace(b"talks", b"walks"), tick)
    assert descriptions(agents, index) == ["It walks."]


def same_state(file: Path, content: bytes, tick: os.stat_result) -> None:
    """Write what no state tells; the entry's own time, which nobody can set, is hidden below."""
    with file.open("r+b") as opened:
        opened.write(content)
    os.utime(file, ns=(tick.st_atime_ns, tick.st_mtime_ns))


@pytest.fixture(autouse=True)
def a_coarse_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows one time only, the content's."""
    from konseho_cli.agents import scan

    monkeypatch.setattr(
        scan, "state_of", lambda of: (of.st_mtime_ns, of.st_mtime_ns, of.st_size, of.st_ino)
    )


@settings(max_examples=60, deadline=None)
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from(["a.md", "b.md", "t/c.md"]),
            st.sampled_from(["looks", "talks", "walks", None]),
            st.integers(0, 5),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_the_index_never_says_what_is_no_longer_so(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, str | None, int, bool]]
) -> None:
    """Files are written, in place and of one size, or removed; the clock ticks every two seconds."""
    root = tmp_path_factory.mktemp("law").resolve()
    agents, index, now = root / "agents", root / "index", 10_000 * SECOND
    agents.mkdir()
    try:
        for name, about, seconds, look in changes:
            now += seconds * SECOND
            file = agents / name
            if about is None:
                file.unlink(missing_ok=True)
            else:
                write(agents, name, name[0], f"It {about}.")
                tick = now - now % (2 * SECOND)
                os.utime(file, ns=(tick, tick))
            if look:
                assert found(agents, index, now) == found(agents, None, now)
        assert found(agents, index, now) == found(agents, None, now)
    finally:
        shutil.rmtree(root)


def test_of_one_name_in_one_folder_the_first_counts_and_the_other_says_so(agents: Path) -> None:
    write(agents, "team/a.md", "critic"), write(agents, "z.md", "Critic")
    first, second = found(agents)
    assert (first.name, first.problem) == ("Critic", "")
    assert (second.name, second.problem) == ("critic", "../z.md has that name, and counts")


def test_a_broken_file_is_listed_and_stops_nobody(agents: Path) -> None:
    write(agents, "a.md", "a"), write(agents, "z.md", "z")
    (agents / "b.md").write_text("---\nname: [\n---\n")
    (agents / "c.md").write_bytes(b"\x89PNG\0\0")
    (agents / "README.md").write_text("# About these")
    listed = {each.name: each.problem for each in found(agents)}
    assert list(listed) == ["a", "b", "c", "z"]
    assert [name for name, problem in listed.items() if not problem] == ["a", "z"]


def test_a_file_that_cannot_be_read_says_so_until_it_can(
    agents: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(agents, "a.md", "a")
    really = os.open

    def shut(path, *flags, **more):  # root reads everything
        if Path(path).name == "a.md":
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(path, *flags, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", shut)
        assert found(agents, index)[0].problem == "it cannot be read: Permission denied"
    file.touch()
    assert found(agents, index)[0].problem == ""
