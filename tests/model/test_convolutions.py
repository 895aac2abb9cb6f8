"""Convolutions of many channels look through a few."""

import pytest

torch = pytest.importorskip("torch")

from vfi_flow.model.layers import convolution, looking_through  # noqa: E402


def test_what_looks_through_few_channels_has_their_rank():
    layers = looking_through(4, 12, 10)
    mixture, inner = (layer.weight.detach() for layer in layers)

    whole = torch.einsum("orhw,ri->oihw", inner, mixture[:, :, 0, 0])  # the 3x3 convolution that both are
    image = torch.randn(1, 12, 9, 11)

    ranks = torch.linalg.matrix_rank(whole.permute(2, 3, 0, 1))
    assert ranks.tolist() == [[4] * 3] * 3
    expected = torch.nn.functional.conv2d(image, whole, layers[-1].bias, padding=1)
    torch.testing.assert_close(layers(image), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("rank", [None, 12, 16])
def test_few_channels_are_looked_at_directly(rank):
    [only] = looking_through(rank, 12, 10)

    assert only.weight.shape == (10, 12, 3, 3)


@pytest.mark.parametrize("rank", [None, 4])
def test_frames_go_on_for_ever_behind_their_border_if_asked_to(rank):
    flat = torch.ones(1, 12, 8, 8)

    inner = convolution(12, 10, border="replicate", rank=rank)(flat)
    dark = convolution(12, 10, rank=rank)(flat)

    torch.testing.assert_close(inner, inner[:, :, 3:4, 3:4].expand_as(inner))
    assert not torch.allclose(dark, dark[:, :, 3:4, 3:4].expand_as(dark))
