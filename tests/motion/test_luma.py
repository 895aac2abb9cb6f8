"""The brightness of colours."""

import pytest

torch = pytest.importorskip("torch")

from tiny_network import as_image, moving_texture  # noqa: E402
from tolerances import WARP_FLOAT32  # noqa: E402

from vfi_flow.motion.luma import luma, subsample  # noqa: E402
from vfi_flow.motion.resize import halve  # noqa: E402


def test_luma_of_a_grey_image_is_its_grey():
    grey = torch.linspace(0, 1, 12).view(1, 1, 3, 4)

    assert torch.allclose(luma(grey.expand(1, 3, 3, 4)), grey, atol=WARP_FLOAT32)


def test_a_subsampled_picture_keeps_every_luma_and_the_mean_of_the_colours():
    image = as_image(moving_texture(16, 24))

    picture = subsample(image)

    assert torch.equal(picture.luma, luma(image))
    assert picture.colour.shape == (1, 3, 8, 12)
    assert torch.allclose(luma(picture.colour), torch.zeros(1, 1, 8, 12), atol=WARP_FLOAT32)
    assert torch.allclose(picture.half(), halve(image), atol=WARP_FLOAT32)
