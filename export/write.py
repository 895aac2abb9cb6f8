"""A weights file as the ONNX files that hosts run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryFile

from vfi_flow.export.calibration import Place, feeds
from vfi_flow.export.graph import (
    EncodeGraph,
    EnlargeGraph,
    ExportGraph,
    NativeGraph,
    PairGraph,
    RegisterGraph,
    Steps,
    SynthesiseGraph,
)
from vfi_flow.export.host_graphs import BytesGraph, PlanesGraph, ThreeInputGraph
from vfi_flow.export.loop_graph import LoopGraph
from vfi_flow.export.rules import OPSET
from vfi_flow.export.stream_graphs import ComposeGraph
from vfi_flow.export.to_onnx import PLAIN, Variant, finish, share_weights, stored_types, trace

from vfi_flow.errors import ComponentError, OutputError, UsageError
from vfi_flow.files import file_hash, write_complete
from vfi_flow.model.config import ALIGNMENT
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.weights import Card, load_weights

SHARING = ("stream", "split")
"""Layouts in several parts that read their weights from the safetensors file."""
SCALED = ("", ".half", ".quarter", ".eighth")
"""In the names of files in which motion is found on frames halved so many times."""
LAYOUTS = (*SHARING, "native", "3in", "7ch", "11ch", "u8")


@dataclass(frozen=True, slots=True)
class Written:
    """A file, and the graph it was made of."""

    path: Path
    graph: ExportGraph
    variant: Variant
    strength: float
    """Of the weights' card: what layouts without that input have built in."""


def write_onnx(weights: Path, folder: Path, layouts: Iterable[str], steps: Iterable[Steps]) -> Iterator[Path]:
    """Writes every layout of the model in `weights` to `folder`; yields each file when it is there."""
    return (written.path for written in write_variants(weights, folder, layouts, steps, [PLAIN]))


def write_variants(
    weights: Path,
    folder: Path,
    layouts: Iterable[str],
    steps: Iterable[Steps],
    variants: Iterable[Variant],
    places: Sequence[Place] = (),
    halvings: int = 0,
) -> Iterator[Written]:
    """Writes every layout in every variant; yields each file when it is there. Files of the same names are replaced.

    `places` of videos are what int8 is calibrated on. Layouts of one file halve frames so many times before they find
    motion; those in parts leave that to the host.

    `stream` is what the package's own engine runs. Its files and those of `split` read their weights from the
    safetensors file, which is copied to the same folder. All other files stand alone.
    """
    network, card, digest = load_weights(weights)
    layouts, steps, variants = list(layouts), list(steps), list(variants)
    check_request(weights, folder, layouts, steps, variants, halvings)
    if not places and any(variant.precision == "int8" for variant in variants):
        raise UsageError("int8 needs frames of videos to be calibrated on")
    if {*layouts} & {*SHARING} and not (folder / weights.name).exists():
        write_complete(folder / weights.name, weights.read_bytes())
    name = weights.stem
    origin = {"preset": network.config.name, "hash": digest, **{k: str(v) for k, v in asdict(card).items()}}
    parts: set[str] = set()
    for layout in layouts:
        for part, graph in graphs(network, card, layout, steps, halvings):
            if part in parts:  # what `stream` and `split` share
                continue
            parts.add(part)
            traced = graph.traced() if isinstance(graph, LoopGraph) else trace(graph)
            for variant in variants:
                metadata = {**origin, "part": part, **description(graph, variant)}
                if layout in SHARING:
                    metadata["weights_sha256"] = file_hash(weights)
                seen = feeds(graph, places, variant.size, card.strength) if isinstance(graph, PairGraph) else ()
                model = finish(traced, graph, metadata, variant, seen)
                if layout in SHARING:
                    share_weights(model, weights)
                path = folder / f"{name}.{part}{SCALED[graph.halvings]}{variant.suffix}.onnx"
                write_complete(path, model.SerializeToString())
                yield Written(path, graph, variant, card.strength)


