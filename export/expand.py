"""The correlation node of a traced graph, written out in standard operators.

Traced as Python, the 155 displacements of three levels would become a thousand nodes with symbolic sizes, and export
would take minutes. As one node of our own domain they cost nothing, and are expanded here by constants alone.
"""

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from vfi_flow.motion.correlation import ONNX_OPERATOR

DOMAIN, OPERATOR = ONNX_OPERATOR.split("::")
TO_THE_END = np.iinfo(np.int64).max


def expand_correlations(model: ModelProto) -> None:
    """Replaces every correlation node of `model` by Pad, Slice, Mul, ReduceSum and Concat, in place."""
    nodes: list[NodeProto] = []
    constants: dict[tuple[int, ...], str] = {}
    for node in model.graph.node:
        if node.domain == DOMAIN and node.op_type == OPERATOR:
            nodes += _expanded(node, model.graph, constants)
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    kept = [opset for opset in model.opset_import if opset.domain != DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(kept)


def _expanded(node: NodeProto, graph: GraphProto, constants: dict[tuple[int, ...], str]) -> list[NodeProto]:
    left, right = node.input
    name, radius = node.output[0], node.attribute[0].i

    def constant(*values: int) -> str:
        if values not in constants:
            constants[values] = f"correlation_{'_'.join(str(v).replace('-', 'm') for v in values)}"
            graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), constants[values]))
        return constants[values]

    padded, scores = f"{name}_padded", []
    pads = constant(0, 0, radius, radius, 0, 0, radius, radius)
    nodes = [helper.make_node("Pad", [right, pads], [padded])]
    size = 2 * radius + 1
    for i in range(size):
        rows = f"{name}_rows_{i}"
        # Ends count from the far side, so the node needs no size: -(2 radius - i), and "all" where that is 0.
        nodes.append(_slice(padded, rows, 2, i, size - 1 - i, constant))
        for j in range(size):
            shifted = f"{name}_{i}_{j}"
            nodes.append(_slice(rows, shifted, 3, j, size - 1 - j, constant))
            nodes.append(helper.make_node("Mul", [left, shifted], [f"{shifted}_product"]))
            nodes.append(
                helper.make_node("ReduceSum", [f"{shifted}_product", constant(1)], [f"{shifted}_score"], keepdims=1)
            )
            scores.append(f"{shifted}_score")
    nodes.append(helper.make_node("Concat", scores, [name], axis=1))
    return nodes


def _slice(source: str, result: str, axis: int, start: int, margin: int, constant) -> NodeProto:  # type: ignore[no-untyped-def]
    end = -margin if margin else TO_THE_END
    return helper.make_node("Slice", [source, constant(start), constant(end), constant(axis)], [result])
