"""Things that move before photographs: where the truth is, what is hidden, and the table."""

import math
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("cv2")

from scripts import ROOT, load_script


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_script(ROOT / "benchmarks" / "moving_things.py")


def test_scenes_are_the_same_every_time_and_something_is_hidden_in_them(bench):
    first, again = (list(bench.scenes(None, 4)) for _ in range(2))

    assert len(first) == 4
    for scene, other in zip(first, again, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(scene.frames, other.frames, strict=True))
        assert scene.hidden.shape == scene.frames[1].shape[:2] == (384, 384)
    assert any(0 < scene.hidden.mean() < 0.5 for scene in first)


def test_errors_are_in_levels_and_of_nothing_undefined(bench):
    scene = next(bench.scenes(None, 1))
    hidden = np.zeros_like(scene.hidden)
    hidden[:10] = True
    truth = scene.frames[1] // 2

    def made(frame0, frame1):
        return truth + np.where(hidden, 3, 0).astype(np.uint8)[..., None]

    frames = (scene.frames[0], truth, scene.frames[2])
    _, whole, near = bench.measure(made, bench.Scene(frames, hidden))
    nowhere = bench.measure(made, bench.Scene(frames, np.zeros_like(hidden)))[2]

    assert near == pytest.approx(3)
    assert whole == pytest.approx(3 * math.sqrt(10 / 384))
    assert math.isnan(nowhere)


def test_it_runs_with_the_packaged_models(bench, trained_model, capsys):
    assert bench.main(["--scenes", "1"]) == 0

    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()]
    assert [row[0].strip() for row in rows] == ["method", "---", "base", "fast", "dis", "blend"]
    assert float(rows[2][1]) > float(rows[5][1])


def test_no_scenes_are_wrong_usage(bench, capsys):
    with pytest.raises(SystemExit):
        bench.main(["--scenes", "0"])

    assert "--scenes must be at least 1, got 0" in capsys.readouterr().err
