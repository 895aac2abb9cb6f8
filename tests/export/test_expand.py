"""The correlation written out in standard operators gives the correlation."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tolerances import CORRELATION_FLOAT32  # noqa: E402
from vfi_flow.export.expand import DOMAIN, OPERATOR, expand_correlations  # noqa: E402

from vfi_flow.motion.correlation import local_correlation  # noqa: E402


def features(name: str) -> "onnx.ValueInfoProto":
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", "channels", "height", "width"])


def correlations(*radii: int) -> "onnx.ModelProto":
    """A graph of one correlation node per radius, all of the same two maps."""
    nodes = [
        onnx.helper.make_node(OPERATOR, ["features0", "features1"], [f"scores_{i}"], domain=DOMAIN, radius=radius)
        for i, radius in enumerate(radii)
    ]
    outputs = [features(f"scores_{i}") for i in range(len(radii))]
    graph = onnx.helper.make_graph(nodes, "correlations", [features("features0"), features("features1")], outputs)
    opsets = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid(DOMAIN, 1)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)


def run(model: "onnx.ModelProto", *maps: "torch.Tensor") -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {f"features{i}": value.numpy() for i, value in enumerate(maps)})


@pytest.mark.parametrize(("batch", "height", "width"), [(1, 1, 1), (1, 9, 14), (2, 5, 3)])
def test_the_expanded_node_computes_the_correlation_at_any_size(batch, height, width):
    model = correlations(1, 2, 3, 4, 5)
    generator = torch.Generator().manual_seed(0)
    features0, features1 = torch.randn(2, batch, 6, height, width, generator=generator)

    expand_correlations(model)

    onnx.checker.check_model(model, full_check=True)
    for radius, scores in zip((1, 2, 3, 4, 5), run(model, features0, features1), strict=True):
        expected = local_correlation(features0, features1, radius).numpy()
        assert scores.shape == expected.shape
        assert np.abs(scores - expected).max() < CORRELATION_FLOAT32


def test_nothing_of_the_own_domain_is_left():
    model = correlations(2, 2)

    expand_correlations(model)

    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    assert {node.domain for node in model.graph.node} == {""}


def test_names_stay_unique_when_two_nodes_have_the_same_radius():
    model = correlations(2, 2, 4, 4)

    expand_correlations(model)

    outputs = [name for node in model.graph.node for name in node.output]
    constants = [tensor.name for tensor in model.graph.initializer]
    assert len(outputs) == len(set(outputs))
    assert len(constants) == len(set(constants))


def test_a_graph_without_correlations_stays_as_it_is():
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["features0"], ["scores"])],
        "plain",
        [features("features0")],
        [features("scores")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    before = model.SerializeToString()

    expand_correlations(model)

    assert model.SerializeToString() == before
