"""A weights file as the ONNX files that hosts run."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import onnx
from vfi_flow.export.graph import EncodeGraph, ExportGraph, NativeGraph, SynthesiseGraph
from vfi_flow.export.to_onnx import share_weights, to_onnx

from vfi_flow.errors import ComponentError, OutputError, UsageError
from vfi_flow.inference.onnx_interpolator import file_hash
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.weights import load_weights

LAYOUTS = ("split", "native")


def write_onnx(weights: Path, folder: Path, layouts: Iterable[str], steps: Iterable[int]) -> Iterator[Path]:
    """Writes every layout of the model in `weights` to `folder`; yields each file when it is there.

    `split` is what the package's own engine runs: NAME.encode.onnx and NAME.synthesise_STEPS.onnx. They read their
    weights from the safetensors file, which must lie in the same folder. `native` files stand alone.
    """
    network, card, digest = load_weights(weights)
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such folder")
    name = weights.name.split(".")[0]
    metadata = {"preset": network.config.name, "hash": digest, **{k: str(v) for k, v in asdict(card).items()}}
    for layout in layouts:
        if layout not in LAYOUTS:
            raise UsageError(f"unknown layout '{layout}'; there are {', '.join(LAYOUTS)}")
        if layout == "split" and folder.resolve() != weights.parent.resolve():
            raise ComponentError(f"layout split reads {weights.name} at run time; write it to {weights.parent}")
        for part, graph in graphs(network, layout, steps):
            described = {"layout": layout, "part": part, "colour": "RGB, gamma-encoded", "alignment": "16"}
            if layout == "split":
                described["weights_sha256"] = file_hash(weights)
            model = to_onnx(graph, {**metadata, **described})
            if layout == "split":
                share_weights(model, weights)
            path = folder / f"{name}.{part}.onnx"
            onnx.save(model, path)
            yield path


def graphs(network: InterpolationNetwork, layout: str, steps: Iterable[int]) -> Iterator[tuple[str, ExportGraph]]:
    """Name and graph of every file of a layout."""
    if layout == "split":
        yield "encode", EncodeGraph(network)
        yield from ((f"synthesise_{n}", SynthesiseGraph(network, n)) for n in steps)
    else:
        yield from ((f"native_{n}", NativeGraph(network, n)) for n in steps)
