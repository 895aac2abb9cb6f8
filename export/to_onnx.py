"""A network as ONNX files: traced, expanded to standard operators, described by metadata, checked."""

import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from onnx import ModelProto, TensorProto
from vfi_flow.export.align import fill_channels
from vfi_flow.export.expand import DOMAIN, expand_correlations
from vfi_flow.export.graph import ExportGraph, example_inputs

from vfi_flow.errors import ComponentError

OPSET = 18
"""GridSample 16 and later are bound by every runtime; DirectML knows none of opset 20's, TensorRT had wrong results."""
SCHEMA = "vfi_flow-1"
TRACED_SIZE = (64, 96)


def to_onnx(graph: ExportGraph, metadata: Mapping[str, str]) -> ModelProto:
    """`graph` as a checked ONNX model with dynamic batch, height and width, float32, opset OPSET."""
    inputs, outputs = graph.inputs, graph.outputs
    axes = {
        port.name: {
            axis: name for axis, name in enumerate(port.axes) if isinstance(name, str) and "channels" not in name
        }
        for port in (*inputs, *outputs)
    }
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of every size it records; all of them are meant
        torch.onnx.export(
            graph.eval(),
            example_inputs(graph, *TRACED_SIZE),
            buffer,  # type: ignore[arg-type]
            input_names=[port.name for port in inputs],
            output_names=[port.name for port in outputs],
            dynamic_axes=axes,
            opset_version=OPSET,
            custom_opsets={DOMAIN: 1},
            do_constant_folding=False,  # keeps every weight under the name it has in the weights file
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    expand_correlations(model)
    fill_channels(model)
    for key, value in {"schema": SCHEMA, **metadata}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    return model


def share_weights(model: ModelProto, weights: Path, prefix: str = "network.") -> None:
    """Makes `model` read its weights from the safetensors file beside it instead of carrying a copy, in place.

    A safetensors file holds plain little-endian tensors after a header, which is all that ONNX's external data needs.
    So one copy of the weights serves PyTorch and every graph of ONNX Runtime.
    """
    places = tensor_places(weights)
    content = weights.read_bytes()
    for tensor in model.graph.initializer:
        name = tensor.name.removeprefix(prefix)
        if name not in places:
            continue
        offset, length = places[name]
        if tensor.data_type != TensorProto.FLOAT or tensor.raw_data != content[offset : offset + length]:
            raise ComponentError(f"{weights}: {name} is not what the graph holds; export from this very file")
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", weights.name), ("offset", offset), ("length", length)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)


def tensor_places(weights: Path) -> dict[str, tuple[int, int]]:
    """Offset and length in bytes of every tensor of a safetensors file."""
    import json
    import struct

    with open(weights, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return {
        name: (8 + length + entry["data_offsets"][0], entry["data_offsets"][1] - entry["data_offsets"][0])
        for name, entry in header.items()
        if name != "__metadata__"
    }
