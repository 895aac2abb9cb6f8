"""The benchmark of reading and writing runs and tells ratios."""

import json
from pathlib import Path

import numpy as np
import pytest
from scripts import ROOT, load_script


@pytest.fixture(scope="module")
def benchmark():
    return load_script(ROOT / "benchmarks" / "media_overhead.py")


def test_it_times_a_job_a_plain_loop_and_the_model(benchmark, trained_model, capsys):
    assert benchmark.main(["--pairs", "3", "--size", "64x48", "--rounds", "1", "--steps", "0"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["job to loop"] == pytest.approx(found["job"] / found["loop"], rel=0.02)
    assert found["around to model"] > 0 and found["model"] > 0


def test_a_job_is_timed_with_the_frames_that_the_model_has_made(benchmark, trained_model, monkeypatch, capsys):
    """Copies of the frame before would cost the encoder next to nothing."""
    shown = []

    def recorded(plan, make):
        pair = np.zeros((2, 48, 64, 3), np.uint8)
        shown.append([make(*pair, [0.5])[0] for _ in range(3)] if plan.job.factor == 2 else [])

    monkeypatch.setattr(benchmark, "run", recorded)

    assert benchmark.main(["--pairs", "3", "--size", "64x48", "--rounds", "1", "--steps", "0"]) == 0
    made = [frames for frames in shown if frames]
    assert len(made) == 2
    assert len({frame.tobytes() for frame in made[0]}) == 3
    assert all(np.array_equal(*frames) for frames in zip(*made, strict=True))


def test_a_clip_that_is_missing_is_one_sentence(benchmark, tmp_path: Path, capsys):
    assert benchmark.main([str(tmp_path / "missing.mp4"), "--rounds", "1"]) == 3
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["foo", "64", "64x0", "64x-8"])
def test_a_size_that_is_none_is_one_sentence(benchmark, size, capsys):
    with pytest.raises(SystemExit) as stopped:
        benchmark.main(["--size", size])

    assert stopped.value.code == 2
    assert f"'{size}' is not a size such as 640x360" in capsys.readouterr().err
