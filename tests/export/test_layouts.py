"""Every layout answers with the network's own frame, whatever its inputs look like."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tiny_network import STRENGTH, as_image, moving_texture, tiny_network  # noqa: E402
from tolerances import ONNX_FLOAT32  # noqa: E402
from vfi_flow.export.fixed_noise import fixed_noise  # noqa: E402
from vfi_flow.export.parity import ask  # noqa: E402
from vfi_flow.export.write import write_onnx  # noqa: E402

from vfi_flow.inference.padding import pad_frame  # noqa: E402
from vfi_flow.model.config import TINY  # noqa: E402
from vfi_flow.model.network import InterpolationNetwork  # noqa: E402

HOSTS = {"3in": 1, "7ch": 1, "11ch": 0, "u8": 0}
"""Layouts for hosts and the steps they are tried with; tracing takes seconds."""
SIZES = [(1, 64, 96), (1, 1, 1), (1, 16, 17), (3, 37, 51)]
TAUS = (0.125, 0.5, 0.8)


@pytest.fixture(scope="module")
def network() -> InterpolationNetwork:
    return tiny_network()


@pytest.fixture(scope="module")
def files(tiny_model, tmp_path_factory) -> dict:
    """The layouts for hosts, and the three-input one with 0 steps besides."""
    folder = tmp_path_factory.mktemp("hosts")
    wanted = [*HOSTS.items(), ("3in", 0)]
    return {key: next(iter(write_onnx(tiny_model, folder, [key[0]], [key[1]]))) for key in wanted}


@pytest.fixture(scope="module")
def sessions(files) -> dict:
    return {key: open_session(path.read_bytes()) for key, path in files.items()}


def open_session(model: bytes) -> "onnxruntime.InferenceSession":
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def two_frames(batch: int, height: int, width: int) -> list[np.ndarray]:
    """Two arrays (batch, height, width, 3) uint8; every pair of a batch moves differently."""
    return [
        np.stack([moving_texture(height, width, dx=moved * (1 + 2 * i), seed=i) for i in range(batch)])
        for moved in (0, 1)
    ]


def planes(frames: np.ndarray) -> np.ndarray:
    return frames.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)


def inputs(layout: str, frames0: np.ndarray, frames1: np.ndarray, tau: float) -> dict[str, np.ndarray]:
    batch, height, width, _ = frames0.shape
    plane = np.full((batch, 1, height, width), tau, np.float32)
    if layout == "u8":
        return {"frame0": frames0, "frame1": frames1, "tau": np.full(batch, tau, np.float32)}
    if layout == "3in":
        return {"img0": planes(frames0), "img1": planes(frames1), "timestep": plane}
    stacked = [planes(frames0), planes(frames1), plane]
    if layout == "11ch":
        x = np.broadcast_to(np.linspace(-1, 1, width, dtype=np.float32), plane.shape)
        y = np.broadcast_to(np.linspace(-1, 1, height, dtype=np.float32)[:, None], plane.shape)
        stacked += [x, y, np.full_like(plane, 2 / max(width - 1, 1)), np.full_like(plane, 2 / max(height - 1, 1))]
    return {"input": np.concatenate(stacked, 1)}


def expected(network, frames0: np.ndarray, frames1: np.ndarray, tau: float, steps: int) -> np.ndarray:
    """(batch, 3, height, width): every pair on its own, padded and cropped outside of the network."""
    height, width = frames0.shape[1:3]
    made = []
    for frame0, frame1 in zip(frames0, frames1, strict=True):
        image0, image1 = as_image(pad_frame(frame0)), as_image(pad_frame(frame1))
        noise = torch.from_numpy(fixed_noise(*image0.shape[-2:]))
        place, strength = torch.full((1, 1, 1, 1), tau), torch.tensor([STRENGTH])
        with torch.no_grad():
            made.append(network(image0, image1, place, noise, strength, steps).numpy())
    return np.concatenate(made)[:, :, :height, :width]


@pytest.mark.parametrize("layout", ["3in", "7ch", "11ch"])
@pytest.mark.parametrize(("batch", "height", "width"), SIZES)
def test_a_layout_of_floats_takes_any_size_and_gives_the_frame_of_the_network(
    network, sessions, layout, batch, height, width
):
    frames = two_frames(batch, height, width)
    for tau in TAUS:
        [made] = sessions[layout, HOSTS[layout]].run(None, inputs(layout, *frames, tau))

        assert (made.dtype, made.shape) == (np.float32, (batch, 3, height, width))
        assert np.abs(made - expected(network, *frames, tau, HOSTS[layout])).max() < ONNX_FLOAT32


@pytest.mark.parametrize(("batch", "height", "width"), SIZES)
def test_bytes_in_are_bytes_out(network, sessions, batch, height, width):
    frames = two_frames(batch, height, width)
    for tau in TAUS:
        [made] = sessions["u8", 0].run(None, inputs("u8", *frames, tau))

        exact = expected(network, *frames, tau, 0).transpose(0, 2, 3, 1) * 255
        assert (made.dtype, made.shape) == (np.uint8, (batch, height, width, 3))
        assert np.abs(made - exact).max() < 0.5 + 255 * ONNX_FLOAT32


def test_another_number_of_steps_is_unrolled_in_a_file_of_its_own(network, sessions):
    frames = two_frames(1, 40, 24)

    [made] = sessions["3in", 0].run(None, inputs("3in", *frames, 0.5))

    assert np.abs(made - expected(network, *frames, 0.5, 0)).max() < ONNX_FLOAT32
    assert np.abs(made - expected(network, *frames, 0.5, 1)).max() > 10 * ONNX_FLOAT32


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 1, 1, 1), (1, 1, 20, 30), (3, 1, 20, 30)])
def test_timestep_is_a_plane_or_a_number_for_one_or_for_all(sessions, shape):
    frames = two_frames(3, 20, 30)
    wanted = sessions["3in", 1].run(None, inputs("3in", *frames, 0.25))[0]

    fed = inputs("3in", *frames, 0.25) | {"timestep": np.full(shape, 0.25, np.float32)}

    assert np.array_equal(sessions["3in", 1].run(None, fed)[0], wanted)


def test_every_pair_of_a_batch_has_its_own_place(sessions):
    frames = two_frames(2, 24, 40)
    apart = [sessions["3in", 1].run(None, inputs("3in", *frames, tau))[0] for tau in (0.25, 0.75)]

    fed = inputs("3in", *frames, 0.5) | {"timestep": np.array([0.25, 0.75], np.float32).reshape(2, 1, 1, 1)}

    [made] = sessions["3in", 1].run(None, fed)
    assert np.abs(made - np.stack([apart[0][0], apart[1][1]])).max() < ONNX_FLOAT32


@pytest.mark.parametrize("layout", HOSTS)
@pytest.mark.parametrize(("tau", "index"), [(0.0, 0), (-0.5, 0), (1.0, 1), (1.5, 1)])
def test_at_the_ends_and_beyond_a_layout_for_hosts_gives_the_frames_themselves(sessions, layout, tau, index):
    frames = two_frames(2, 33, 47)

    [made] = sessions[layout, HOSTS[layout]].run(None, inputs(layout, *frames, tau))

    assert np.array_equal(made, frames[index] if layout == "u8" else planes(frames[index]))


@pytest.mark.parametrize("downscale", [1, 2])
def test_no_place_turns_a_frame_of_the_network_into_nan(downscale):
    """Beside fast, which finds motion on a halved picture, base."""
    network = InterpolationNetwork(replace(TINY, downscale=downscale)).eval()
    question, _ = ask(64, 96, 4, 0.5, STRENGTH)
    tau = torch.tensor([0.0, 1.0, -0.5, 1.5]).view(4, 1, 1, 1)

    with torch.no_grad():
        made = network(question.frame0, question.frame1, tau, question.noise, question.strength, 1)

    assert made.isfinite().all()


def test_the_grid_of_eleven_planes_is_not_read(sessions):
    fed = inputs("11ch", *two_frames(1, 32, 32), 0.5)["input"]
    nonsense = fed.copy()
    nonsense[:, 7:] = np.nan

    first, second = (sessions["11ch", 0].run(None, {"input": value})[0] for value in (fed, nonsense))

    assert np.array_equal(first, second)


@pytest.mark.parametrize("count", [7, 11])
def test_vs_mlrt_can_take_the_file(files, count):
    """Its plugins fix batch and size of the one input, infer shapes, and read the frame size off the session."""
    height, width = 54, 67
    path = files[f"{count}ch", HOSTS[f"{count}ch"]]
    model = onnx.load(path)
    [given], [result] = model.graph.input, model.graph.output
    shapes = [value.type.tensor_type.shape.dim for value in (given, result)]
    assert [len(shape) for shape in shapes] == [4, 4]
    assert {value.type.tensor_type.elem_type for value in (given, result)} == {onnx.TensorProto.FLOAT}
    for axis, value in ((0, 1), (2, height), (3, width)):
        shapes[0][axis].dim_value = value
    shapes[1][0].dim_value = 1
    del model.graph.value_info[:]

    session = open_session(onnx.shape_inference.infer_shapes(model).SerializeToString())

    [port], [made] = session.get_inputs(), session.get_outputs()
    clips = [3, 3, 1, *([1, 1, 1, 1] if count == 11 else [])]  # planes of the clips that vsmlrt.py hands over
    assert port.shape == [1, sum(clips), height, width]
    assert made.shape == [1, 3, height, width]
    fed = inputs(f"{count}ch", *two_frames(1, height, width), 0.5)
    plain = open_session(path.read_bytes())
    assert np.abs(session.run(None, fed)[0] - plain.run(None, fed)[0]).max() < ONNX_FLOAT32
