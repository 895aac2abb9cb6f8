"""Convolutions whose input channels do not fill ONNX Runtime's blocks, filled up.

On a CPU ONNX Runtime convolves in blocks of 16 channels; a convolution of 70 input channels falls back to a path
that takes two to three times as long. Here such an input gets a few more channels, a copy of some it has, with
weights of zero: the result is the same. The weights stay as they are in the file and are padded when it is loaded.
"""

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper, shape_inference

BLOCK = 16


def fill_channels(model: ModelProto) -> None:
    """Widens the input of every convolution behind a Concat to whole blocks, in place."""
    graph = model.graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    channels = known_channels(model)
    makers = {output: node for node in graph.node for output in node.output}
    nodes: list[NodeProto] = []
    for node in graph.node:
        source = makers.get(node.input[0]) if node.op_type == "Conv" else None
        shape = shapes.get(node.input[1]) if source is not None else None
        if source is not None and source.op_type == "Concat" and shape is not None:
            missing = -shape[1] % BLOCK
            spare = next((name for name in source.input if channels.get(name, 0) >= missing), None)
            if missing and shape[1] > BLOCK and spare is not None:
                nodes += _filled(node, source, spare, missing, model)
                continue
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def known_channels(model: ModelProto) -> dict[str, int]:
    """Channels of every intermediate tensor (B, C, H, W) of which they are known."""
    inferred = shape_inference.infer_shapes(model).graph
    shapes = {value.name: value.type.tensor_type.shape.dim for value in (*inferred.value_info, *inferred.input)}
    return {name: shape[1].dim_value for name, shape in shapes.items() if len(shape) == 4}


def _filled(node: NodeProto, concat: NodeProto, spare: str, missing: int, model: ModelProto) -> list[NodeProto]:
    name = node.output[0]

    def constant(suffix: str, *values: int) -> str:
        tensor = numpy_helper.from_array(np.array(values, np.int64), f"{name}_{suffix}")
        model.graph.initializer.append(tensor)
        return tensor.name

    more = helper.make_node(
        "Slice",
        [spare, constant("begin", 0), constant("end", missing), constant("axis", 1)],
        [f"{name}_more"],
    )
    wide = helper.make_node("Concat", [*concat.input, f"{name}_more"], [f"{name}_wide"], axis=1)
    weight = helper.make_node(
        "Pad", [node.input[1], constant("pads", 0, 0, 0, 0, 0, missing, 0, 0)], [f"{name}_weight"]
    )
    filled = NodeProto()
    filled.CopyFrom(node)
    filled.input[0], filled.input[1] = wide.output[0], weight.output[0]
    return [more, wide, weight, filled]
