"""Motion found on halved frames and refined on whole ones."""

import pytest

torch = pytest.importorskip("torch")

from tiny_network import as_image, moving_texture, standard_noise, tiny_network  # noqa: E402

from vfi_flow.model.registration import Registration  # noqa: E402
from vfi_flow.model.scale import enlarge, halved  # noqa: E402
from vfi_flow.model.weights import find_weights, load_weights  # noqa: E402


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def waves(moved: float) -> torch.Tensor:
    return as_image(moving_texture(128, 192, dx=moved))


@pytest.mark.parametrize("halvings", [1, 2, 3])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 80), (112, 48)])
def test_frames_of_every_size_can_be_halved(halvings, height, width):
    """Half of 16 x 80 is no multiple of 16; of the smallest frame there is one pixel left, repeated."""
    network = tiny_network()
    frame0, frame1 = standard_noise(2, 1, 3, height, width).sigmoid()
    noise = standard_noise(1, 3, height, width, seed=1)

    made = network(frame0, frame1, torch.full((1, 1, 1, 1), 0.5), noise, torch.ones(1), 1, halvings)

    assert made.shape == frame0.shape
    assert made.isfinite().all()


def test_a_halved_frame_is_repeated_up_to_the_alignment():
    frame = standard_noise(1, 3, 16, 48)
    small = halved(frame)

    assert small.shape == (1, 3, 16, 32)
    assert torch.allclose(small[0, :, 0, 0], frame[0, :, :2, :2].mean((1, 2)))
    assert torch.equal(small[:, :, 8:], small[:, :, 7:8].expand(-1, -1, 8, -1))


@pytest.mark.parametrize("off", [-1.5, 0.0, 1.0])
def test_what_was_found_is_doubled_and_comes_nearer_to_the_truth(off):
    """Waves move by 8 pixels, 4 of the grid of the motion; on halved frames `off` / 2 of them were missed."""
    network = tiny_network()
    frame0, frame1 = (network.encode(waves(moved)) for moved in (0, 8))
    motion = torch.zeros(1, 2, 32, 48)
    motion[:, 0] = (-4 + off) / 2
    found = Registration(motion, torch.full((1, 1, 32, 48), 0.7), standard_noise(1, 8, 32, 48), torch.rand(1, 1, 1, 1))

    made = enlarge(found, frame0, frame1)

    error = (made.motion - torch.tensor([-4.0, 0.0]).view(1, 2, 1, 1)).abs()[:, :, 8:-8, 8:-8]
    assert error.mean() < 0.05 + 0.2 * abs(off)
    assert torch.allclose(made.mask, torch.full((1, 1, 64, 96), 0.7))
    assert made.context.shape == (1, 8, 64, 96)
    assert torch.equal(made.unexplained, found.unexplained)


def test_where_frames_agree_already_nothing_is_changed():
    network = tiny_network()
    frame = network.encode(waves(0))
    still = Registration(*(torch.zeros(1, count, 32, 48) for count in (2, 1, 8)), torch.zeros(1, 1, 1, 1))

    assert enlarge(still, frame, frame).motion.abs().max() == 0


def test_motion_of_halved_frames_is_what_registration_finds_of_them(trained_model):
    network = load_weights(find_weights(trained_model))[0].eval()
    frames = [waves(moved) for moved in (0, 6)]
    whole = [network.encode(frame) for frame in frames]
    small = network.registration(*(network.encode(halved(frame)) for frame in frames))

    made = network.register(*whole, halvings=1)

    assert torch.equal(made.motion, enlarge(small, *whole).motion)
    assert torch.equal(network.register(*whole).motion, network.registration(*whole).motion)
    assert (made.motion[:, 0] + 3).abs()[:, 16:-16, 16:-16].mean() < 0.1
