"""Folding pixels into channels and back gives the same numbers when it is written out."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from torch import nn  # noqa: E402
from vfi_flow.export.graph import Port  # noqa: E402
from vfi_flow.export.shuffle import split_shuffles  # noqa: E402
from vfi_flow.export.to_onnx import traced_module  # noqa: E402

AXES = ("batch", 12, "height", "width")


@pytest.mark.parametrize("shuffle", [nn.PixelShuffle(2), nn.PixelUnshuffle(2)])
@pytest.mark.parametrize("shape", [(1, 12, 6, 10), (3, 12, 2, 4)])
def test_a_shuffle_in_two_transpositions_moves_every_number_to_its_place(shuffle, shape):
    example = torch.randn(2, 12, 8, 4)
    model = traced_module(shuffle, (example,), [Port("x", AXES)], [Port("y", ("batch", "channels", "h", "w"))])
    split_shuffles(model)
    onnx.checker.check_model(model, full_check=True)
    x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    (found,) = session.run(None, {"x": x})

    assert not any(node.op_type == "DepthToSpace" for node in model.graph.node)
    orders = [list(node.attribute[0].ints) for node in model.graph.node if node.op_type == "Transpose"]
    assert len(orders) == 2
    assert np.array_equal(found, shuffle(torch.from_numpy(x)).numpy())
