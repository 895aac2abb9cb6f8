"""Graphs that read their weights from the safetensors file beside them."""

import copy
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
safetensors = pytest.importorskip("safetensors")
safetensors_torch = pytest.importorskip("safetensors.torch")

from tiny_network import moving_texture, tiny_network  # noqa: E402
from vfi_flow.export.graph import EncodeGraph  # noqa: E402
from vfi_flow.export.to_onnx import PLAIN, STORED, finish, share_weights, tensor_places, trace  # noqa: E402
from vfi_flow.export.write import write_onnx  # noqa: E402

from vfi_flow import Interpolator  # noqa: E402
from vfi_flow.errors import ComponentError  # noqa: E402
from vfi_flow.inference.depth import as_floats  # noqa: E402
from vfi_flow.model.config import TINY  # noqa: E402
from vfi_flow.model.network import InterpolationNetwork  # noqa: E402
from vfi_flow.model.weights import Card, load_weights, packaged_weights, save_weights  # noqa: E402


@pytest.fixture(scope="module")
def encoder() -> "onnx.ModelProto":
    """A small graph that carries its weights."""
    return encoder_of(tiny_network())


def encoder_of(network: InterpolationNetwork) -> "onnx.ModelProto":
    graph = EncodeGraph(network)
    return finish(trace(graph), graph, {}, PLAIN)


def bytes_inside(model: "onnx.ModelProto") -> int:
    """Of numbers that the file itself holds."""
    return sum(len(tensor.raw_data) for tensor in model.graph.initializer)


def places_outside(model: "onnx.ModelProto") -> dict[str, dict[str, str]]:
    return {
        tensor.name: {entry.key: entry.value for entry in tensor.external_data}
        for tensor in model.graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    }


def features(model: str) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"frame": as_floats(moving_texture(32, 48)[None])})


def test_a_graph_that_shares_gives_the_same_numbers(encoder, tiny_model):
    shared = copy.deepcopy(encoder)
    share_weights(shared, tiny_model)
    path = tiny_model.with_name("shared_encoder.onnx")
    onnx.save(shared, path)

    for found, expected in zip(features(str(path)), features(encoder.SerializeToString()), strict=True):
        assert np.array_equal(found, expected)


def test_a_graph_that_shares_holds_no_weight_itself(encoder, tiny_model):
    shared = copy.deepcopy(encoder)
    share_weights(shared, tiny_model)
    parameters = [name for name, _ in tiny_network().named_parameters() if name.startswith("encoder.")]

    assert places_outside(shared).keys() == {f"network.{name}{STORED}" for name in parameters}
    moved = sum(int(place["length"]) for place in places_outside(shared).values())
    assert bytes_inside(encoder) - bytes_inside(shared) == 2 * moved  # half precision lies in the file
    assert len(shared.SerializeToString()) < len(encoder.SerializeToString()) / 2


@pytest.mark.parametrize("part", ["register", "compose_0", "compose_2", "synthesise_1"])
def test_graphs_that_share_keep_nothing_but_small_constants(split_model, part):
    model = onnx.load(split_model.with_name(f"tiny.{part}.onnx"), load_external_data=False)
    outside = places_outside(model)

    assert {place["location"] for place in outside.values()} == {split_model.name}
    assert max(len(tensor.raw_data) for tensor in model.graph.initializer) <= 8 * 25
    assert bytes_inside(model) < 0.02 * sum(int(place["length"]) for place in outside.values())


def test_the_packaged_graphs_are_small_and_hold_no_weights(packaged_model):
    weights = packaged_weights(packaged_model)
    graphs = sorted(weights.parent.glob(f"{packaged_model}.*.onnx"))

    assert len(graphs) == 6
    assert max(path.stat().st_size for path in graphs) < 1_000_000
    places = tensor_places(weights)
    for path in graphs:
        model = onnx.load(path, load_external_data=False)
        assert bytes_inside(model) < 0.001 * weights.stat().st_size
        for name, place in places_outside(model).items():
            assert (int(place["offset"]), int(place["length"])) == places[
                name.removeprefix("network.").removesuffix(STORED)
            ]


def test_places_are_where_the_tensors_lie(tiny_model):
    content = tiny_model.read_bytes()
    places = tensor_places(tiny_model)

    state = tiny_network().state_dict()
    assert places.keys() == state.keys()
    for name, (offset, length) in places.items():
        assert content[offset : offset + length] == state[name].half().numpy().tobytes(), name


@pytest.mark.parametrize("other", ["values", "shapes"])
def test_weights_that_are_not_those_of_the_graph_are_refused(encoder, tmp_path, other):
    path = tmp_path / "other.safetensors"
    network = tiny_network(seed=1)
    if other == "shapes":
        network.encoder.levels[0][0].weight = torch.nn.Parameter(torch.zeros(8, 3, 5, 5))
    save_weights(network, path, Card())

    with pytest.raises(ComponentError, match=r"other\.safetensors: encoder\.levels\.0\.0\.\w+ is not what the graph"):
        share_weights(copy.deepcopy(encoder), path)


@pytest.mark.parametrize("layout", ["split", "stream"])
def test_weights_in_single_precision_are_named_before_anything_is_written(tiny_model, tmp_path, layout):
    path = tmp_path / "wide.safetensors"
    with safetensors.safe_open(tiny_model, framework="pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (not a mapping)
        safetensors_torch.save_file(tensors, path, file.metadata())

    with pytest.raises(ComponentError) as caught:
        next(iter(write_onnx(path, tmp_path, [layout], [0])))

    complaint = f"{path}: layout {layout} reads weights that are stored in half precision (F16), found F32; "
    assert str(caught.value) == f"{complaint}the other layouts take them"
    assert list(tmp_path.iterdir()) == [path]


def test_a_fresh_network_shares_all_of_its_weights_too(tmp_path):
    """Zeros and ones of the start of training are weights like any other, none is folded away."""
    path = tmp_path / "fresh.safetensors"
    save_weights(InterpolationNetwork(TINY), path, Card())
    network, _, _ = load_weights(path)
    model = encoder_of(network)

    share_weights(model, path)

    assert len(places_outside(model)) == len(list(network.encoder.parameters()))


def test_graphs_refuse_weights_that_were_saved_again_since(tiny_model: Path, tmp_path: Path):
    folder = Path(shutil.copytree(tiny_model.parent, tmp_path / "copy"))
    weights = folder / tiny_model.name
    network, _, _ = load_weights(weights)
    save_weights(network, weights, Card(summary="the same values, told at greater length, lie elsewhere in the file"))

    advice = f"changed since its graphs were exported; run `vfi-flow export --layout stream --model {weights} "
    with pytest.raises(ComponentError, match=re.escape(advice)):
        Interpolator(weights)