def check_request(
    weights: Path, folder: Path, layouts: list[str], steps: list[Steps], variants: list[Variant], halvings: int
) -> None:
    """Raises for what cannot be written, before anything is."""
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such folder")
    try:
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error
    for layout in layouts:
        if layout not in LAYOUTS:
            raise UsageError(f"unknown layout '{layout}'; there are {', '.join(LAYOUTS)}")
    if "input" in steps and (layouts != ["native"] or any(variant.precision != "fp32" for variant in variants)):
        raise UsageError("the number of steps can be an input of layout native in fp32 alone")
    for layout in (layout for layout in layouts if layout in SHARING):
        if variants != [PLAIN]:
            raise UsageError(f"layout {layout} shares its weights with PyTorch: any size, fp32 and GridSample only")
        if halvings:
            raise UsageError(f"layout {layout} leaves the scale to its host; give --scale with layouts of one file")
        beside = folder / weights.name
        if beside.exists() and file_hash(beside) != file_hash(weights):
            raise OutputError(f"{beside} exists and holds other weights; choose another folder for layout {layout}")
        if (types := stored_types(weights)) != ["F16"]:
            raise ComponentError(
                f"{weights}: layout {layout} reads weights that are stored in half precision (F16), found "
                f"{', '.join(types)}; the other layouts take them"
            )
    for variant in variants:
        if variant.size and "native" in layouts and any(side % ALIGNMENT for side in variant.size):
            width, height = variant.size
            raise UsageError(
                f"layout native takes multiples of {ALIGNMENT}, got {width}x{height}; 3in, 7ch, 11ch and u8 pad inside"
            )


def graphs(
    network: InterpolationNetwork, card: Card, layout: str, steps: Iterable[Steps], halvings: int
) -> Iterator[tuple[str, ExportGraph]]:
    """Name and graph of every file of a layout."""
    if layout in SHARING:
        yield "encode", EncodeGraph(network)
        yield "register", RegisterGraph(network)
        yield "enlarge", EnlargeGraph(network)
        if layout == "stream":
            yield from ((f"compose_{n}", ComposeGraph(network, n)) for n in steps)
        else:
            yield from ((f"synthesise_{n}", SynthesiseGraph(network, n)) for n in steps)
    else:
        yield from ((f"{layout}_{n}", pair_graph(network, card, layout, n, halvings)) for n in steps)


def pair_graph(network: InterpolationNetwork, card: Card, layout: str, steps: Steps, halvings: int) -> ExportGraph:
    if steps == "input":
        return LoopGraph(network, halvings=halvings)
    if layout == "native":
        return NativeGraph(network, steps, halvings)
    if layout == "3in":
        return ThreeInputGraph(network, steps, card.strength, halvings)
    if layout == "u8":
        return BytesGraph(network, steps, card.strength, halvings)
    return PlanesGraph(network, steps, card.strength, halvings, planes=int(layout.removesuffix("ch")))


def description(graph: ExportGraph, variant: Variant) -> dict[str, str]:
    """What a host must know to feed the file."""
    size = f"{variant.size[0]}x{variant.size[1]}" if variant.size else "dynamic"
    return {
        "layout": graph.layout,
        "colour": "RGB, gamma-encoded",
        "range": graph.value_range,
        "alignment": str(graph.alignment),
        "minimum_size": f"{graph.alignment}x{graph.alignment}",
        "size": size,
        "scale": str(Fraction(1, 2**graph.halvings)) if isinstance(graph, PairGraph) else "any",
        "tau": "0..1" if graph.ends else "0..1 open",
        "steps": graph.steps_named,
        "solver": "midpoint" if graph.steps else "none",
        "noise": graph.noise_source if graph.steps else "none",
        "precision": variant.precision,
        "warp": variant.warp,
        "opset": str(OPSET),
        "licence": "MIT",
    }
