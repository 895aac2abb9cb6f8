"""Half precision, warps without GridSample and fixed sizes: other files, the same frames."""

import collections
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tiny_network import STRENGTH, tiny_network  # noqa: E402
from tolerances import FP16_LOST, FP16_PSNR, ONNX_FLOAT32  # noqa: E402
from vfi_flow.export import to_onnx  # noqa: E402
from vfi_flow.export.host_graphs import ThreeInputGraph  # noqa: E402
from vfi_flow.export.parity import answer, ask, psnr  # noqa: E402
from vfi_flow.export.rules import broken_rules  # noqa: E402
from vfi_flow.export.tidy import element_types, merge_repeated  # noqa: E402
from vfi_flow.export.to_onnx import Variant, finish  # noqa: E402

FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
VARIANTS = {
    "plain": Variant(),
    "fp16": Variant(precision="fp16"),
    "gather": Variant(warp="gather"),
    "fp16.gather": Variant(precision="fp16", warp="gather"),
    "48x32": Variant(size=(48, 32)),
}


@pytest.fixture(scope="module")
def graph() -> ThreeInputGraph:
    return ThreeInputGraph(tiny_network(), 1, STRENGTH)


@pytest.fixture(scope="module")
def traced(graph) -> "onnx.ModelProto":
    return to_onnx.trace(graph)


@pytest.fixture(scope="module")
def models(graph, traced) -> dict[str, "onnx.ModelProto"]:
    return {name: finish(traced, graph, {}, variant) for name, variant in VARIANTS.items()}


@pytest.fixture(scope="module")
def sessions(models) -> dict:
    return {name: open_session(model) for name, model in models.items()}


def open_session(model: "onnx.ModelProto") -> "onnxruntime.InferenceSession":
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def answering_weights(graph: ThreeInputGraph) -> set[str]:
    """Of the heads and of what leads into them, by their names in a file."""
    return {f"network.{name}" for name in graph.network.state_dict() if name.endswith(("narrow.weight", "head.weight"))}


def run(session, graph, question) -> np.ndarray:
    names = [port.name for port in graph.inputs]
    values = [value.numpy() for value in graph.feed(question)]
    return session.run(None, dict(zip(names, values, strict=True)))[0]


def operators(model) -> collections.Counter:
    return collections.Counter(node.op_type for node in model.graph.node)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_keeps_to_the_rules(models, name):
    onnx.checker.check_model(models[name], full_check=True)

    assert broken_rules(models[name]) == []


@pytest.mark.parametrize(("batch", "height", "width"), [(1, 1, 1), (1, 32, 48), (3, 45, 83)])
def test_gathered_warps_give_the_same_frames(graph, sessions, batch, height, width):
    question, _ = ask(height, width, batch, 0.3, STRENGTH)

    made = run(sessions["gather"], graph, question)

    assert np.abs(made - answer(graph.network, question, 1).numpy()).max() < ONNX_FLOAT32


def test_gathered_warps_need_no_grid_sample(models):
    plain, gathered = operators(models["plain"]), operators(models["gather"])

    assert (plain["GridSample"], gathered["GridSample"]) == (64, 0)
    assert gathered["Gather"] - plain["Gather"] == 4 * 64


@pytest.mark.parametrize("name", ["fp16", "fp16.gather"])
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 32, 48), (3, 90, 161)])
def test_half_precision_is_as_near_to_the_truth(graph, sessions, name, batch, height, width):
    for tau in (0.2, 0.5):
        question, truth = ask(height, width, batch, tau, STRENGTH)
        made, expected = run(sessions[name], graph, question), answer(graph.network, question, 1).numpy()

        assert psnr(made, expected) > FP16_PSNR
        assert psnr(expected, truth) - psnr(made, truth) < FP16_LOST
        assert not np.array_equal(made, run(sessions["plain"], graph, question))


def test_half_precision_takes_the_inner_convolutions_and_nothing_else(graph, models):
    model = models["fp16"]
    types = element_types(model)
    kinds = collections.defaultdict(set)
    for node in model.graph.node:
        kinds[node.op_type].update(types.get(name) for name in node.input if name in types)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    convolutions = {node.input[1]: types[node.input[0]] for node in model.graph.node if node.op_type == "Conv"}
    full = {name for name, kind in convolutions.items() if kind == FLOAT and name in weights}

    assert full == answering_weights(graph)
    assert sum(kind == HALF for kind in convolutions.values()) > 20
    for operator in ("GridSample", "Floor", "Clip", "Resize", "Pad", "ReduceSum", "Softmax", "Gemm", "Div"):
        assert HALF not in kinds[operator], operator
    ports = {port.type.tensor_type.elem_type for port in (*model.graph.input, *model.graph.output)}
    assert ports == {FLOAT}


def test_half_precision_halves_the_weights(models):
    sizes = {
        name: sum(len(t.raw_data) for t in models[name].graph.initializer if t.name.startswith("network."))
        for name in ("plain", "fp16")
    }

    assert 0.5 <= sizes["fp16"] / sizes["plain"] < 0.7


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "fp16", "fp16.gather"])
def test_variants_hold_at_3840x2160(graph, sessions, name):
    """Where half precision names every second pixel only: the right half of the frame is looked at on its own."""
    question, truth = ask(2160, 3840, 1, 0.5, STRENGTH)
    expected = answer(graph.network, question, 1).numpy()

    made = run(sessions[name], graph, question)

    for part in (slice(0, 3840), slice(2048, 3840)):
        ours, theirs, true = made[..., part], expected[..., part], truth[..., part]
        assert psnr(ours, theirs) > FP16_PSNR
        assert psnr(theirs, true) - psnr(ours, true) < FP16_LOST


