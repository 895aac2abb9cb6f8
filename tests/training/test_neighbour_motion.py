"""Motion in training: what the frames around add to it, and that nothing is learned from them."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_network import moving_texture, tiny_network  # noqa: E402

from vfi_flow.model.config import TINY  # noqa: E402
from vfi_flow.model.network import InterpolationNetwork  # noqa: E402
from vfi_flow.motion.resize import double_flow  # noqa: E402
from vfi_flow.training.batches import Batch, collate, to_batch  # noqa: E402
from vfi_flow.training.neighbour_motion import Moved, move  # noqa: E402
from vfi_flow.training.sample import Beside, Sample  # noqa: E402

SIDE = 64


def sample(intervals: tuple[float, float], side: int = SIDE) -> Sample:
    """Frames of a texture that speeds up: at 0, 2, 6 and 12 pixels."""
    before, frame0, frame1, after = (moving_texture(side, side, dx=dx) for dx in (0, 2, 6, 12))
    truth = moving_texture(side, side, dx=4)
    unknown = np.zeros((6, side // 2, side // 2), np.float32)
    return Sample(frame0, frame1, truth, 0.5, unknown[:4], unknown[4:], Beside(before, after, intervals, side))


def batch_of(*samples: Sample) -> Batch:
    return to_batch(**collate(list(samples)))


def even_of(moved: Moved) -> "torch.Tensor":
    """(B, 4, H/2, W/2): what the two frames show by themselves, on the finest grid."""
    return moved.flows[-1][1]


def test_only_frames_that_are_known_change_the_path():
    both, alone = sample((1, 1)), sample((0, 0))
    moved = move(tiny_network(), batch_of(both, alone, replace(both, beside=None)))
    ahead = moved.course.flow - even_of(moved)

    assert ahead[0].abs().max() > 0
    assert ahead[1:].abs().max() == 0
    # The place is moved, not the distance between the frames.
    assert torch.allclose(ahead[:, :2], ahead[:, 2:], atol=1e-4)


def test_a_frame_has_the_path_that_it_has_alone_in_a_batch():
    samples = sample((1, 1)), sample((0, 1)), sample((1, 0))
    network = tiny_network()
    together = move(network, batch_of(*samples)).course.flow

    for row, one in enumerate(samples):
        assert torch.allclose(move(network, batch_of(one)).course.flow[0], together[row], atol=1e-4)


def test_what_even_motion_should_find_leaves_out_what_the_frames_around_add():
    batch = batch_of(sample((1, 1)))
    moved = move(tiny_network(), batch)

    assert torch.equal(moved.even_flow, batch.flow - (moved.course.flow - even_of(moved)))


def test_motion_found_on_halved_frames_is_compared_on_the_grid_of_the_batch():
    network = InterpolationNetwork(replace(TINY, downscale=2)).eval()
    batch = batch_of(sample((1, 1), side=80))  # halved and padded to 48: the grids are not multiples of each other
    moved = move(network, batch)

    ahead = double_flow(moved.course.flow - even_of(moved))[..., :40, :40]
    assert ahead.abs().max() > 0
    assert torch.equal(moved.even_flow, batch.flow - ahead)


def test_nothing_is_learned_from_the_frames_around():
    network = tiny_network()
    moved = move(network, batch_of(sample((1, 1))))

    assert moved.course.flow.requires_grad
    grads = [
        torch.autograd.grad(flow.sum(), network.registration.at_4.head.weight, retain_graph=True)[0]
        for flow in (moved.course.flow, even_of(moved))
    ]
    assert torch.equal(*grads)
