"""The failure modes: their truth is true, and a model that fails is told so."""

from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("cv2")

from scripts import ROOT, load_script


@pytest.fixture(scope="module")
def modes() -> ModuleType:
    return load_script(ROOT / "benchmarks" / "failure_modes.py")


@pytest.fixture(scope="module")
def trials(modes):
    return {name: case.draw(np.random.default_rng([7, 0]), modes.Stage(256, 0.5)) for name, case in modes.CASES.items()}


def test_every_case_gives_three_frames_and_a_place_to_measure(trials):
    for drawn in trials.values():
        assert [frame.shape for frame in drawn.frames] == [(256, 256, 3)] * 3
        assert all(frame.dtype == np.uint8 for frame in drawn.frames)
        assert drawn.where.any()


@pytest.mark.parametrize("name", ["dissolve", "flash", "duplicate"])
def test_without_motion_the_blend_is_the_truth_up_to_rounding(modes, trials, name):
    frame0, _, frame1 = (frame.astype(np.float32) for frame in trials[name].frames)

    assert modes.score((frame0 + frame1) / 2, trials[name]) > 50


@pytest.mark.parametrize("name", ["subtitle", "hud", "letterbox"])
def test_an_overlay_stays_still_while_all_around_it_moves(trials, name):
    frame0, truth, frame1 = (frame.astype(int) for frame in trials[name].frames)
    equal = (abs(frame0 - frame1) + abs(frame0 - truth)).max(axis=2) <= 1

    assert equal[trials[name].where].mean() > 2 * equal[~trials[name].where].mean()


def test_the_score_looks_where_the_case_says(modes, trials):
    drawn = trials["border"]
    wrong_elsewhere = np.where(drawn.where[..., None], drawn.frames[1], 0)

    assert modes.score(drawn.frames[1], drawn) == 100
    assert modes.score(wrong_elsewhere, drawn) == 100
    assert modes.score(255 - drawn.frames[1], drawn) < 20


def test_the_table_tells_what_was_missed(modes):
    good = {"steps 0": 30.0, "steps 1": 29.0, "dis": 30.4, "blend": 20.0}
    bad = {**good, "steps 0": 29.8}
    enough = {**good, "steps 0": 45.5, "dis": 60.0}

    lines = modes.table({"rotation": good, "zoom": bad, "large": enough}).splitlines()[2:]

    assert ["missed" in line for line in lines] == [False, True, False]


def test_another_interpolator_stands_beside_the_baselines(modes, trained_model, tmp_path, capsys, monkeypatch):
    (tmp_path / "another.py").write_text("def first(frame0, frame1, tau):\n    return frame0\n")
    monkeypatch.syspath_prepend(tmp_path)

    modes.main(["--only", "duplicate", "--against", "another:first"])

    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| case | steps 0 | steps 1 | dis | blend | first | |"
    assert row.endswith("| 100.0 | 100.0 | 100.0 |  |")
