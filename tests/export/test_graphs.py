"""The exported graphs: portable operators, the network's own numbers, and metadata that a host can read."""

import collections
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tiny_network import STRENGTH, as_image, moving_texture, standard_noise, tiny_network  # noqa: E402
from tolerances import ONNX_FLOAT32  # noqa: E402
from vfi_flow.export.graph import FEATURES, EncodeGraph, EnlargeGraph, RegisterGraph, SynthesiseGraph  # noqa: E402
from vfi_flow.export.stream_graphs import ComposeGraph  # noqa: E402
from vfi_flow.export.write import write_onnx  # noqa: E402

from vfi_flow.errors import OutputError, UsageError  # noqa: E402
from vfi_flow.inference.depth import as_floats  # noqa: E402
from vfi_flow.model.network import InterpolationNetwork  # noqa: E402
from vfi_flow.model.weights import load_weights  # noqa: E402

RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
BRANCHES = {"If", "Loop", "Scan"}


@pytest.fixture(scope="module")
def network() -> InterpolationNetwork:
    return tiny_network()


@pytest.fixture(scope="module")
def native_files(tiny_model, tmp_path_factory) -> dict[int, Path]:
    """The whole integrator of 0, 1 and 2 steps, in a folder without the weights."""
    folder = tmp_path_factory.mktemp("native")
    return dict(enumerate(write_onnx(tiny_model, folder, ["native"], [0, 1, 2])))


@pytest.fixture(scope="module")
def natives(native_files) -> dict[int, "onnx.ModelProto"]:
    return {steps: onnx.load(path) for steps, path in native_files.items()}


@pytest.fixture(scope="module")
def sessions(native_files) -> dict[int, "onnxruntime.InferenceSession"]:
    return {steps: open_session(str(path)) for steps, path in native_files.items()}


def open_session(model: str) -> "onnxruntime.InferenceSession":
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def all_nodes(model: "onnx.ModelProto") -> "list[onnx.NodeProto]":
    return list(model.graph.node)


def attributes(node: "onnx.NodeProto") -> dict:
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_graph_holds_standard_operators_of_one_opset(natives, steps):
    model = natives[steps]

    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    assert {node.domain for node in all_nodes(model)} == {""}
    assert not model.functions


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_graph_has_no_chance_and_no_branches(natives, steps):
    operators = {node.op_type for node in all_nodes(natives[steps])}

    assert operators.isdisjoint(RANDOM | BRANCHES)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_warps_are_sampled_in_the_form_that_is_fast_everywhere(natives, steps):
    found = [attributes(node) for node in all_nodes(natives[steps]) if node.op_type == "GridSample"]

    # Large motion: features at 1/64, at 1/32 four times, at 1/16, pictures at 1/16 and at 1/8. Features at 1/8 and 1/4;
    # Lucas-Kanade at 1/8 before and after a step, twice at 1/4 and 1/2; the camera's motion and the other at 1/8 and
    # 1/4; what leads from rest, at 1/2, and the other at 1/8 and 1/2; in the fusion luma, colours, features and frames.
    # Whether motion explains the frames, at 1/4; that of the last level and the one before it. And twice the motion, as
    # it passes tau.
    assert len(found) == 2 * (9 + 2 + 2 + 2 + 2 + 4 + 3 + 4 + 1 + 2) + 2
    for form in found:
        assert form["mode"] in (b"bilinear", b"linear")
        assert form.get("padding_mode", b"zeros") == b"zeros"
        assert form.get("align_corners", 0) == 0


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_every_input_is_used_and_named_as_documented(natives, sessions, steps):
    names = ["frame0", "frame1", "tau", *(["noise", "strength"] if steps else [])]
    read = {name for node in all_nodes(natives[steps]) for name in node.input}

    assert [port.name for port in sessions[steps].get_inputs()] == names
    assert [port.name for port in sessions[steps].get_outputs()] == ["frame"]
    assert set(names) <= read
    assert {port.type for port in sessions[steps].get_inputs()} == {"tensor(float)"}
    assert sessions[steps].get_inputs()[0].shape == ["batch", 3, "height", "width"]


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 64, 96), (1, 16, 16), (2, 32, 80), (3, 112, 48)])
def test_onnxruntime_computes_what_torch_computes(network, sessions, steps, batch, height, width):
    frame0 = torch.cat([as_image(moving_texture(height, width, seed=i)) for i in range(batch)])
    frame1 = torch.cat([as_image(moving_texture(height, width, dx=1 + 2 * i, seed=i)) for i in range(batch)])
    noise, strength = standard_noise(batch, 3, height, width), torch.tensor([0.8])
    for first in (0.1, 0.5):
        tau = torch.linspace(first, 0.9, batch).view(batch, 1, 1, 1)
        with torch.no_grad():
            expected = network(frame0, frame1, tau, noise, strength, steps)
        inputs = {"frame0": frame0, "frame1": frame1, "tau": tau}
        inputs |= {"noise": noise, "strength": strength} if steps else {}

        [made] = sessions[steps].run(None, {name: value.numpy() for name, value in inputs.items()})

        assert np.abs(made - expected.numpy()).max() < ONNX_FLOAT32


