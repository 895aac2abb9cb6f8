"""What every exported file keeps to, so that every runtime can run it."""

from collections.abc import Iterator

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper
from vfi_flow.export.tidy import bodies

OPSET = 18
"""GridSample 16 and later are bound by every runtime; DirectML knows none of opset 20's, TensorRT had wrong results."""
CHANCE = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
"""Give other numbers on every runtime, and another frame for the same question."""
BRANCHES = {"If", "Loop", "Scan"}
"""Cannot be captured in a CUDA graph; a file with the number of steps as an input has the one Loop it is for."""
GRID_SAMPLE = {"mode": b"bilinear", "padding_mode": b"zeros", "align_corners": 0}
"""The one form that is fast everywhere; coordinates are clamped before."""


def broken_rules(model: ModelProto, loops: int = 0) -> list[str]:
    """One sentence for everything in `model` that some runtime would stumble over, beyond `loops` Loops."""
    found = []
    branches, nodes = BRANCHES, list(all_nodes(model.graph))
    if sum(node.op_type == "Loop" for node in nodes) == loops:
        branches = BRANCHES - {"Loop"}
    opsets = [(opset.domain, opset.version) for opset in model.opset_import]
    if opsets != [("", OPSET)] or model.functions:
        found.append(f"operators are those of opset {OPSET} alone, found {opsets}")
    for node in nodes:
        if node.domain:
            found.append(f"{node.domain}.{node.op_type} is no standard operator")
        if node.op_type in CHANCE | branches:
            found.append(f"{node.op_type} must not be in a graph")
        if TensorProto.DOUBLE in types_named(node):
            found.append(f"{node.op_type} of doubles, which WebGPU cannot run")
        if node.op_type == "GridSample" and sampling(node) != GRID_SAMPLE:
            found.append(f"GridSample must be {GRID_SAMPLE}, found {sampling(node)}")
    return found


def all_nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """Those in loops, too."""
    for node in graph.node:
        yield node
        for body in bodies(node):
            yield from all_nodes(body)


def types_named(node: NodeProto) -> set[int]:
    """Types that a Constant holds and a Cast makes."""
    types = {attribute.t.data_type for attribute in node.attribute if attribute.HasField("t")}
    if node.op_type == "Cast":
        types.add(node.attribute[0].i)
    return types


def sampling(node: NodeProto) -> dict[str, object]:
    """Attributes of a GridSample, with the defaults of the standard where it says nothing."""
    given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return GRID_SAMPLE | given
