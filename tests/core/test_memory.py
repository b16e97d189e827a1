from __future__ import annotations

from pathlib import Path

import pytest

from konseho_cli.core.memory import give_back, memory_in_use


def machine(folder: Path, total: int, available: int) -> Path:
    file = folder / "meminfo"
    file.write_text(f"MemTotal: {total} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n")
    return file


def container(folder: Path, limit: str, used: str, cached: int) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\n")
    return folder


def test_a_machine_says_what_is_available(tmp_path: Path) -> None:
    assert memory_in_use(tmp_path / "none", machine(tmp_path, 1000, 250)) == 0.75


def test_a_container_that_is_fuller_than_its_machine_counts(tmp_path: Path) -> None:
    cgroup = container(tmp_path, "1000", "950", 50)
    assert memory_in_use(cgroup, machine(tmp_path, 1000, 900)) == 0.9


@pytest.mark.parametrize(("limit", "used"), [("max", "950"), ("0", "950"), ("1000", "?")])
def test_a_container_without_a_limit_is_as_full_as_its_machine(
    tmp_path: Path, limit: str, used: str
) -> None:
    cgroup = container(tmp_path, limit, used, 0)
    assert memory_in_use(cgroup, machine(tmp_path, 1000, 900)) == 0.1


def test_where_nobody_says_nothing_is_in_use(tmp_path: Path) -> None:
    assert memory_in_use(tmp_path / "none", tmp_path / "none") == 0.0


def test_this_machine_gives_a_share() -> None:
    assert 0.0 <= memory_in_use() <= 1.0


def test_giving_memory_back_is_never_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    give_back()
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    give_back()
