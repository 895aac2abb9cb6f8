"""The size of frame on which motion is found."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from tiny_network import moving_texture
from tolerances import ENGINES_APART

from vfi_flow import Interpolator
from vfi_flow.errors import UsageError
from vfi_flow.inference.scale import Halvings, halved, halvings_for, reach


@pytest.mark.parametrize(
    ("height", "width", "downscale", "most"),
    [
        (360, 640, 1, 0),
        (539, 959, 1, 0),
        (540, 960, 1, 1),
        (1280, 720, 1, 1),
        (1080, 1919, 1, 1),
        (1080, 1920, 1, 2),
        (1440, 2560, 1, 2),
        (2160, 3840, 1, 3),
        (10000, 40000, 1, 3),
        (720, 1280, 2, 0),
        (2160, 3840, 2, 2),
    ],
)
def test_large_frames_may_be_halved_until_they_are_of_the_size_of_training(height, width, downscale, most):
    assert halvings_for("auto", height, width, downscale) == Halvings(0, most)
    assert halvings_for(0.25, height, width, downscale) == Halvings(2, 2)


def test_the_reach_is_what_one_place_in_twenty_exceeds():
    motion = np.zeros((1, 2, 40, 80), np.float32)
    motion[0, 0, :, :5], motion[0, 1, :, :5] = 30, 40  # a tenth of what is looked at, by 50 pixels of half of the size

    assert reach(motion) == 100
    assert reach(np.concatenate([motion, np.zeros_like(motion), np.zeros_like(motion)], 3)) == 0


def test_a_halved_image_is_the_mean_of_four_pixels():
    image = np.random.default_rng(0).random((6, 10, 3), np.float32)

    assert halved(image).dtype == np.float32
    assert np.allclose(halved(image)[1, 2], image[2:4, 4:6].mean((0, 1)))


@pytest.mark.parametrize("scale", [1, 0.5, Fraction(1, 4), np.float32(0.125)])
@pytest.mark.parametrize("steps", [0, 1])
def test_both_engines_make_the_same_frames_at_every_scale(tiny_model, scale, steps):
    frames = [moving_texture(50, 84, dx=dx) for dx in (0, 3, 7)]
    made = []
    for engine in ("onnx", "torch"):
        with Interpolator(tiny_model, steps, 1.0, device="cpu", threads=1, engine=engine, scale=scale) as interpolator:
            made.append([interpolator(*pair, [0.3, 0.5]) for pair in pairwise(frames)])

    difference = np.abs(np.subtract(*(np.array(each, int) for each in made)))
    assert difference.max() <= 1
    assert (difference > 0).mean() < ENGINES_APART


def test_scale_1_is_the_default_of_small_frames_and_another_scale_another_frame(tiny_model):
    frames = moving_texture(48, 80), moving_texture(48, 80, dx=5)
    made = {}
    for scale in ("auto", 1, 0.5):
        with Interpolator(tiny_model, steps=0, threads=1, scale=scale) as interpolator:
            made[scale] = interpolator(*frames, [0.5])[0]

    assert np.array_equal(made["auto"], made[1])
    assert not np.array_equal(made["auto"], made[0.5])


@pytest.mark.parametrize(("moved", "halved_too"), [(5, False), (60, True)])
@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_auto_halves_large_frames_that_move_far(trained_model, engine, moved, halved_too):
    frames = [plaid(moved * number) for number in range(2)]
    made = {}
    for scale in ("auto", 1, 0.5):
        with Interpolator(trained_model, steps=0, threads=1, engine=engine, scale=scale) as interpolator:
            made[scale] = interpolator(*frames, [0.5])[0]

    assert not np.array_equal(made[1], made[0.5])
    assert np.array_equal(made["auto"], made[0.5 if halved_too else 1])


def plaid(moved: int) -> np.ndarray:
    """(64, 1280, 3): blots without a period, `moved` pixels further left."""
    coarse = np.random.default_rng(0).integers(40, 216, (8, 200, 3)).astype(np.uint8)
    return coarse.repeat(8, 0).repeat(8, 1)[:, 100 + moved : 1380 + moved].copy()


def test_smaller_copies_are_encoded_once_as_well(tiny_model):
    frames = [moving_texture(64, 64, dx=dx) for dx in (0, 1, 2)]
    with Interpolator(tiny_model, steps=0, threads=1, scale=0.5) as interpolator:
        engine, sizes = interpolator._engine, []
        encode = engine.encode
        engine.encode = lambda image: (sizes.append(image.shape[:2]), encode(image))[1]
        interpolator(frames[0], frames[1], [0.3, 0.6])
        interpolator(frames[1], frames[2], [0.3, 0.6])

    assert sorted(sizes) == [(32, 32)] * 3 + [(64, 64)] * 3


def test_all_tiles_of_a_frame_are_halved_as_the_frame_is(tiny_model):
    frames, registered = (moving_texture(32, 1280), moving_texture(32, 1280, dx=5)), []
    with Interpolator(tiny_model, steps=0, threads=1, tile=512, scale=0.5) as interpolator:
        engine = interpolator._engine
        register = engine.register
        engine.register = lambda *pair: (registered.append(pair[0].sizes["height"]), register(*pair))[1]
        interpolator(*frames, [0.5])

    assert registered == [16] * 4


@pytest.mark.parametrize("scale", [0, 0.3, 2, -1, "half", None, "0.5", float("nan")])
def test_what_is_no_scale_is_refused(scale):
    with pytest.raises(UsageError, match="scale must be auto, 1, 1/2, 1/4 or 1/8, got"):
        Interpolator(scale=scale)
