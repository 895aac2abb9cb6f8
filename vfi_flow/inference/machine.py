"""What this process has of the machine: cores and memory."""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

MEMBERSHIP, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
"""Which control groups of Linux this process is in, and where these are: containers and batch systems limit them."""

MEMORY = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Of a group, versions 2 and 1: limit, use, and the part of it that is mere cache."""


def available_cores() -> int:
    """CPU cores that this process may run on, or has the time of."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = (cores_of_group(group) for group in groups("cpu"))
    return min([allowed, *(share for share in shares if share is not None)])


def fewer_cores() -> int | None:
    """`available_cores` where the machine has more, of which libraries would use all; else None."""
    cores = available_cores()
    return cores if cores < (os.cpu_count() or 1) else None


def free_memory() -> int:
    """Bytes that this process can still take: of the machine, of its groups and of its own limit, the least."""
    of_groups = (left_of_group(group) for group in groups("memory"))
    limits = [psutil.virtual_memory().available, *of_groups, *_left_of_process()]
    return max(0, min(left for left in limits if left is not None))


def groups(controller: str) -> Iterator[Path]:
    """The folders of the groups that this process is in, each inside the next one; in a container some are missing."""
    lines: list[str] = []
    with suppress(OSError):
        lines = MEMBERSHIP.read_text().splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:  # version 2
            root = GROUPS
        elif controller in controllers.split(","):
            root = GROUPS / controller
        else:
            continue
        own = root / path.lstrip("/")
        yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(root))


def left_of_group(folder: Path) -> int | None:
    """Bytes left to a group of processes; None where there is no such group, or no limit."""
    for limit, used, cache in MEMORY:
        with suppress(OSError, ValueError):  # "max" is no number
            statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            return int((folder / limit).read_text()) - int((folder / used).read_text()) + int(statistics.get(cache, 0))
    return None


def cores_of_group(folder: Path) -> int | None:
    """Cores whose time a group of processes may take; None where there is no such group, or no limit."""
    with suppress(OSError, ValueError):
        quota, period = (int(number) for number in (folder / "cpu.max").read_text().split())
        return math.ceil(quota / period)
    with suppress(OSError, ValueError):
        quota, period = (int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return math.ceil(quota / period) if quota > 0 else None
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
