"""The brightness of colours."""

import pytest

torch = pytest.importorskip("torch")

from tolerances import WARP_FLOAT32  # noqa: E402

from vfi_flow.motion.luma import luma  # noqa: E402


def test_luma_of_a_grey_image_is_its_grey():
    grey = torch.linspace(0, 1, 12).view(1, 1, 3, 4)

    assert torch.allclose(luma(grey.expand(1, 3, 3, 4)), grey, atol=WARP_FLOAT32)
