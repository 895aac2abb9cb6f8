"""Free memory: what the machine, the container and the process's own limit leave."""

import subprocess
import sys

import psutil
import pytest

from vfi_flow.inference import machine
from vfi_flow.inference.machine import available_cores, free_memory, left_of_group


def test_there_is_some_and_not_more_than_the_machine_has():
    assert 0 < free_memory() <= psutil.virtual_memory().total


def test_a_container_leaves_its_limit_less_its_use_without_the_cache(tmp_path):
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 500000\ninactive_file 150000\n")

    assert left_of_group(tmp_path) == 450_000


@pytest.mark.parametrize(
    ("member", "folder", "limit", "used"),
    [
        ("0::/job/step", "job", "memory.max", "memory.current"),
        ("5:cpu,cpuacct:/a\n4:memory:/job/step", "memory/job", "memory.limit_in_bytes", "memory.usage_in_bytes"),
        ("0::/outside/of/the/container", ".", "memory.max", "memory.current"),
    ],
)
def test_a_limit_of_any_group_around_the_process_counts(tmp_path, monkeypatch, member, folder, limit, used):
    """Batch systems limit a group above that of the process, containers show theirs as the outermost one."""
    (tmp_path / "member").write_text(f"{member}\n")
    group = tmp_path / "groups" / folder
    (group / "step").mkdir(parents=True)
    for name, text in ((limit, "900000\n"), (used, "500000\n"), ("memory.stat", "anon 1\n")):
        (group / name).write_text(text)
    monkeypatch.setattr(machine, "MEMBERSHIP", tmp_path / "member")
    monkeypatch.setattr(machine, "GROUPS", tmp_path / "groups")

    assert free_memory() == 400_000


@pytest.mark.parametrize(
    ("member", "folder", "files", "cores"),
    [
        ("0::/job", "job", {"cpu.max": "150000 100000"}, 2),
        ("0::/job", "job", {"cpu.max": "max 100000"}, 64),
        ("3:cpu,cpuacct:/job", "cpu", {"cpu.cfs_quota_us": "100000", "cpu.cfs_period_us": "100000"}, 1),
        ("3:cpu,cpuacct:/job", "cpu", {"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"}, 64),
    ],
)
def test_the_time_that_a_container_has_counts_as_cores(tmp_path, monkeypatch, member, folder, files, cores):
    (tmp_path / "member").write_text(f"{member}\n")
    (tmp_path / "groups" / folder).mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / "groups" / folder / name).write_text(f"{text}\n")
    monkeypatch.setattr(machine, "MEMBERSHIP", tmp_path / "member")
    monkeypatch.setattr(machine, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: range(64), raising=False)

    assert available_cores() == cores


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")
def test_where_one_core_is_allowed_no_threads_are_started_for_others():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.cpu_count = lambda: 64\n"
        "import numpy as np; from vfi_flow import Interpolator\n"
        "from vfi_flow.inference.onnx_session import load_runtime; load_runtime()\n"
        "frame, before = np.zeros((64, 64, 3), np.uint8), len(os.listdir('/proc/self/task'))\n"
        "interpolator = Interpolator(model='fast'); interpolator(frame, frame, [0.5])\n"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert int(done.stdout) == 0


def test_a_container_without_limit_and_no_container_count_for_nothing(tmp_path):
    assert left_of_group(tmp_path) is None
    for name, text in (("memory.max", "max\n"), ("memory.current", "7\n"), ("memory.stat", "inactive_file 1\n")):
        (tmp_path / name).write_text(text)
    assert left_of_group(tmp_path) is None


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_counts(kind):
    code = (
        f"import resource; resource.setrlimit(resource.{kind}, (2**30, 2**30));"
        "from vfi_flow.inference.machine import free_memory; print(free_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert 0 < int(done.stdout) < 2**30
