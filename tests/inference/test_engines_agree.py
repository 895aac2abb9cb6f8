"""ONNX Runtime and torch make the same frames from the same files."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from tiny_network import moving_texture
from tolerances import ENGINES_APART

from vfi_flow import Interpolator, Neighbour
from vfi_flow.model.weights import packaged_weights

TAUS = [0.2, 0.5, 0.9]


def both_engines(model: Path, steps: int, height: int, width: int) -> list[list[np.ndarray]]:
    """The same new frames by ONNX Runtime and by torch; strength 1, where noise and solver show most."""
    frame0, frame1 = moving_texture(height, width), moving_texture(height, width, dx=3)
    made = []
    for engine in ("onnx", "torch"):
        with Interpolator(model, steps, 1.0, seed=2, device="cpu", threads=1, engine=engine) as interpolator:
            made.append(interpolator(frame0, frame1, TAUS, pts=5))
    return made


def both_engines_in_a_stream(model: Path, steps: int) -> list[list[np.ndarray]]:
    """The same with frames on both sides, from and to which motion is another, at other distances in time."""
    before, frame0, frame1, after = (moving_texture(48, 64, dx=dx) for dx in (-8, 0, 3, 4))
    beside = {"before": Neighbour(before, Fraction(3, 2)), "after": Neighbour(after, 0.75)}
    made = []
    for engine in ("onnx", "torch"):
        with Interpolator(model, steps, 1.0, seed=2, device="cpu", threads=1, engine=engine) as interpolator:
            made.append(interpolator(frame0, frame1, TAUS, pts=5, **beside))
            alone = interpolator(frame0, frame1, TAUS, pts=5)
            assert not all(np.array_equal(one, other) for one, other in zip(made[-1], alone, strict=True))
    return made


def assert_equal_frames(made: list[list[np.ndarray]]) -> None:
    for onnx_frame, torch_frame in zip(*made, strict=True):
        difference = np.abs(onnx_frame.astype(int) - torch_frame)
        assert difference.max() <= 1
        assert (difference > 0).mean() < ENGINES_APART


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (40, 56), (33, 70)])
def test_both_engines_make_the_same_frames(tiny_model, steps, height, width):
    assert_equal_frames(both_engines(tiny_model, steps, height, width))


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_both_engines_make_the_same_frames_from_packaged_models(packaged_model, steps):
    """The packaged graphs read the packaged weights at the places where these lie."""
    assert_equal_frames(both_engines(packaged_weights(packaged_model), steps, 48, 64))
    assert_equal_frames(both_engines_in_a_stream(packaged_weights(packaged_model), steps))
