"""Casts of constants, done when the file is written and not whenever it runs."""

from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper
from vfi_flow.export.tidy import bodies


def fold_casts(model: ModelProto) -> None:
    """Makes constants of the type that they are cast to, in place.

    The tracer writes Python's numbers as doubles, and ONNX Runtime for WebGPU cannot cast a double: no such file would
    run there.
    """
    _fold(model.graph)


def _fold(graph: GraphProto) -> None:
    constants: dict[str, TensorProto] = {}
    for node in graph.node:
        for body in bodies(node):
            _fold(body)
        if node.op_type == "Cast" and node.input[0] in constants:
            wanted = helper.tensor_dtype_to_np_dtype(node.attribute[0].i)
            value = numpy_helper.from_array(numpy_helper.to_array(constants[node.input[0]]).astype(wanted))
            node.CopyFrom(helper.make_node("Constant", [], list(node.output), node.name, value=value))
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
