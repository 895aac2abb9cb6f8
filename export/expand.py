"""The correlation node of a traced graph, written out in standard operators.

Traced as Python, the 155 displacements of three levels would become a thousand nodes with symbolic sizes, and export
would take minutes. As one node of our own domain they cost nothing, and are expanded here by constants alone.

The maps are correlated channels last: ONNX Runtime then sums over memory in a row, in half of the time.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from vfi_flow.motion.correlation import ONNX_OPERATOR, margin, shifts

DOMAIN, OPERATOR = ONNX_OPERATOR.split("::")
TO_THE_END = np.iinfo(np.int64).max
ROWS_FROM = 4
"""Radius from which all displacements of a row are correlated at once: so far only coarse grids are searched, on which
a node costs more time than what it computes. On finer ones all those shifted maps would take much memory."""


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


class _Writer:
    """Writes one correlation; its results are called `name` and something: hundreds of long names would be most of a
    file. `constants` holds the names of those that the graph has so far."""

    def __init__(self, name: str, graph: GraphProto, constants: dict[tuple[int, ...], str]) -> None:
        self.name, self.graph, self.constants = name, graph, constants
        self.nodes: list[NodeProto] = []

    def constant(self, *values: int) -> str:
        if values not in self.constants:
            self.constants[values] = f"correlation_{'_'.join(str(v).replace('-', 'm') for v in values)}"
            array = numpy_helper.from_array(np.array(values, np.int64), self.constants[values])
            self.graph.initializer.append(array)
        return self.constants[values]

    def add(self, operator: str, inputs: Sequence[str], result: str, **attributes: Any) -> str:
        """A node, whose result is called `name` and `result`."""
        result = f"{self.name}_{result}"
        self.nodes.append(helper.make_node(operator, inputs, [result], **attributes))
        return result

    def cut(self, source: str, result: str, axis: int, shift: int, edge: int) -> str:
        """`source`, which has a margin of `edge`, without it and `shift` further along `axis`."""
        # Ends count from the far side, so the node needs no size: "all" where nothing is left of the margin.
        end = shift - edge or TO_THE_END
        return self.add("Slice", [source, *map(self.constant, (edge + shift, end, axis))], result)

    def padded(self, source: str, side: int, edge: int) -> str:
        """A map with its channels last and a margin of zeros."""
        last = self.add("Transpose", [source], f"{side}_last", perm=[0, 2, 3, 1])
        return self.add("Pad", [last, self.constant(0, edge, edge, 0, 0, edge, edge, 0)], str(side))


def _expanded(node: NodeProto, name: str, graph: GraphProto, constants: dict[tuple[int, ...], str]) -> list[NodeProto]:
    writer, radius = _Writer(name, graph, constants), node.attribute[0].i
    write = _by_rows if radius >= ROWS_FROM else _one_by_one
    scores = write(writer, node.input, radius)
    return [*writer.nodes, helper.make_node("Concat", scores, [node.output[0]], axis=1)]


def _one_by_one(writer: _Writer, maps: Sequence[str], radius: int) -> list[str]:
    """Scores (B, 1, H, W) of every displacement."""
    edge, reach = margin(radius), range(-radius, radius + 1)
    shifted: dict[tuple[int, int, int], str] = {}
    for side, source in enumerate(maps):
        padded = writer.padded(source, side, edge)
        for row in range(-edge, edge + 1):
            rows = writer.cut(padded, f"{side}_{edge + row}", 1, row, edge)
            for column in range(-edge, edge + 1):
                name = f"{side}_{edge + row}_{edge + column}"
                shifted[side, row, column] = writer.cut(rows, name, 2, column, edge)
    scores: list[str] = []
    for dy, dx in product(reach, reach):
        factors = [shifted[side, shifts(dy)[side], shifts(dx)[side]] for side in (0, 1)]
        score = f"score_{len(scores)}"
        products = writer.add("Mul", factors, f"{score}_product")
        plane = writer.add("ReduceSum", [products, writer.constant(-1)], f"{score}_plane", keepdims=0)
        scores.append(writer.add("Unsqueeze", [plane, writer.constant(1)], score))
    return scores


def _by_rows(writer: _Writer, maps: Sequence[str], radius: int) -> list[str]:
    """Scores (B, 2 radius + 1, H, W) of the displacements of every row."""
    edge, reach = margin(radius), range(-radius, radius + 1)
    stacked: dict[tuple[int, int], str] = {}
    for side, source in enumerate(maps):
        planes = writer.add("Unsqueeze", [writer.padded(source, side, edge), writer.constant(1)], f"{side}_planes")
        columns = {x: writer.cut(planes, f"{side}_column_{edge + x}", 3, x, edge) for x in range(-edge, edge + 1)}
        stack = writer.add("Concat", [columns[shifts(dx)[side]] for dx in reach], f"{side}_stack", axis=1)
        for row in range(-edge, edge + 1):
            stacked[side, row] = writer.cut(stack, f"{side}_{edge + row}", 2, row, edge)
    scores: list[str] = []
    for dy in reach:
        products = writer.add("Mul", [stacked[side, shifts(dy)[side]] for side in (0, 1)], f"row_{radius + dy}_product")
        scores.append(writer.add("ReduceSum", [products, writer.constant(-1)], f"row_{radius + dy}", keepdims=0))
    return scores
