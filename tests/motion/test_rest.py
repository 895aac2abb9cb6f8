"""What hardly moves is found from rest, what moves is left alone."""

import pytest

torch = pytest.importorskip("torch")

from tests.motion.moving import lumas  # noqa: E402
from vfi_flow.motion.rest import from_rest, or_rest  # noqa: E402

STEP = {"window": 3, "damping": 1e-5, "block": 2}


@pytest.mark.parametrize("scale", [8, 2])
@pytest.mark.parametrize(("moved", "found", "expected"), [(1, -32, 1), (1, 32, 1), (16, 16, 16), (1, 1, 1), (0, 24, 0)])
def test_rest_is_where_motion_begins_if_the_frames_then_agree_better(scale, moved, found, expected):
    """Pans by 0, 1 and 16 pixels; `found` is what came out for them."""
    frames, side = lumas(moved), 320 // scale
    motion = torch.tensor([found / scale, 0.0]).view(1, 2, 1, 1).expand(1, 2, side, side)

    made = or_rest(*frames, motion, from_rest(*frames, **STEP), scale)

    margin = 64 // scale
    across, down = (made * scale)[..., margin:-margin, margin:-margin].unbind(1)
    assert (across - expected).abs().quantile(0.9) < 0.5
    assert down.abs().quantile(0.9) < 0.5


def test_nothing_is_learned_from_which_of_both_is_taken():
    frames = lumas(1)
    motion = torch.full((1, 2, 40, 40), 2.0, requires_grad=True)

    or_rest(*frames, motion, from_rest(*frames, **STEP), 8).sum().backward()

    assert motion.grad is not None
    assert (motion.grad >= 0).all() and (motion.grad <= 1).all(), "the share of it that is left"
