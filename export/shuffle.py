"""Pixels folded into channels and back, as pairs of transpositions that move one axis each.

ONNX Runtime has fast loops for an axis that moves by itself, and on a CPU takes three to four times as long for
DepthToSpace, or for the transposition of six axes that the tracer makes of PixelUnshuffle.
"""

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper
from vfi_flow.export.tidy import bodies

FOLDING = [0, 1, 3, 5, 2, 4]
"""Order of axes in which PixelUnshuffle(2) is traced: (B, C, h, 2, w, 2) -> (B, C, 2, 2, h, w)."""


def split_shuffles(model: ModelProto) -> None:
    """Writes out every PixelShuffle(2) and PixelUnshuffle(2) of `model`, in place."""
    _split(model.graph)


def _split(graph: GraphProto) -> None:
    nodes: list[NodeProto] = []
    for node in graph.node:
        for body in bodies(node):
            _split(body)
        if node.op_type == "DepthToSpace":
            nodes += _unfold(node)
        elif node.op_type == "Transpose" and list(node.attribute[0].ints) == FOLDING:
            nodes += _fold(node)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _unfold(node: NodeProto) -> list[NodeProto]:
    """(B, 4 C, h, w) -> (B, C, 2 h, 2 w); y and x are the places in a block of 2x2 pixels."""
    chain = _Chain(node)
    chain.add("Unsqueeze", [2, 3])
    chain.add("Reshape", [0, -1, 2, 2, 0, 0])  # (B, C, y, x, h, w)
    chain.add("Transpose", perm=[0, 1, 2, 4, 5, 3])
    chain.add("Reshape", [0, 0, 0, 0, -1])  # (B, C, y, h, w x); also keeps ONNX Runtime from joining the two
    chain.add("Transpose", perm=[0, 1, 3, 2, 4])
    chain.add("Reshape", [0, 0, -1, 1, 0])  # (B, C, h y, 1, w x)
    chain.add("Squeeze", [3])
    return chain.end()


def _fold(node: NodeProto) -> list[NodeProto]:
    """(B, C, h, y, w, x) -> (B, C, y, x, h, w)."""
    chain = _Chain(node)
    chain.add("Transpose", perm=[0, 1, 5, 2, 3, 4])
    chain.add("Reshape", [0, 0, -1, 1, 0, 0])  # (B, C, x h, 1, y, w)
    chain.add("Transpose", perm=[0, 1, 4, 2, 3, 5])
    chain.add("Reshape", [0, 0, 0, 2, -1, 0])
    return chain.end()


class _Chain:
    """Nodes one after the other, from the input of a node to its result."""

    def __init__(self, node: NodeProto) -> None:
        self.nodes: list[NodeProto] = []
        self._at, self._result = node.input[0], node.output[0]

    def add(self, operator: str, numbers: list[int] | None = None, perm: list[int] | None = None) -> None:
        """One more operator; `numbers` are its second input, `perm` the order of a transposition."""
        inputs, name = [self._at], f"{self._result}_part_{len(self.nodes)}"
        if numbers is not None:
            inputs.append(f"{name}_numbers")
            constant = numpy_helper.from_array(np.array(numbers, np.int64))
            self.nodes.append(helper.make_node("Constant", [], [inputs[1]], value=constant))
        order = {"perm": perm} if perm is not None else {}
        self.nodes.append(helper.make_node(operator, inputs, [name], **order))  # type: ignore[arg-type]
        self._at = name

    def end(self) -> list[NodeProto]:
        """All of them, the last of which makes the result."""
        self.nodes[-1].output[0] = self._result
        return self.nodes
