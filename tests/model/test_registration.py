"""Motion between two frames: how large it may be."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
cv2 = pytest.importorskip("cv2")

from scripts import ROOT, load_script  # noqa: E402
from tiny_network import as_image, tiny_network  # noqa: E402

from vfi_flow.model.registration import Match, even  # noqa: E402
from vfi_flow.model.weights import find_weights, load_weights  # noqa: E402


def panned(moved: float) -> np.ndarray:
    """(320, 512, 3): structures of 8 to 64 pixels without a period, `moved` pixels further left."""
    picture = np.zeros((320, 512, 3), np.float32)
    for size in (8, 16, 32, 64):
        coarse = np.random.default_rng(size).normal(0, 26, (320 // size + 1, 768 // size + 1, 3)).astype(np.float32)
        whole = cv2.resize(coarse, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
        shift = np.float32([[1, 0, moved], [0, 1, 0]])
        picture += cv2.warpAffine(whole, shift, (512, 320), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return (picture + 128).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("pixels", [24, 96, 128])
def test_a_pan_is_found_however_far_it_goes(trained_model, pixels):
    """Within two pixels in nine places of ten of the middle; what begins at 1/16 loses 96 everywhere."""
    network = load_weights(find_weights(trained_model))[0].eval()
    with torch.no_grad():
        features = [network.encode(as_image(panned(moved))) for moved in (0, pixels)]
        motion = network.registration(*features).motion

    per_grid = 2 * network.config.downscale
    found = motion[:, 0] * per_grid
    margin = 128 // per_grid
    wrong = (found + pixels).abs()[:, margin:-margin, margin:-margin] > 2
    assert wrong.float().mean() < 0.1


@pytest.mark.parametrize("size", [(16, 16), (48, 80), (64, 32)])
def test_what_is_found_on_coarser_grids_fits_that_of_1_16(size):
    network = tiny_network()
    with torch.no_grad():
        features = network.encode(torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1)))
        far = network.registration.far(features, features)

    assert far.shape == (2, 2, *(side // 16 for side in size))
    assert far.abs().max() == 0, "what does not move is not far"


@pytest.mark.parametrize(("most", "taken"), [(None, True), ((0.3, 0.6), True), ((0.9, 0.95), False)])
def test_where_nothing_was_found_the_camera_moves_as_it_does_elsewhere(most, taken):
    """A third of the frame has lost the motion of a pan; most of it, but not nine tenths, follow the camera."""
    grid, pixels = slice(100, 200), 8
    image0, image1 = (as_image(panned(moved))[:, :, grid, grid] - 0.5 for moved in (0, pixels))
    truth = torch.tensor([-float(pixels), 0]).view(1, 2, 1, 1).expand(1, 2, 100, 100)
    motion = truth.clone()
    motion[..., 66:] = 0
    plane = torch.zeros(1, 1, 100, 100)
    match = Match(motion, plane, plane, motion, plane)

    made = tiny_network().registration.with_camera(image0, image1, match, most).motion

    wrong = (made - truth).abs().amax(1)[:, 8:-8, 8:-8] > 0.4
    assert (wrong.float().mean() < 0.05) == taken
    assert torch.allclose(made[..., 8:50], truth[..., 8:50], atol=0.4), "what was found stays"


@pytest.mark.parametrize("seed", [0, 1])
def test_a_fine_mesh_is_not_taken_for_one_that_moves_by_its_period(trained_model, seed):
    """It moves by 2 pixels; without a look at what hardly moves, two thirds to four fifths of it by more than 4."""
    modes = load_script(ROOT / "benchmarks" / "failure_modes.py")
    drawn = modes.CASES["mesh"].draw(np.random.default_rng([7, seed]), modes.Stage(256, 0.5))
    network = load_weights(find_weights(trained_model))[0].eval()
    with torch.no_grad():
        features = [network.encode(as_image(drawn.frames[number])) for number in (0, 2)]
        found = network.registration(*features).motion * network.config.flow_scale

    assert (found.norm(dim=1) > 4).float().mean() < 0.1


def test_an_odd_grid_is_made_even_by_its_last_row_and_column():
    grid = torch.arange(15.0).view(1, 1, 3, 5)

    made = even(grid)

    assert made.shape == (1, 1, 4, 6)
    assert torch.equal(made[..., :3, :5], grid) and made[0, 0, 3, 5] == 14
    assert even(made) is made or torch.equal(even(made), made)
