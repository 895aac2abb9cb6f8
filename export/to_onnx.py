"""A network as ONNX files: traced, expanded to standard operators, described by metadata, checked."""

import io
import json
import struct
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn
from vfi_flow.export.align import fill_channels
from vfi_flow.export.expand import DOMAIN, expand_correlations
from vfi_flow.export.fold import fold_casts
from vfi_flow.export.gather_warp import gather_warps
from vfi_flow.export.graph import ExportGraph, Port
from vfi_flow.export.half import halve_convolutions
from vfi_flow.export.quantise import Feeds, quantised_convolutions
from vfi_flow.export.rules import OPSET, broken_rules
from vfi_flow.export.shuffle import split_shuffles
from vfi_flow.export.tidy import merge_repeated

from vfi_flow.errors import ComponentError
from vfi_flow.model.config import SCHEMA

TRACED_SIZE = (64, 96)
STORED = "_stored"
"""Behind the names of weights as they lie in a file of weights."""


@dataclass(frozen=True, slots=True)
class Variant:
    """How a graph is written down; what it computes stays the same."""

    precision: str = "fp32"
    """`fp32`, `fp16` or `int8`: that of the inner convolutions."""
    warp: str = "grid"
    """`grid`: GridSample; `gather`: written out."""
    size: tuple[int, int] | None = None
    """Fixed (width, height) and one pair at a time; None for any size and batch."""

    @property
    def suffix(self) -> str:
        """For the file's name: empty for the plain variant."""
        size = [f"{self.size[0]}x{self.size[1]}"] if self.size else []
        parts = [*size, *[part for part in (self.precision, self.warp) if part not in ("fp32", "grid")]]
        return "".join(f".{part}" for part in parts)


PLAIN = Variant()


def finish(
    traced: ModelProto,
    graph: ExportGraph,
    metadata: Mapping[str, str],
    variant: Variant,
    calibration: Iterable[Feeds] = (),
) -> ModelProto:
    """The checked model of `graph` from its trace, which stays as it is.

    Batch, height and width are dynamic unless `variant` fixes them; int8 is calibrated on the answers to `calibration`.
    """
    model = ModelProto()
    model.CopyFrom(traced)
    expand_correlations(model)
    if variant.precision == "fp16":
        halve_convolutions(model)
    elif variant.precision == "fp32":
        fill_channels(model)
    if variant.warp == "gather":
        model = gather_warps(model)
    split_shuffles(model)
    fold_casts(model)
    merge_repeated(model)
    declare_shapes(model, graph, variant.size)
    if variant.precision == "int8":
        model = quantised_convolutions(model, calibration)
    for key, value in {"schema": SCHEMA, **metadata}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model, full_check=True)
    assert not broken_rules(model, graph.loops), broken_rules(model, graph.loops)
    return model


def declare_shapes(model: ModelProto, graph: ExportGraph, size: tuple[int, int] | None) -> None:
    """Writes the sizes that `graph` names, and those that `size` (width, height) fixes, on inputs and outputs.

    Of a timestep, which may be a number or a plane, height and width stay open.
    """
    fixed = {} if size is None else {"width": size[0], "height": size[1], "batch": 1, "timestep_batch": 1}
    for port, value in zip((*graph.inputs, *graph.outputs), (*model.graph.input, *model.graph.output), strict=True):
        for axis, dimension in zip(port.axes, value.type.tensor_type.shape.dim, strict=True):
            length = axis if isinstance(axis, int) else fixed.get(axis)
            if length is not None:
                dimension.dim_value = length


def trace(graph: ExportGraph) -> ModelProto:
    """`graph` as the tracer sees it, with dynamic sizes and nodes of our own domain."""
    return traced_module(graph.eval(), graph.examples(*TRACED_SIZE), graph.inputs, graph.outputs)


def traced_module(
    module: nn.Module | torch.jit.ScriptModule,
    examples: tuple[Tensor, ...],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
) -> ModelProto:
    """`module`, called with `examples`, as a model with these inputs and outputs."""
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
            module,
            examples,
            buffer,  # type: ignore[arg-type]
            input_names=[port.name for port in inputs],
            output_names=[port.name for port in outputs],
            dynamic_axes=axes,
            opset_version=OPSET,
            custom_opsets={DOMAIN: 1},
            do_constant_folding=False,  # keeps every weight under the name it has in the weights file
            dynamo=False,
        )
    return onnx.load_from_string(buffer.getvalue())


def share_weights(model: ModelProto, weights: Path) -> None:
    """Makes `model` read its weights from the safetensors file beside it instead of carrying a copy, in place.

    A safetensors file holds plain little-endian tensors after a header, which is all that ONNX's external data needs.
    So one copy of the weights serves PyTorch and every graph of ONNX Runtime, which widens them when it loads a graph.
    """
    places = tensor_places(weights)
    content = weights.read_bytes()
    kept, widened = [], []
    for tensor in model.graph.initializer:
        name = tensor.name.removeprefix("network.")
        if name not in places:
            kept.append(tensor)
            continue
        offset, length = places[name]
        widened_bytes = np.frombuffer(content[offset : offset + length], np.float16).astype(np.float32).tobytes()
        if tensor.data_type != TensorProto.FLOAT or numpy_helper.to_array(tensor).tobytes() != widened_bytes:
            raise ComponentError(f"{weights}: {name} is not what the graph holds; export from this very file")
        stored = TensorProto(
            name=f"{tensor.name}{STORED}",
            dims=tensor.dims,
            data_type=TensorProto.FLOAT16,
            data_location=TensorProto.EXTERNAL,
        )
        for key, value in (("location", weights.name), ("offset", offset), ("length", length)):
            entry = stored.external_data.add()
            entry.key, entry.value = key, str(value)
        kept.append(stored)
        widened.append(helper.make_node("Cast", [stored.name], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*widened, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)


def tensor_places(weights: Path) -> dict[str, tuple[int, int]]:
    """Offset and length in bytes of every tensor of a safetensors file."""
    start, tensors = safetensors_header(weights)
    return {
        name: (start + entry["data_offsets"][0], entry["data_offsets"][1] - entry["data_offsets"][0])
        for name, entry in tensors.items()
    }


def stored_types(weights: Path) -> list[str]:
    """The types of the tensors of a safetensors file, as it calls them: F16, F32, ..."""
    return sorted({entry["dtype"] for entry in safetensors_header(weights)[1].values()})


def safetensors_header(weights: Path) -> tuple[int, dict[str, Any]]:
    """Where the numbers begin, and type, shape and place of every tensor."""
    with open(weights, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return 8 + length, header
