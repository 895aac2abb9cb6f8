"""Promises of the synthetic scenes: exact flow, still overlays stay still, hidden points are not trusted."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest
from tolerances import INVERSE_MOTION_PIXELS, SYNTHETIC_WARP_PSNR

from vfi_flow.errors import InputError
from vfi_flow.training import surfaces
from vfi_flow.training.effects import change_light, dissolve
from vfi_flow.training.layers import Layer, Motion, Stage, grids, render
from vfi_flow.training.motions import camera, draw_magnitude
from vfi_flow.training.overlays import static_overlay
from vfi_flow.training.sample import Sample
from vfi_flow.training.synthetic import SCENES, Extras, SyntheticScenes, draw_tau

CROP = 96
PLAIN = Extras(overlay=0, light=0, blur=0, grain=0, dissolve=0, damage=0)


def draws(scenes: SyntheticScenes, count: int, seed: int = 1) -> list[Sample]:
    rng = np.random.default_rng(seed)
    return [scenes.draw(rng) for _ in range(count)]


def warp_error(sample: Sample, share: float = 1.0) -> tuple[float, int]:
    """Squared error of both frames warped to the middle by `share` of the flow, where it is trusted, and how many."""
    size = sample.truth.shape[:2]
    error, count = 0.0, 0
    for end, frame in enumerate((sample.frame0, sample.frame1)):
        flow = 2 * share * cv2.resize(sample.flow[2 * end : 2 * end + 2].transpose(1, 2, 0), size)
        places = grids(size[0]).pixels + flow
        # Lanczos: the blur of a bilinear lookup would be larger than the error that is looked for.
        warped = cv2.remap(frame.astype(np.float32), places, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
        trusted = cv2.erode(cv2.resize(sample.trust[end], size), np.ones((3, 3))) > 0.99
        error += float(((warped - sample.truth.astype(np.float32))[trusted] ** 2).sum())
        count += 3 * int(trusted.sum())
    return error, count


def psnr(samples: list[Sample], share: float = 1.0) -> float:
    errors, counts = zip(*(warp_error(sample, share) for sample in samples), strict=True)
    return 10 * np.log10(255**2 / max(sum(errors) / sum(counts), 1e-9))


@pytest.mark.parametrize("kind", [kind for kind in SCENES if kind != "still"])
def test_both_frames_warped_by_the_flow_are_the_middle(kind: str) -> None:
    samples = draws(SyntheticScenes(crop=CROP, shares={kind: 1.0}, extras=PLAIN), 10)

    assert psnr(samples) > SYNTHETIC_WARP_PSNR
    assert psnr(samples) > psnr(samples, share=0.5) + 3
    assert np.mean([sample.trust.mean() for sample in samples]) > 0.4


def test_a_still_scene_has_three_equal_frames_and_no_flow() -> None:
    for extras in (PLAIN, Extras(overlay=1, light=0, blur=1, grain=1, damage=1)):
        for sample in draws(SyntheticScenes(crop=CROP, shares={"still": 1.0}, extras=extras), 3):
            assert np.array_equal(sample.frame0, sample.truth)
            assert np.array_equal(sample.frame1, sample.truth)
            assert not sample.flow.any()


def test_the_inverse_of_every_drawn_motion_is_exact() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        stage = Stage(CROP, draw_tau(rng))
        motion = camera(rng, stage, 40.0, elastic=1.0)
        before, _, after = stage.track(motion).sources
        for source, distance in ((before, -stage.tau), (after, 1 - stage.tau)):
            x, y = source[..., 0].astype(float), source[..., 1].astype(float)
            vx, vy = motion.velocity(x, y)
            miss = np.stack([x + distance * vx, y + distance * vy], -1) - grids(CROP).pixels

            assert np.abs(miss).max() < INVERSE_MOTION_PIXELS


def test_the_flow_is_that_of_a_linear_trajectory_through_tau() -> None:
    for sample in draws(SyntheticScenes(crop=CROP), 20):
        np.testing.assert_allclose(
            sample.flow[:2] * (1 - sample.tau), -sample.flow[2:] * sample.tau, rtol=1e-4, atol=1e-5
        )


def test_a_known_shift_is_stored_with_the_right_sign_and_unit() -> None:
    stage = Stage(CROP, 0.25)
    rng = np.random.default_rng(0)
    track = stage.track(Motion(shift=(8.0, -4.0)))
    picture = surfaces.dead_leaves(rng, 200)
    rendering = render([Layer(surfaces.with_alpha(picture), (-50.0, -50.0), 1, track)])
    frame0, middle, frame1 = rendering.frames

    # Content moves right by 8 and up by 4 pixels, a quarter of that before the middle; flow is in half-size pixels.
    np.testing.assert_allclose(rendering.flow[:, 20, 20], [-1.0, 0.5, 3.0, -1.5], atol=1e-4)
    np.testing.assert_allclose(middle[10:80, 12:80], frame0[11:81, 10:78], atol=1e-2)
    np.testing.assert_allclose(middle[10:80, 12:80], frame1[7:77, 18:86], atol=1e-2)


def test_what_a_neighbour_hides_or_does_not_show_is_not_trusted() -> None:
    stage = Stage(CROP, 0.5)
    still, moving = stage.track(Motion()), stage.track(Motion(shift=(16.0, 0.0)))
    ground = Layer(np.full((CROP, CROP, 4), 255, np.uint8), (0.0, 0.0), 1, still, endless=True)
    card = np.full((34, 34, 4), 255, np.uint8)
    card[..., :3] = 0
    card[[0, -1]] = card[:, [0, -1]] = 0
    rendering = render([ground, Layer(card, (40.0, 30.0), 1, moving)])
    to_0, to_1 = rendering.trust

    # The card covers columns 41-72 of the middle, 33-64 of frame0 and 49-80 of frame1, rows 31-62.
    row = 23
    assert to_0[row, 34 // 2 : 38 // 2].max() == 0  # ground that frame0 hides
    assert to_1[row, 34 // 2 : 38 // 2].min() == 1
    assert to_1[row, 76 // 2 : 78 // 2].max() == 0  # ground that frame1 hides
    assert to_0[row, 76 // 2 : 78 // 2].min() == 1
    assert to_0[row, 44 // 2 : 70 // 2].min() == 1  # the card itself
    assert to_1[row, 44 // 2 : 70 // 2].min() == 1

    whole = render([Layer(np.full((CROP, CROP, 4), 255, np.uint8), (0.0, 0.0), 1, moving, endless=True)])
    assert whole.trust[0, :, : 6 // 2].max() == 0  # came in from the left after frame0
    assert whole.trust[1, :, -6 // 2 :].max() == 0
    assert whole.trust[:, :, 10:38].min() == 1


@pytest.mark.parametrize("seed", range(12))
def test_an_overlay_stays_still_over_motion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stage = Stage(CROP, 0.5)
    picture = surfaces.with_alpha(surfaces.dead_leaves(rng, 200))
    ground = Layer(picture, (-50.0, -50.0), 1, stage.track(Motion(shift=(12.0, 6.0))))
    overlay = static_overlay(rng, stage)
    rendering = render([ground, overlay])
    solid = overlay.texture[..., 3] == 255
    owned = cv2.resize(solid.astype(np.float32), (CROP // 2, CROP // 2), interpolation=cv2.INTER_AREA) == 1

    assert not rendering.flow[:, owned].any()
    assert np.array_equal(rendering.frames[0][solid], rendering.frames[1][solid])
    assert np.array_equal(rendering.frames[2][solid], rendering.frames[1][solid])
    assert rendering.flow.any()


def test_light_changes_linearly_in_time() -> None:
    rng = np.random.default_rng(3)
    grey = [np.full((8, 8, 3), 100, np.float32)] * 3
    for _ in range(20):
        frame0, middle, frame1 = change_light(rng, grey, 0.25)

        np.testing.assert_allclose(middle, frame0 + 0.25 * (frame1 - frame0), rtol=1e-5)


def test_small_medium_and_large_motion_and_all_places_occur() -> None:
    rng = np.random.default_rng(4)
    sizes = np.array([draw_magnitude(rng) for _ in range(400)])
    taus = np.array([draw_tau(rng) for _ in range(400)])

    assert 0.1 <= sizes.min() < 0.5 and 30 < sizes.max() <= 40
    assert np.histogram(sizes, [0, 2, 12, 41])[0].min() > 60
    assert 0.5 < (taus == 0.5).mean() < 0.7
    assert np.unique(taus).size > 20 and taus.min() > 0 and taus.max() < 1


def test_samples_have_the_promised_shapes_and_types() -> None:
    for sample in draws(SyntheticScenes(crop=CROP), 20):
        for frame in (sample.frame0, sample.truth, sample.frame1):
            assert frame.shape == (CROP, CROP, 3) and frame.dtype == np.uint8 and frame.flags.c_contiguous
        assert sample.flow.shape == (4, CROP // 2, CROP // 2) and sample.flow.dtype == np.float32
        assert sample.trust.shape == (2, CROP // 2, CROP // 2) and sample.trust.dtype == np.float32
        assert sample.trust.min() >= 0 and sample.trust.max() <= 1
        assert np.isfinite(sample.flow).all()


def test_the_seed_decides_the_sample_in_any_thread() -> None:
    scenes = SyntheticScenes(crop=CROP)
    alone = [draws(scenes, 4, seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: draws(scenes, 4, seed), range(4)))

    for first, second in zip(chain(*alone), chain(*together), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(astuple(first), astuple(second), strict=True))
    assert not np.array_equal(alone[0][0].truth, alone[1][0].truth)


def test_an_unreadable_still_is_left_out_with_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()  # no picture at all, no line
    cv2.imwrite(str(tmp_path / "good.png"), np.full((300, 2048, 3), (0, 0, 200), np.uint8))
    with caplog.at_level(logging.WARNING):
        stills = surfaces.read_stills(tmp_path)

    assert [still.shape for still in stills] == [(150, 1024, 3)]
    assert stills[0][0, 0].tolist() == [200, 0, 0]
    assert sorted(record.getMessage().split(":")[0].rsplit("/")[-1] for record in caplog.records) == [
        "broken.jpg",
        "empty.png",
    ]
    assert SyntheticScenes(tmp_path, CROP).draw(np.random.default_rng(0)).truth.shape == (CROP, CROP, 3)


def test_a_folder_without_stills_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no readable photo"):
        SyntheticScenes(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        SyntheticScenes(tmp_path / "missing")


def test_a_dissolve_of_two_still_pictures_is_the_linear_blend_and_trusts_no_flow() -> None:
    rng = np.random.default_rng(2)
    frames, others = (list(rng.uniform(0, 255, (1, 8, 8, 3)).repeat(3, axis=0)) for _ in range(2))

    frame0, middle, frame1 = dissolve(rng, frames, others, 0.25)

    assert np.allclose(middle, 0.75 * frame0 + 0.25 * frame1)
    assert np.abs(frame1 - frame0).max() > 1
    samples = draws(SyntheticScenes(crop=CROP, shares={"photo": 1.0}, extras=replace(PLAIN, dissolve=1.0)), 2)
    assert all(not sample.trust.any() for sample in samples)
