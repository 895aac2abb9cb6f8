"""What this process has of the machine: cores and memory."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""The container this process runs in, versions 2 and 1: folder, limit, use, and the part of it that is mere cache."""


def available_cores() -> int:
    """CPU cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory() -> int:
    """Bytes that this process can still take: of the machine, of its container and of its own limit, the least."""
    limits = [psutil.virtual_memory().available, *(left_of_group(*group) for group in CGROUPS), *_left_of_process()]
    return max(0, min(left for left in limits if left is not None))


def left_of_group(folder: Path, limit: str, used: str, cache: str) -> int | None:
    """Bytes left to a group of processes; None where there is no such group, or no limit."""
    try:
        statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return int((folder / limit).read_text()) - int((folder / used).read_text()) + int(statistics.get(cache, 0))
    except (OSError, ValueError):  # "max" is no number
        return None


def _left_of_process() -> Iterator[int]:
    """What `ulimit -v` and `ulimit -d` leave, where they are set."""
    if sys.platform == "win32":
        return
    import resource

    used = psutil.Process().memory_info()
    for kind, name in ((resource.RLIMIT_AS, "vms"), (resource.RLIMIT_DATA, "data")):
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY and hasattr(used, name):
            yield limit - getattr(used, name)
