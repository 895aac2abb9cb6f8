"""The network on ONNX Runtime; needs neither torch nor onnx."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import ComponentError
from vfi_flow.inference.engine import Image, ModelInfo
from vfi_flow.inference.onnx_session import Graph, file_hash, load_runtime, shape_of
from vfi_flow.inference.providers import find_device

SCHEMA = "vfi_flow-1"
ENCODE, SYNTHESISE = "encode", "synthesise"
TRIAL = (64, 64)
"""Height and width at which a device that compiles graphs shows, before the work starts, that it is there."""


class OnnxEngine:
    """Two graphs of one model: `NAME.encode.onnx` and `NAME.synthesise_STEPS.onnx`, in one folder with the weights.

    Features stay in the memory of the device from `encode` to `synthesise`.
    """

    def __init__(self, model: str | Path, steps: int, device: str, threads: int | None) -> None:
        self._runtime, self._threads = load_runtime(), threads
        self._folder, self._name = find_model(model)
        self.device = find_device(device, self._runtime)
        self._graphs: dict[tuple[str, tuple[tuple[str, int], ...]], Graph] = {}
        self._synthesise = f"{SYNTHESISE}_{steps}"
        trial = self._graph(ENCODE, frame_sizes(*TRIAL))
        self._features = trial.outputs
        self.model = read_info(trial.session, self._folder / self._name)
        if self.device.provider.fixed_size:  # compiling takes long: only what will be used
            self._graphs.clear()
            self._path(self._synthesise)
        else:
            self._graph(self._synthesise, {})
        self.description = f"onnxruntime {self.device.provider.name}"
        self.bytes_per_pixel = self.device.bytes_per_pixel

    def _path(self, part: str) -> Path:
        path = self._folder / f"{self._name}.{part}.onnx"
        if not path.is_file():
            raise ComponentError(f"{path}: no such file; the model is not complete, `vfi-flow export` makes it anew")
        return path

    def _graph(self, part: str, sizes: dict[str, int]) -> Graph:
        """The graph `part`, for `sizes` alone where the device wants that."""
        sizes = sizes if self.device.provider.fixed_size else {}
        key = part, tuple(sizes.items())
        if key not in self._graphs:
            graph = Graph(self._runtime, self._path(part), self.device, self._threads, sizes)
            check_weights(graph.session, self._folder / f"{self._name}.safetensors")
            self._graphs[key] = graph
        return self._graphs[key]

    def encode(self, frame: Image) -> list[Any]:
        return self._graph(ENCODE, frame_sizes(*frame.shape[:2]))([frame[None]], stays=True)

    def synthesise(
        self, features0: list[Any], features1: list[Any], tau: float, noise: NDArray[np.float32], strength: float
    ) -> Image:
        values = [*features0, *features1, np.full((1, 1, 1, 1), tau, np.float32)]
        values += [noise, np.array([strength], np.float32)]  # graphs of 0 steps have no such inputs
        return self._graph(self._synthesise, feature_sizes(self._features, features0))(values)[0][0]

    def release(self) -> None:
        self._graphs.clear()  # an arena of onnxruntime never shrinks

    def close(self) -> None:
        self.release()


def frame_sizes(height: int, width: int) -> dict[str, int]:
    """The axes of a frame, by the names they have in the graphs."""
    return {"batch": 1, "height": height, "width": width}


def feature_sizes(names: Sequence[str], features: Sequence[Any]) -> dict[str, int]:
    """The axes of a frame and of its features; the first of these is as large as the frame."""
    shapes = [shape_of(value) for value in features]
    sizes = frame_sizes(*shapes[0][2:])
    for name, (_, _, height, width) in zip(names, shapes, strict=True):
        sizes |= {f"{name}_height": height, f"{name}_width": width}
    return sizes


def find_model(model: str | Path) -> tuple[Path, str]:
    """Folder and name of a model: a preset that travels with the package, or the path of one of its files."""
    path = Path(model)
    if path.suffix in (".onnx", ".safetensors"):
        if not path.is_file():
            raise ComponentError(f"{path}: no such model file")
        return path.parent, path.name.split(".")[0]
    folder = Path(str(resources.files("vfi_flow.model"))) / "weights"
    if not (folder / f"{model}.{ENCODE}.onnx").is_file():
        known = sorted(file.name.split(".")[0] for file in folder.glob(f"*.{ENCODE}.onnx"))
        raise ComponentError(f"unknown model '{model}'; there are {', '.join(known) or 'none'}, or give a file's path")
    return folder, str(model)


def read_info(session: Any, path: Path) -> ModelInfo:
    """What the file's metadata say; ComponentError for a file that is not one of ours."""
    metadata = session.get_modelmeta().custom_metadata_map
    if metadata.get("schema") != SCHEMA:
        raise ComponentError(f"{path}: not a model of vfi_flow (schema '{metadata.get('schema', 'none')}')")
    return ModelInfo(metadata["preset"], metadata["hash"], float(metadata["strength"]), metadata.get("summary", ""))


def check_weights(session: Any, weights: Path) -> None:
    """Graphs that read their weights from a file beside them know its hash: other bytes would be read as weights."""
    expected = session.get_modelmeta().custom_metadata_map.get("weights_sha256")
    if expected is not None and file_hash(weights) != expected:
        raise ComponentError(f"{weights}: changed since its graphs were exported; run `vfi-flow export --layout split`")
