"""Convolutions in half precision; everything that is a place, a motion or a warp stays in float32.

Half precision has 11 bits: it cannot name a pixel beyond 2048 and moves flows by half a pixel in a frame of 1920. So
only the inside of the network is converted: convolutions and what happens between them. The heads and what leads into
them, which answer with flows, masks and colours, the correlation and all geometry keep float32, as do inputs and
outputs.
"""

from collections.abc import Container, Iterable

from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

BETWEEN = {"LeakyRelu", "Sigmoid", "Add", "Mul", "Concat", "DepthToSpace"}
"""Operators that go on in half precision what a convolution began."""
ANSWERS = ("narrow.weight", "head.weight")
"""How names of weights end that flows, masks and colours are made with."""


def halve_convolutions(model: ModelProto) -> None:
    """Converts the inner convolutions of `model` to float16, in place."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    in_half = half_values(graph.node, set(weights))
    nodes: list[NodeProto] = []
    made: dict[str, str] = {}

    def half_of(name: str) -> str:
        if name in in_half or not name:
            return name
        if name not in made:
            made[name] = f"{name}_half"
            if name in weights:
                values = numpy_helper.to_array(weights[name]).astype("float16")
                graph.initializer.append(numpy_helper.from_array(values, made[name]))
            else:
                nodes.append(helper.make_node("Cast", [name], [made[name]], to=TensorProto.FLOAT16))
        return made[name]

    def float_of(name: str) -> str:
        if name not in in_half:
            return name
        if name not in made:
            made[name] = f"{name}_float"
            nodes.append(helper.make_node("Cast", [name], [made[name]], to=TensorProto.FLOAT))
        return made[name]

    for node in list(graph.node):
        wanted = half_of if node.output[0] in in_half else float_of
        names = [wanted(name) for name in node.input]
        changed = NodeProto()
        changed.CopyFrom(node)
        del changed.input[:]
        changed.input.extend(names)
        nodes.append(changed)
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]  # the tracer's types hold no longer
    _drop_unused(model)


def half_values(nodes: Iterable[NodeProto], weights: set[str]) -> set[str]:
    """Names of what is computed in half precision; `nodes` in the order of computation."""
    found: set[str] = set()
    for node in nodes:
        if is_inner_convolution(node, weights) or (node.op_type in BETWEEN and found.intersection(node.input)):
            found.update(node.output)
    return found


def is_inner_convolution(node: NodeProto, weights: Container[str]) -> bool:
    """Whether `node` is a learned convolution and no part of a head; `weights` are the names of what is learned."""
    return node.op_type == "Conv" and node.input[1] in weights and not node.input[1].endswith(ANSWERS)


def _drop_unused(model: ModelProto) -> None:
    read = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
