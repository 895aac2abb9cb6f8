"""Tracing takes seconds: the same graph of the same weights is traced once for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def split_model(tiny_model: Path) -> Path:
    """The weights of `tiny_model`, with the graphs of layout `split` beside those of `stream`."""
    from vfi_flow.export.write import write_onnx

    list(write_onnx(tiny_model, tiny_model.parent, ["split"], [1]))
    return tiny_model


@pytest.fixture(scope="session", autouse=True)
def _traced_once() -> Iterator[None]:
    for package in ("torch", "onnx", "onnxruntime", "safetensors"):
        pytest.importorskip(package)
    from vfi_flow.export import to_onnx, write

    from vfi_flow.model.weights import weights_hash

    trace, traces = to_onnx.trace, {}

    def once(graph):
        strength = float(getattr(graph, "strength", 0))
        key = type(graph), graph.layout, graph.steps, strength, weights_hash(graph.network.state_dict())
        if key not in traces:
            traces[key] = trace(graph)
        return traces[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(to_onnx, "trace", once)
        patch.setattr(write, "trace", once)
        yield