def test_a_fixed_size_is_in_the_file_and_a_timestep_is_a_number_or_a_plane(graph, models, sessions):
    shapes = {port.name: port.shape for port in (*sessions["48x32"].get_inputs(), *sessions["48x32"].get_outputs())}
    assert shapes == {
        "img0": [1, 3, 32, 48],
        "img1": [1, 3, 32, 48],
        "timestep": [1, 1, "timestep_height", "timestep_width"],
        "output": [1, 3, 32, 48],
    }

    question, _ = ask(32, 48, 1, 0.5, STRENGTH)
    made = run(sessions["48x32"], graph, question)
    plane = replace(question, tau=question.tau.expand(1, 1, 32, 48).contiguous())

    assert np.array_equal(run(sessions["48x32"], graph, plane), made)
    assert np.abs(made - answer(graph.network, question, 1).numpy()).max() < ONNX_FLOAT32
    with pytest.raises(Exception, match="invalid dimensions"):
        run(sessions["48x32"], graph, ask(32, 64, 1, 0.5, STRENGTH)[0])


def test_sizes_are_dynamic_otherwise(sessions):
    shapes = {port.name: port.shape for port in (*sessions["plain"].get_inputs(), *sessions["plain"].get_outputs())}

    assert shapes["img0"] == shapes["img1"] == shapes["output"] == ["batch", 3, "height", "width"]
    assert shapes["timestep"] == ["timestep_batch", 1, "timestep_height", "timestep_width"]


def test_nothing_is_computed_twice(models):
    for model in models.values():
        seen = [
            (node.op_type, *node.input, *sorted(a.SerializeToString() for a in node.attribute))
            for node in model.graph.node
        ]
        assert len(seen) == len(set(seen))
        assert "Identity" not in operators(model)


def test_a_tidy_graph_stays_as_it_is(models):
    again = onnx.ModelProto()
    again.CopyFrom(models["plain"])

    merge_repeated(again)

    assert len(again.graph.node) == len(models["plain"].graph.node)


def test_casts_of_constants_are_done_before(models):
    for model in models.values():
        constants = {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
        assert constants
        assert not [node for node in model.graph.node if node.op_type == "Cast" and node.input[0] in constants]


def broken(change) -> list[str]:
    """What the rules say of a small graph that `change` did something to."""
    ports = [onnx.helper.make_tensor_value_info(name, FLOAT, [1, 1, 4, 4]) for name in ("image", "result")]
    grid = onnx.helper.make_tensor_value_info("grid", FLOAT, [1, 4, 4, 2])
    node = onnx.helper.make_node("GridSample", ["image", "grid"], ["result"], mode="bilinear")
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "warp", [ports[0], grid], [ports[1]]),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
    )
    change(model)
    return broken_rules(model)


def set_padding(model) -> None:
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("padding_mode", "border"))


def set_opset(model) -> None:
    model.opset_import[0].version = 20


def set_operator(name: str, domain: str = ""):
    def change(model) -> None:
        model.graph.node[0].op_type, model.graph.node[0].domain = name, domain

    return change


def add_double(model) -> None:
    number = onnx.numpy_helper.from_array(np.float64(0.5))
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["half"], value=number))


def into_a_loop(change):
    """`change`, done to a node in the body of a Loop in place of the node itself."""

    def moved(model) -> None:
        change(model)
        body = onnx.GraphProto()
        body.CopyFrom(model.graph)
        del model.graph.node[:]
        model.graph.node.append(onnx.helper.make_node("Loop", ["", "", "image"], ["result"], body=body))

    return moved


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda model: None, []),
        (add_double, ["Constant of doubles, which WebGPU cannot run"]),
        (set_padding, ["GridSample must be {'mode': b'bilinear'"]),
        (set_opset, ["operators are those of opset 18 alone, found [('', 20)]"]),
        (set_operator("Loop"), ["Loop must not be in a graph"]),
        (set_operator("RandomNormalLike"), ["RandomNormalLike must not be in a graph"]),
        (set_operator("FusedConv", "com.microsoft"), ["com.microsoft.FusedConv is no standard operator"]),
        (
            into_a_loop(set_operator("RandomNormalLike")),
            ["Loop must not be in a graph", "RandomNormalLike must not be in a graph"],
        ),
        (into_a_loop(set_padding), ["Loop must not be in a graph", "GridSample must be {'mode': b'bilinear'"]),
        (into_a_loop(add_double), ["Loop must not be in a graph", "Constant of doubles, which WebGPU cannot run"]),
    ],
    ids=[
        "fine",
        "double",
        "padding",
        "opset",
        "branch",
        "chance",
        "domain",
        "chance inside",
        "padding inside",
        "inside",
    ],
)
def test_what_some_runtime_would_stumble_over_is_named(change, complaint):
    found = broken(change)

    assert len(found) == len(complaint)
    assert all(sentence.startswith(start) for sentence, start in zip(found, complaint, strict=True))
