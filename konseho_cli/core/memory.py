"""How much of the memory that this process may use is in use."""

from __future__ import annotations

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")


def memory_in_use(cgroup: Path = _CGROUP, meminfo: Path = _MEMINFO) -> float:
    """The share from 0 to 1, of the container's limit or of the machine; 0 where nobody says.

    Pages of files that can be dropped at any time do not count as used.
    """
    return max(_of_container(cgroup), _of_machine(meminfo))


def _of_container(cgroup: Path) -> float:
    try:
        limit = int((cgroup / "memory.max").read_text())  # "max": no limit, and no number
        used = int((cgroup / "memory.current").read_text())
        cached = _numbers(cgroup / "memory.stat").get("inactive_file", 0)
    except (OSError, ValueError):
        return 0.0
    return _share(used - cached, limit)


def _of_machine(meminfo: Path) -> float:
    try:
        found = _numbers(meminfo)
    except (OSError, ValueError):
        return 0.0
    total = found.get("MemTotal:", 0)
    return _share(total - found.get("MemAvailable:", total), total)


def _numbers(file: Path) -> dict[str, int]:
    """The first number of each line by its first word."""
    lines = (line.split() for line in file.read_text().splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1}


def _share(used: int, limit: int) -> float:
    return min(max(used / limit, 0.0), 1.0) if limit > 0 else 0.0


def give_back() -> None:
    """Hand free memory back to the system, where its allocator keeps it otherwise.

    What one thread allocates and another lets go of stays with the first one for long.
    """
    import ctypes  # only who holds much comes here

    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return  # another C library, which has ways of its own
