"""Of two motions the one that frames agree better with counts for more."""

import pytest

torch = pytest.importorskip("torch")

from tests.motion.moving import lumas  # noqa: E402
from vfi_flow.motion.agreement import SHARE, disagreement, drawn_back  # noqa: E402

MARGIN = 16


def even_motion(pixels: float, scale: int, side: int = 320) -> "torch.Tensor":
    """To the right, on a grid of `scale` pixels of the frame."""
    return torch.tensor([pixels / scale, 0.0]).view(1, 2, 1, 1).expand(1, 2, side // scale, side // scale)


def test_frames_agree_with_the_motion_between_them():
    frames = lumas(16)

    followed, not_followed = (
        disagreement(*frames, even_motion(pixels, 4))[..., MARGIN:-MARGIN, MARGIN:-MARGIN].mean() for pixels in (16, 0)
    )

    assert followed < 0.01 * not_followed


@pytest.mark.parametrize(
    ("later", "earlier", "expected"),
    [(28, 16, 28 - 12 * SHARE), (0, 16, 16 * SHARE), (16, 28, 16), (16, 16, 16)],
)
def test_a_motion_is_drawn_back_where_frames_agree_better_with_the_one_before(later, earlier, expected):
    """A pan by 16 pixels."""
    made = drawn_back(*lumas(16), even_motion(later, 2), even_motion(earlier, 4))

    across, down = (2 * made)[..., 2 * MARGIN : -2 * MARGIN, 2 * MARGIN : -2 * MARGIN].unbind(1)
    assert (across - expected).abs().median() < 0.5
    assert down.abs().max() < 1e-4
