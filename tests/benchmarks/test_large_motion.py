"""Pans of large frames: the truth is where it should be, and wrong usage ends with a sentence."""

from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("cv2")

from scripts import ROOT, load_script


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_script(ROOT / "benchmarks" / "large_motion.py")


def test_the_middle_frame_lies_half_way(bench):
    [picture, *_] = bench.pictures(None)
    frame0, truth, frame1 = bench.pan(picture, 320, 180, pixels=40, angle=0.0)

    assert frame0.shape == truth.shape == frame1.shape == (180, 320, 3)
    assert bench.psnr(frame0[:, 20:], truth[:, :-20]) > 45
    assert bench.psnr(truth[:, 20:], frame1[:, :-20]) > 45
    assert bench.psnr(frame0, truth) < 30


def test_what_lies_inside_has_no_border(bench):
    [picture, *_] = bench.pictures(None)
    frames = bench.pan(picture, 320, 180, pixels=40, angle=0.5)
    noise = np.random.default_rng(0).integers(0, 256, (180, 320, 3)).astype(np.uint8)
    noise[40:-40, 40:-40] = frames[1][40:-40, 40:-40] ^ 1

    whole, inside, seconds = bench.measure(lambda frame0, frame1: noise, [frames, frames], 40)

    assert whole < 15 < 40 < inside
    assert seconds >= 0


def test_the_table_has_a_row_for_every_distance(bench):
    row = {"scale auto": (40.0, 45.0, 0.9), "dis": (41.0, 46.0, 1.0)}

    assert bench.table({10: row, 80: row}).splitlines() == [
        "| pixels | scale auto | dis |",
        "|--:|--:|--:|",
        "| 10 | 40.0 (45.0), 0.90 s | 41.0 (46.0), 1.00 s |",
        "| 80 | 40.0 (45.0), 0.90 s | 41.0 (46.0), 1.00 s |",
    ]


def test_it_runs_with_the_packaged_model(bench, trained_model, capsys):
    assert bench.main(["--size", "128x96", "--pixels", "8"]) == 0

    row = capsys.readouterr().out.splitlines()[2]
    assert float(row.split("|")[2].split()[0]) > 25


def test_another_interpolator_has_a_column(bench, trained_model, tmp_path, capsys, monkeypatch):
    (tmp_path / "another_pan.py").write_text("def black(frame0, frame1, tau):\n    return 0 * frame0\n")
    monkeypatch.syspath_prepend(tmp_path)

    bench.main(["--size", "128x96", "--pixels", "8", "--against", "another_pan:black"])

    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| pixels | scale auto | scale 1 | dis | black |"
    assert float(row.split("|")[5].split()[0]) < 15


@pytest.mark.parametrize("words", [["--pixels", "0"], ["--pixels", "360"], ["--size", "1280"], ["--size", "0x720"]])
def test_what_cannot_be_measured_is_refused(bench, words):
    with pytest.raises(SystemExit) as caught:
        bench.main(words)

    assert caught.value.code == 2
