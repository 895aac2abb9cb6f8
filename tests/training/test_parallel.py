"""A run of several processes ends when one of them does, and all stop by the one that saves."""

import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("torch")

from vfi_flow.training.signals import stop_like_ctrl_c

TOLD_TO_STOP = """
import os, signal, time
from vfi_flow.errors import VfiFlowError
from vfi_flow.training.parallel import start_processes
from vfi_flow.training.signals import stop_like_ctrl_c

stop_like_ctrl_c()
group = start_processes(2)
group.agree(0)
if group.rank:
    time.sleep(1)
    os.killpg(0, signal.SIGTERM)
    time.sleep(1)
    print("the second process lives", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
try:
    time.sleep(30)
except KeyboardInterrupt:
    print("the first one is told to stop", flush=True)
try:
    group.agree(1)
except VfiFlowError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="forks")
def test_one_process_hears_what_stops_all_and_the_death_of_another_is_a_sentence(tmp_path):
    line, environment = [sys.executable, "-c", TOLD_TO_STOP], {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(line, env=environment, start_new_session=True, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "the first one is told to stop",
        "the second process lives",
        "a process of the run was ended, perhaps for lack of memory; --resume goes on",
    ]
    assert not list(tmp_path.iterdir())


AGAIN = """
import os
from vfi_flow.training import parallel

for number in range(2):
    try:
        with parallel.start_processes(2) as group:
            group.agree(0)
            if not group.rank:
                raise KeyboardInterrupt
            group.agree(1)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
parallel.dist.barrier = lambda: 1 / 0
try:
    parallel.start_processes(2)
except (ZeroDivisionError, RuntimeError):  # its own, or that the copy has hung up
    print("told once", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_program_can_train_again_and_its_copies_never_go_on_with_it(tmp_path):
    line, environment = [sys.executable, "-c", AGAIN], {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["interrupted", "interrupted", "told once"]
    assert done.stderr.count("ZeroDivisionError") == 1, "the copy's"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_stops_like_ctrl_c_unless_it_is_ignored(name):
    number = getattr(signal, name)
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        signal.signal(number, signal.SIG_IGN)  # as nohup does
        stop_like_ctrl_c()
        os.kill(os.getpid(), number)
        signal.signal(number, signal.SIG_DFL)
        stop_like_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
