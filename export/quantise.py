"""Convolutions in 8-bit integers; everything that is a place, a motion or a warp stays in float32.

The inner convolutions are those of `half`. In front of each, and behind its weights, the file has what runtimes with
integer kernels fold into it: a QuantizeLinear and a DequantizeLinear. The range of what goes in is what was seen when
the float32 graph ran on questions of calibration; every channel of the weights has a range of its own.

Weights have 7 bits: processors without VNNI add products in 16 bits, and saturate.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto
from vfi_flow.export.half import is_inner_convolution

from vfi_flow.errors import OutputError, needing
from vfi_flow.inference.onnx_session import load_runtime

Feeds = Mapping[str, NDArray[np.float32] | NDArray[np.uint8]]
"""Arrays by the names of a graph's inputs."""


def quantised_convolutions(model: ModelProto, calibration: Iterable[Feeds]) -> ModelProto:
    """`model`, complete and in float32, with its inner convolutions in 8 bits; it runs once for each of the feeds.

    Raises ComponentError where ONNX Runtime, which quantises, is missing, and OutputError where the folder for
    temporary files cannot take the model.
    """
    try:
        return _quantised(model, calibration)
    except OSError as error:
        raise OutputError(f"{gettempdir()}: int8 needs room for the model there ({error.strerror or error})") from error


def _quantised(model: ModelProto, calibration: Iterable[Feeds]) -> ModelProto:
    load_runtime()
    with needing("cpu", "int8"):
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    weights = {tensor.name for tensor in model.graph.initializer}
    names = [node.name for node in model.graph.node if is_inner_convolution(node, weights)]
    with TemporaryDirectory() as folder, quiet(logging.getLogger()):
        original, result = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, original)
        quantize_static(
            original,
            result,
            Reader(calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_quantize=names,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        quantised = onnx.load(result)
    used = {node.domain for node in quantised.graph.node}
    kept = [opset for opset in quantised.opset_import if opset.domain in used]
    del quantised.opset_import[:]
    quantised.opset_import.extend(kept)
    return quantised


class Reader:
    """A CalibrationDataReader: what ONNX Runtime calibrates with, one question after the other."""

    def __init__(self, feeds: Iterable[Feeds]) -> None:
        self.feeds: Iterator[Feeds] = iter(feeds)

    def get_next(self) -> Feeds | None:
        return next(self.feeds, None)


@contextmanager
def quiet(logger: logging.Logger) -> Iterator[None]:
    """Without the advice on how the graph might have been prepared."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
