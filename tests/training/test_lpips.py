"""The architecture of LPIPS with random weights; with real weights (VFI_FLOW_LPIPS names the file) its known order."""

import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
cv2 = pytest.importorskip("cv2")

from tolerances import LPIPS_FLOAT32  # noqa: E402

from vfi_flow.errors import InputError  # noqa: E402
from vfi_flow.training.lpips import Lpips, expected_shapes, load_lpips  # noqa: E402
from vfi_flow.training.metrics import lpips_distance  # noqa: E402


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    made = {}
    for name, shape in expected_shapes().items():
        values = random.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
        made[name] = (np.abs(values) if name.startswith("lin") else values).astype(np.float32)
    return made


@pytest.fixture(scope="module")
def lpips(weights) -> Lpips:
    return Lpips({name: torch.from_numpy(array) for name, array in weights.items()})


def images(count: int, size: int = 40, seed: int = 0) -> "torch.Tensor":
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def slow_lpips(weights: dict[str, np.ndarray], image: np.ndarray, other: np.ndarray) -> float:
    """The formula on two (3, H, W) arrays in [0, 1], convolution as a loop over the output pixels."""

    def features(x: np.ndarray) -> list[np.ndarray]:
        shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
        x = (2 * x - 1 - shift[:, None, None]) / scale[:, None, None]
        levels = []
        for level, (stride, padding) in enumerate([(4, 2), (1, 2), (1, 1), (1, 1), (1, 1)]):
            if level in (1, 2):
                rows, columns = ((n - 3) // 2 + 1 for n in x.shape[1:])
                x = np.array(
                    [
                        [x[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max(axis=(1, 2)) for j in range(columns)]
                        for i in range(rows)
                    ]
                ).transpose(2, 0, 1)
            kernel, bias = weights[f"conv{level}.weight"].astype(float), weights[f"conv{level}.bias"]
            size = kernel.shape[-1]
            x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
            rows, columns = ((n - size) // stride + 1 for n in x.shape[1:])
            flat = kernel.reshape(len(kernel), -1)
            x = np.array(
                [
                    [
                        flat @ x[:, i * stride : i * stride + size, j * stride : j * stride + size].ravel() + bias
                        for j in range(columns)
                    ]
                    for i in range(rows)
                ]
            ).transpose(2, 0, 1)
            x = np.maximum(x, 0)
            levels.append(x / np.linalg.norm(x, axis=0))
        return levels

    return sum(
        float((weights[f"lin{level}.weight"][0] * (a - b) ** 2).sum(axis=0).mean())
        for level, (a, b) in enumerate(zip(features(image), features(other), strict=True))
    )


def test_agrees_with_the_formula_pixel_by_pixel(lpips, weights):
    image, other = images(2)

    expected = slow_lpips(weights, image.double().numpy(), other.double().numpy())
    assert lpips(image[None], other[None]).item() == pytest.approx(expected, rel=LPIPS_FLOAT32)


def test_is_zero_for_equal_images_symmetric_and_positive_otherwise(lpips):
    image, other = images(3), images(3, seed=1)

    assert lpips(image, image).tolist() == [0, 0, 0]
    assert torch.allclose(lpips(image, other), lpips(other, image))
    assert (lpips(image, other) > 0).all()


def test_a_batch_is_its_images_one_by_one(lpips):
    image, other = images(3), images(3, seed=1)
    one_by_one = torch.cat([lpips(a[None], b[None]) for a, b in zip(image, other, strict=True)])

    assert torch.allclose(lpips(image, other), one_by_one, rtol=LPIPS_FLOAT32)


def test_descending_its_gradient_brings_an_image_nearer(lpips):
    """Also that black, where all activations can be zero, has a gradient and no NaN."""
    image, target = torch.zeros(1, 3, 40, 40, requires_grad=True), images(1)
    lpips(image, target).sum().backward()
    gradient = image.grad

    assert torch.isfinite(gradient).all()
    assert lpips(image - 0.01 * gradient / gradient.abs().max(), target) < lpips(image, target)


def test_frames_that_are_too_small_have_no_distance(lpips):
    small, enough = (np.zeros((size, 64, 3), np.uint8) for size in (30, 31))

    assert np.isnan(lpips_distance(lpips, small, small))
    assert lpips_distance(lpips, enough, enough) == 0


def test_weights_are_read_from_a_file(tmp_path, weights, lpips):
    np.savez(tmp_path / "weights.npz", **weights)

    assert torch.equal(
        load_lpips(tmp_path / "weights.npz")(images(1), images(1, seed=1)), lpips(images(1), images(1, seed=1))
    )


def test_a_bad_file_is_named_in_one_sentence(tmp_path, weights):
    (tmp_path / "text.npz").write_text("not weights")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 and no more")
    np.savez(tmp_path / "few.npz", **{name: array for name, array in weights.items() if name != "lin3.weight"})
    np.savez(tmp_path / "shape.npz", **{**weights, "conv0.bias": np.zeros(3)})

    for name, reason in {
        "missing": "no such file",
        "text": "not an .npz file",
        "cut": "not an .npz file",
        "few": "'lin3.weight' is missing",
        "shape": r"'conv0.bias' must have the shape \(64,\), got \(3,\)",
    }.items():
        with pytest.raises(InputError, match=f"{name}.npz: {reason}"):
            load_lpips(tmp_path / f"{name}.npz")


@pytest.mark.skipif("VFI_FLOW_LPIPS" not in os.environ, reason="VFI_FLOW_LPIPS does not name the weights of LPIPS")
def test_real_weights_prefer_a_small_shift_to_a_blur_of_the_same_error():
    """What the metric is for: a texture moved by a pixel looks right, a blurred one does not, whatever PSNR says."""
    real = load_lpips(Path(os.environ["VFI_FLOW_LPIPS"]))
    noise = np.random.default_rng(0).integers(0, 256, (129, 129, 3), dtype=np.uint8)
    picture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5).astype(float), None, 0, 255, cv2.NORM_MINMAX)
    truth, moved = picture[:128, :128].astype(np.uint8), picture[1:, 1:].astype(np.uint8)
    blurred = cv2.GaussianBlur(truth, (0, 0), 3)

    assert lpips_distance(real, moved, truth) < 0.5 * lpips_distance(real, blurred, truth)
