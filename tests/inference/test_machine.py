"""Free memory: what the machine, the container and the process's own limit leave."""

import subprocess
import sys

import psutil
import pytest

from vfi_flow.inference.machine import free_memory, left_of_group


def test_there_is_some_and_not_more_than_the_machine_has():
    assert 0 < free_memory() <= psutil.virtual_memory().total


def test_a_container_leaves_its_limit_less_its_use_without_the_cache(tmp_path):
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 500000\ninactive_file 150000\n")

    assert left_of_group(tmp_path, "memory.max", "memory.current", "inactive_file") == 450_000


def test_a_container_without_limit_and_no_container_count_for_nothing(tmp_path):
    assert left_of_group(tmp_path, "memory.max", "memory.current", "inactive_file") is None
    for name, text in (("memory.max", "max\n"), ("memory.current", "7\n"), ("memory.stat", "inactive_file 1\n")):
        (tmp_path / name).write_text(text)
    assert left_of_group(tmp_path, "memory.max", "memory.current", "inactive_file") is None


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_counts(kind):
    code = (
        f"import resource; resource.setrlimit(resource.{kind}, (2**30, 2**30));"
        "from vfi_flow.inference.machine import free_memory; print(free_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert 0 < int(done.stdout) < 2**30
