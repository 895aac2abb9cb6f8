"""Traces of graphs, shared by the processes of a test run."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import onnx
from filelock import FileLock
from vfi_flow.export.graph import ExportGraph

from vfi_flow.model.weights import weights_hash


class SharedTraces:
    """Stands in for `to_onnx.trace`: the first process that needs a trace makes it, the others read it."""

    def __init__(self, folder: Path, trace: Callable[[ExportGraph], onnx.ModelProto]) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.trace = folder, trace

    def __call__(self, graph: ExportGraph) -> onnx.ModelProto:
        strength = float(getattr(graph, "strength", 0))
        network = graph.network
        asked = type(graph).__name__, graph.layout, graph.steps, graph.halvings, strength
        key = asked, network.config, weights_hash(network.state_dict())
        path = self.folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.onnx"
        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                onnx.save(self.trace(graph), path)
        return onnx.load(path)