def test_every_dial_changes_the_frame(sessions):
    inputs = {
        "frame0": as_image(moving_texture(32, 48)).numpy(),
        "frame1": as_image(moving_texture(32, 48, dx=3)).numpy(),
        "tau": np.full((1, 1, 1, 1), 0.5, np.float32),
        "noise": standard_noise(1, 3, 32, 48).numpy(),
        "strength": np.ones(1, np.float32),
    }
    [before] = sessions[1].run(None, inputs)

    for name, value in inputs.items():
        [after] = sessions[1].run(None, {**inputs, name: value * 0.5})
        assert np.abs(after - before).max() > 100 * ONNX_FLOAT32, name


def test_two_runs_are_equal_to_the_last_bit(sessions):
    frame = as_image(moving_texture(32, 48)).numpy()
    inputs = {"frame0": frame, "frame1": frame[..., ::-1].copy(), "tau": np.full((1, 1, 1, 1), 0.3, np.float32)}

    assert np.array_equal(sessions[0].run(None, inputs)[0], sessions[0].run(None, inputs)[0])


def test_a_frame_with_channels_last_becomes_the_features_of_the_network(network, tiny_model):
    frame = moving_texture(48, 32)
    session = open_session(str(tiny_model.with_name("tiny.encode.onnx")))

    made = session.run(None, {"frame": as_floats(np.stack([frame, frame[::-1]]))})

    assert [port.name for port in session.get_outputs()] == list(FEATURES)
    assert (session.get_inputs()[0].type, session.get_inputs()[0].shape[-1]) == ("tensor(float)", 3)
    with torch.no_grad():
        expected = network.encode(torch.cat([as_image(frame), as_image(frame[::-1].copy())]))
    for name, found, wanted in zip(FEATURES, made, expected, strict=True):
        assert np.abs(found - wanted.numpy()).max() < ONNX_FLOAT32, name


@pytest.mark.parametrize(("layout", "steps"), [("split", 1), ("stream", 0), ("stream", 1), ("stream", 2)])
def test_the_graphs_of_a_layout_in_parts_are_the_whole_integrator(network, split_model, layout, steps):
    """Two new frames of two pairs at once, channels last, features from the graph before."""
    frames = [np.stack([moving_texture(32, 64, dx=dx, seed=i) for i in range(2)]) for dx in (0, 3)]
    noise, strength = standard_noise(2, 3, 32, 64), torch.tensor([0.8])
    tau = torch.tensor([0.3, 0.6]).view(2, 1, 1, 1)
    encode = open_session(str(split_model.with_name("tiny.encode.onnx")))
    known = {"tau": tau.numpy(), "noise": noise.numpy(), "strength": strength.numpy()}
    for side, frame in enumerate(frames):
        maps = encode.run(None, {"frame": as_floats(frame)})
        known |= {f"{name}_{side}": value for name, value in zip(FEATURES, maps, strict=True)}

    def run(part):
        session = open_session(str(split_model.with_name(f"tiny.{part}.onnx")))
        made = session.run(None, {port.name: known[port.name] for port in session.get_inputs()})
        return dict(zip((port.name for port in session.get_outputs()), made, strict=True))

    known |= run("register")
    known |= {"intervals": np.zeros((2, 2, 1, 1), np.float32), "frame_width": np.full(1, 64, np.float32)}
    known |= dict.fromkeys(["motion_before", "motion_after"], known["motion"])
    made = run(f"{'compose' if layout == 'stream' else 'synthesise'}_{steps}")["frame"]

    images = [torch.cat([as_image(frame) for frame in pair]) for pair in frames]
    with torch.no_grad():
        expected = network(*images, tau, noise, strength, steps).permute(0, 2, 3, 1).numpy()
    assert (made.dtype, made.shape) == (np.float32, (2, 32, 64, 3))
    assert np.abs(made - expected).max() < ONNX_FLOAT32


