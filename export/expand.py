"""The correlation node of a traced graph, written out in standard operators.

Traced as Python, the 155 displacements of three levels would become a thousand nodes with symbolic sizes, and export
would take minutes. As one node of our own domain they cost nothing, and are expanded here by constants alone.

The maps are correlated channels last: ONNX Runtime then sums over memory in a row, in half of the time.
"""

from itertools import product

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from vfi_flow.motion.correlation import ONNX_OPERATOR, margin, shifts

DOMAIN, OPERATOR = ONNX_OPERATOR.split("::")
TO_THE_END = np.iinfo(np.int64).max


def expand_correlations(model: ModelProto) -> None:
    """Replaces every correlation node of `model` by Transpose, Pad, Slice, Mul, ReduceSum and Concat, in place."""
    nodes: list[NodeProto] = []
    constants: dict[tuple[int, ...], str] = {}
    number = 0
    for node in model.graph.node:
        if node.domain == DOMAIN and node.op_type == OPERATOR:
            nodes += _expanded(node, f"match_{number}", model.graph, constants)
            number += 1
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    forget_domain(model, DOMAIN)


def forget_domain(model: ModelProto, domain: str) -> None:
    """No longer imports `domain`, of whose operators none is left."""
    kept = [opset for opset in model.opset_import if opset.domain != domain]
    del model.opset_import[:]
    model.opset_import.extend(kept)


def _expanded(node: NodeProto, name: str, graph: GraphProto, constants: dict[tuple[int, ...], str]) -> list[NodeProto]:
    """Its nodes, whose results are called `name` and something: hundreds of long names would be most of a file."""
    left, right = node.input
    radius = node.attribute[0].i

    def constant(*values: int) -> str:
        if values not in constants:
            constants[values] = f"correlation_{'_'.join(str(v).replace('-', 'm') for v in values)}"
            graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), constants[values]))
        return constants[values]

    edge, reach = margin(radius), range(-radius, radius + 1)
    scores: list[str] = []
    pads = constant(0, edge, edge, 0, 0, edge, edge, 0)
    nodes: list[NodeProto] = []
    shifted: dict[tuple[int, int, int], str] = {}
    for side, source in enumerate((left, right)):
        padded = f"{name}_{side}"
        nodes.append(helper.make_node("Transpose", [source], [f"{padded}_last"], perm=[0, 2, 3, 1]))
        nodes.append(helper.make_node("Pad", [f"{padded}_last", pads], [padded]))
        for row in range(-edge, edge + 1):
            # Ends count from the far side, so the node needs no size: "all" where nothing is left of the margin.
            rows = f"{padded}_{edge + row}"
            nodes.append(_slice(padded, rows, 1, edge + row, edge - row, constant))
            for column in range(-edge, edge + 1):
                shifted[side, row, column] = f"{rows}_{edge + column}"
                nodes.append(_slice(rows, f"{rows}_{edge + column}", 2, edge + column, edge - column, constant))
    for dy, dx in product(reach, reach):
        factors = [shifted[side, shifts(dy)[side], shifts(dx)[side]] for side in (0, 1)]
        score = f"{name}_score_{len(scores)}"
        nodes.append(helper.make_node("Mul", factors, [f"{score}_product"]))
        nodes.append(helper.make_node("ReduceSum", [f"{score}_product", constant(-1)], [f"{score}_plane"], keepdims=0))
        nodes.append(helper.make_node("Unsqueeze", [f"{score}_plane", constant(1)], [score]))
        scores.append(score)
    nodes.append(helper.make_node("Concat", scores, [node.output[0]], axis=1))
    return nodes


def _slice(source: str, result: str, axis: int, start: int, rest: int, constant) -> NodeProto:  # type: ignore[no-untyped-def]
    end = -rest if rest else TO_THE_END
    return helper.make_node("Slice", [source, constant(start), constant(end), constant(axis)], [result])
