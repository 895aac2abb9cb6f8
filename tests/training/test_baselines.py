"""Baselines on content whose motion is known."""

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from tolerances import DIS_TRANSLATION_PSNR, MINTERPOLATE_TRANSLATION_PSNR  # noqa: E402

from vfi_flow.errors import UsageError  # noqa: E402
from vfi_flow.training import baselines  # noqa: E402
from vfi_flow.training.baselines import BASELINES, Dis, blend, make_baseline, minterpolate, project, repeat  # noqa: E402
from vfi_flow.training.metrics import psnr  # noqa: E402


@pytest.fixture(scope="module")
def world() -> np.ndarray:
    """A wide picture with detail of several sizes."""
    random = np.random.default_rng(3)
    layers = [
        cv2.resize(random.normal(size=(120 // cell, 200 // cell, 3)), (200, 120), interpolation=cv2.INTER_CUBIC)
        for cell in (4, 8, 20)
    ]
    return np.clip(128 + 35 * sum(layers), 0, 255).astype(np.uint8)


def view(world: np.ndarray, left: int, width: int = 160) -> np.ndarray:
    return np.ascontiguousarray(world[:, left : left + width])


def interior(frame: np.ndarray, border: int = 16) -> np.ndarray:
    return frame[border:-border, border:-border]


def test_repeat_is_the_nearer_frame_and_blend_the_weighted_mean():
    frame0, frame1 = np.full((4, 4, 3), 40, np.uint8), np.full((4, 4, 3), 100, np.uint8)

    assert [repeat(frame0, frame1, tau)[0, 0, 0] for tau in (0.25, 0.5, 0.75)] == [40, 40, 100]
    assert [blend(frame0, frame1, tau)[0, 0, 0] for tau in (0.25, 0.5, 0.75)] == [55, 70, 85]


@pytest.mark.parametrize("name", ["dis", "dis-cubic", "dis-fast"])
@pytest.mark.parametrize(("pixels", "tau"), [(4, 0.5), (4, 0.25), (8, 0.75)])
def test_optical_flow_follows_a_translation(world, name, pixels, tau):
    frame0, truth, frame1 = (view(world, left) for left in (8, 8 + round(pixels * tau), 8 + pixels))
    made = make_baseline(name)(frame0, frame1, tau)

    assert psnr(interior(made), interior(truth)) > DIS_TRANSLATION_PSNR
    assert psnr(interior(made), interior(truth)) > psnr(interior(blend(frame0, frame1, tau)), interior(truth)) + 10


def test_what_leaves_the_picture_comes_from_the_frame_that_still_shows_it(world, monkeypatch):
    """frame1 no longer has the left edge of the frame at tau; its nearest pixels must not be mixed in."""
    frame0, truth, frame1 = (view(world, left) for left in (8, 14, 20))
    made = Dis()(frame0, frame1, 0.5)
    monkeypatch.setattr(baselines, "inside", lambda flow: np.ones(flow.shape[:2], np.float32))
    without_visibility = Dis()(frame0, frame1, 0.5)

    assert psnr(made[16:-16, :6], truth[16:-16, :6]) > psnr(without_visibility[16:-16, :6], truth[16:-16, :6]) + 3


def test_a_pixel_gets_the_motion_of_what_passes_through_it():
    """A zoom: x goes to x + a x, so what is at p at tau came from p / (1 + a tau) and moves by a of that."""
    a, tau = 0.05, 0.5
    places = np.broadcast_to(np.arange(64, dtype=np.float32), (4, 64))
    velocity = project(np.dstack([a * places, np.zeros_like(places)]), tau)

    # Two rounds leave (a tau)^3 of it; remap places pixels to 1/32.
    assert velocity[..., 0] == pytest.approx(a * places / (1 + a * tau), abs=64 * a * (a * tau) ** 3 + a / 32)
    assert abs(velocity[0, 60, 0] - a * 60) > 0.07  # what the flow at p itself would say


@pytest.mark.parametrize("name", list(BASELINES))
def test_a_still_scene_stays_as_it_is(world, name):
    still = view(world, 10)

    # minterpolate works on YUV: one level of rounding there and back
    assert np.abs(make_baseline(name)(still, still, 0.5).astype(int) - still).max() <= (
        2 if name == "minterpolate" else 0
    )


@pytest.mark.parametrize(("pixels", "tau"), [(4, 0.5), (4, 0.25), (8, 0.75)])
def test_minterpolate_follows_a_translation(world, pixels, tau):
    frame0, truth, frame1 = (view(world, left) for left in (8, 8 + round(pixels * tau), 8 + pixels))
    made = minterpolate(frame0, frame1, tau)

    assert psnr(interior(made, 32), interior(truth, 32)) > MINTERPOLATE_TRANSLATION_PSNR


@pytest.mark.parametrize(("pixels", "tau", "moved"), [(16, 3 / 16, 3), (16, 11 / 16, 11), (12, 11 / 12, 11)])
def test_minterpolate_makes_a_frame_of_any_moment_between_the_two(world, pixels, tau, moved):
    made = interior(minterpolate(view(world, 8), view(world, 8 + pixels), tau), 32)
    nearness = [psnr(made, interior(view(world, 8 + shift), 32)) for shift in range(pixels + 1)]

    assert np.argmax(nearness) == moved


def test_minterpolate_blends_frames_that_are_too_small_for_it():
    dark, light = (np.full((31, 40, 3), level, np.uint8) for level in (0, 200))

    assert (minterpolate(dark, light, 0.25) == 50).all()


@pytest.mark.parametrize("size", [(1, 1), (15, 40), (16, 16), (17, 23), (16, 200)])
def test_optical_flow_takes_frames_of_any_size(size):
    frame0, frame1 = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    made = Dis()(frame0, frame1, 0.5)

    assert made.shape == frame0.shape and made.dtype == np.uint8


def test_bicubic_fetching_keeps_detail_that_bilinear_fetching_blurs():
    fine = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (96, 240, 3), np.uint8), (0, 0), 0.9)
    wide = cv2.resize(fine, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    views = [cv2.resize(wide[:, at : at + 400], (200, 96), interpolation=cv2.INTER_AREA) for at in (20, 21, 22)]
    linear, cubic = (psnr(make_baseline(name)(views[0], views[2], 0.5), views[1]) for name in ("dis", "dis-cubic"))

    assert cubic > linear + 1


def test_wrong_input_is_named(world):
    with pytest.raises(UsageError, match=r"same shape, got \(120, 160, 3\) and \(120, 150, 3\)"):
        Dis()(view(world, 0), view(world, 0, 150), 0.5)
    with pytest.raises(
        UsageError, match="unknown baseline 'rife'; there are repeat, blend, dis, dis-cubic, dis-fast, minterpolate"
    ):
        make_baseline("rife")
    assert list(BASELINES) == ["repeat", "blend", "dis", "dis-cubic", "dis-fast", "minterpolate"]