def test_metadata_say_what_the_model_is(split_model, native_files):
    digest = load_weights(split_model)[2]
    streamed = ["compose_0", "compose_1", "compose_2"]
    of_split = ["encode", "register", "enlarge", "synthesise_1"]
    parts = {part: split_model.with_name(f"tiny.{part}.onnx") for part in [*of_split, *streamed]}
    parts |= {f"native_{steps}": path for steps, path in native_files.items()}

    for part, path in parts.items():
        metadata = open_session(str(path)).get_modelmeta().custom_metadata_map
        assert metadata["schema"] == "vfi_flow-1"
        assert (metadata["preset"], metadata["hash"], metadata["part"]) == ("tiny", digest, part)
        assert (float(metadata["strength"]), metadata["summary"]) == (STRENGTH, "untrained")
        assert metadata["layout"] == ("native" if "native" in part else "stream" if part in streamed else "split")


def test_the_parts_declare_the_shapes_that_come_out_of_them(network, split_model):
    """Channels and what never varies as numbers, all else by name; what a part gives, the next one takes."""
    parts = {"encode": EncodeGraph(network), "register": RegisterGraph(network), "enlarge": EnlargeGraph(network)}
    parts |= {"compose_1": ComposeGraph(network, 1), "synthesise_1": SynthesiseGraph(network, 1)}
    for part, graph in parts.items():
        session = open_session(str(split_model.with_name(f"tiny.{part}.onnx")))
        fed = {port.name: value.numpy() for port, value in zip(graph.inputs, graph.examples(64, 96), strict=True)}
        made = dict(zip((port.name for port in graph.outputs), session.run(None, fed), strict=True))
        found = {port.name: port.shape for port in (*session.get_inputs(), *session.get_outputs())}

        sizes: dict[str, int] = {}
        for name, value in (fed | made).items():
            for axis, size in zip(found[name], value.shape, strict=True):
                assert size == (axis if isinstance(axis, int) else sizes.setdefault(axis, size)), (part, name, axis)
            assert isinstance(found[name][3 if name == "frame" else min(1, value.ndim - 1)], int), (part, name)


def test_native_files_stand_alone(native_files, natives):
    assert [path.name for path in native_files.values()] == [f"tiny.native_{steps}.onnx" for steps in (0, 1, 2)]
    assert {file.name for file in native_files[0].parent.iterdir()} == {path.name for path in native_files.values()}
    for model in natives.values():
        assert not any(tensor.external_data for tensor in model.graph.initializer)


@pytest.mark.parametrize(
    ("folder", "layout", "kind", "complaint"),
    [
        ("gone", "native", OutputError, "gone: no such folder"),
        ("", "round", UsageError, "unknown layout 'round'; there are stream, split, native"),
    ],
    ids=["folder", "layout"],
)
def test_what_cannot_be_exported_is_refused_before_anything_is_written(
    tiny_model, tmp_path, folder, layout, kind, complaint
):
    with pytest.raises(kind) as caught:
        list(write_onnx(tiny_model, tmp_path / folder, [layout], [0]))

    assert complaint in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_weights_come_along_where_graphs_read_them(tiny_model, tmp_path):
    list(write_onnx(tiny_model, tmp_path, ["split"], [0]))

    assert (tmp_path / tiny_model.name).read_bytes() == tiny_model.read_bytes()
    (tmp_path / tiny_model.name).write_bytes(b"others")
    with pytest.raises(OutputError, match=r"tiny\.safetensors exists and holds other weights"):
        list(write_onnx(tiny_model, tmp_path, ["split"], [0]))
    assert (tmp_path / tiny_model.name).read_bytes() == b"others"


def test_the_correlations_of_a_step_cost_what_their_displacements_cost(natives):
    """A product and a sum for each of 25 displacements: 2 at 1/64, 5 at 1/32, one at 1/16 and 1/8; of 9 at 1/4."""
    operators = collections.Counter(
        node.op_type
        for node in all_nodes(natives[0])
        if "_score" in node.output[0] or node.output[0].endswith("_product")
    )

    assert operators == dict.fromkeys(("Mul", "ReduceSum", "Unsqueeze"), 9 * 25 + 9)
