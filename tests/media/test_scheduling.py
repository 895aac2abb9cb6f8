"""An encoder that takes real-time priority gives it back."""

import os
import threading
from pathlib import Path

import pytest

from vfi_flow.media.scheduling import TASKS, ordinary_priority

pytestmark = pytest.mark.skipif(not TASKS.is_dir(), reason="threads are listed by Linux only")


def real_time_threads() -> set[int]:
    """Other tests may have left some behind."""
    return {int(thread) for thread in os.listdir(TASKS) if os.sched_getscheduler(int(thread)) != os.SCHED_OTHER}


@pytest.fixture
def real_time():
    """Makes this thread a real-time one, which only the privileged may."""

    def change() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            pytest.skip("no permission to take real-time priority")

    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))  # an encoder of another test may have changed it
    yield change
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def test_real_time_threads_become_ordinary_again(real_time):
    before = real_time_threads()

    with ordinary_priority():
        real_time()
        assert real_time_threads() - before == {threading.get_native_id()}

    assert real_time_threads() <= before


def test_after_an_error_too(real_time):
    before = real_time_threads()

    with pytest.raises(ValueError, match="broken"), ordinary_priority():
        real_time()
        raise ValueError("broken")

    assert real_time_threads() <= before


def test_who_wanted_real_time_keeps_it(real_time):
    real_time()

    with ordinary_priority():
        pass

    assert os.sched_getscheduler(0) == os.SCHED_FIFO


def test_opening_svt_av1_changes_nothing(tmp_path: Path, real_time):
    from fractions import Fraction

    import av

    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        try:
            stream = container.add_stream("libsvtav1", rate=25, options={"preset": "12"})
        except Exception:
            pytest.skip("this FFmpeg has no SVT-AV1")
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 64, 64, "yuv420p", Fraction(1, 25)
        before = real_time_threads()
        with ordinary_priority():
            stream.codec_context.open()

        assert real_time_threads() <= before
