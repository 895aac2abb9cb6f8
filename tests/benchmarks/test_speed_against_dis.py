"""The benchmark times what it says, with an interpolator whose cost is known."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")

from clips import moving_square, write_clip
from scripts import ROOT, load_script

import vfi_flow


class Busy:
    """Keeps the CPU busy for 20 ms, and for 60 ms at one step."""

    engine = "none"

    def __init__(self, model: str, steps: int, threads: int) -> None:
        assert threads == 1
        self.seconds = 0.06 if steps else 0.02

    def __enter__(self) -> "Busy":
        return self

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, frame0, frame1, taus, before, after):
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass
        return [frame0]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.setattr(vfi_flow, "Interpolator", Busy, raising=False)
    return load_script(ROOT / "benchmarks" / "speed_against_dis.py")


def run(script, monkeypatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["speed_against_dis.py", "--width", "64", "--height", "48", *map(str, arguments)])
    return script.main()


def test_every_pair_is_timed_on_the_cpu_and_compared_with_dis(script, tmp_path, monkeypatch, capsys):
    code = run(script, monkeypatch, "--pairs", "3", "--json", tmp_path / "speed.json")
    times = json.loads((tmp_path / "speed.json").read_text())["cpu_milliseconds"]

    assert code == 0
    assert {name: len(each) for name, each in times.items()} == dict.fromkeys(
        ["base steps 0", "base steps 1", "dis", "dis, its two flows alone"], 3
    )
    # The clock of the process may tick in steps of up to 16 ms on some systems.
    assert all(20 <= milliseconds < 40 for milliseconds in times["base steps 0"])
    assert all(60 <= milliseconds < 80 for milliseconds in times["base steps 1"])
    assert "\ndis " in capsys.readouterr().out


def test_the_time_of_a_pair_is_shared_by_its_new_frames(script, tmp_path, monkeypatch, capsys):
    assert run(script, monkeypatch, "--pairs", "2", "--factor", "4", "--json", tmp_path / "speed.json") == 0

    times = json.loads((tmp_path / "speed.json").read_text())["cpu_milliseconds"]
    assert all(20 <= milliseconds < 27 for milliseconds in times["base steps 1"])
    assert "factor 4" in capsys.readouterr().out


def test_dis_looks_for_motion_once_for_all_new_frames_of_a_pair(script, monkeypatch):
    found = []
    flow = script.Dis.flow
    monkeypatch.setattr(script.Dis, "flow", lambda dis, *frames: found.append(1) or flow(dis, *frames))
    frame0, frame1 = script.generated_frames(2, 64, 48)
    taus = [0.25, 0.5, 0.75]

    made = script.of_dis(script.Dis(), taus)(script.Pair(frame0, frame1))

    assert len(found) == 2
    assert all(np.array_equal(frame, script.Dis()(frame0, frame1, tau)) for frame, tau in zip(made, taus, strict=True))


def test_a_clip_with_too_few_frames_is_named(script, tmp_path, monkeypatch):
    write_clip(tmp_path / "a.mp4", moving_square(6))

    assert run(script, monkeypatch, tmp_path / "a.mp4", "--pairs", "2") == 0
    with pytest.raises(vfi_flow.VfiFlowError, match=r"a.mp4: 6 frames, 7 are needed for 4 pairs"):
        run(script, monkeypatch, tmp_path / "a.mp4", "--pairs", "3")
