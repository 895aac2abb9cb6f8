"""A traced graph without what the tracer said twice.

It records every size, constant and cast wherever it is used: thousands of small nodes that compute the same again.
"""

from collections.abc import Iterator

from onnx import GraphProto, ModelProto, NodeProto, shape_inference


def merge_repeated(model: ModelProto) -> None:
    """Removes nodes that compute what an earlier one has computed, or that change nothing, in place."""
    graph = model.graph
    types = element_types(model)
    results = {port.name for port in graph.output}
    renamed: dict[str, str] = {}
    known: dict[tuple[object, ...], NodeProto] = {}
    nodes: list[NodeProto] = []
    for node in graph.node:
        rename_inputs(node, renamed)
        names = list(node.input)
        free = results.isdisjoint(node.output)
        if free and changes_nothing(node, types):
            renamed[node.output[0]] = node.input[0]
            continue
        attributes = sorted(attribute.SerializeToString() for attribute in node.attribute)
        key = node.domain, node.op_type, *names, len(node.output), *attributes
        if free and key in known:
            renamed.update(zip(node.output, known[key].output, strict=True))
            continue
        known.setdefault(key, node)
        nodes.append(node)
    _keep(model, nodes, results)


def changes_nothing(node: NodeProto, types: dict[str, int]) -> bool:
    if node.op_type == "Cast":
        return types.get(node.input[0]) == node.attribute[0].i
    return node.op_type == "Identity"


def element_types(model: ModelProto) -> dict[str, int]:
    """The type of every value of which it is known."""
    graph = shape_inference.infer_shapes(model).graph
    values = {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.input)}
    return values | {tensor.name: tensor.data_type for tensor in graph.initializer}


def _keep(model: ModelProto, nodes: list[NodeProto], results: set[str]) -> None:
    """Leaves those of `nodes`, which are in order, that something comes of."""
    read, kept = set(results), []
    for node in reversed(nodes):
        if not read.isdisjoint(node.output):
            read.update(values_read(node))
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))


def rename_inputs(node: NodeProto, renamed: dict[str, str]) -> None:
    """Makes `node` and the loops in it read values by their new names, in place."""
    names = [renamed.get(name, name) for name in node.input]
    del node.input[:]
    node.input.extend(names)
    for inner in (inner for graph in bodies(node) for inner in graph.node):
        rename_inputs(inner, renamed)


def values_read(node: NodeProto) -> set[str]:
    """What `node` reads, and what the body of a loop reads from outside."""
    return {*node.input, *(name for graph in bodies(node) for inner in graph.node for name in values_read(inner))}


def bodies(node: NodeProto) -> Iterator[GraphProto]:
    return (attribute.g for attribute in node.attribute if attribute.HasField("g"))
