"""The network on ONNX Runtime; needs neither torch nor onnx."""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import ComponentError
from vfi_flow.inference.engine import Image, Motion
from vfi_flow.inference.machine import available_cores, fewer_cores
from vfi_flow.inference.model_files import (
    COMPOSE,
    ENCODE,
    ENLARGE,
    REGISTER,
    check_part,
    check_weights,
    check_whole,
    export_command,
    find_model,
    read_info,
)
from vfi_flow.inference.onnx_session import Graph, as_array, load_runtime, shape_of
from vfi_flow.inference.providers import find_device
from vfi_flow.inference.scale import reach
from vfi_flow.model.config import ALIGNMENT

TRIAL = (64, 64)
"""Height and width at which a device that compiles graphs shows, before the work starts, that it is there."""


@dataclass(frozen=True, slots=True)
class Maps:
    """Results of a graph that stay in the memory of the device, to be inputs of others."""

    maps: dict[str, Any]
    """(1, C, h, w) float32 by the names of the graph's outputs: arrays, or values of ONNX Runtime on the device."""
    sizes: dict[str, int]
    """Height and width of the frame and of its maps, by the names of the axes."""


class OnnxEngine:
    """The graphs of layout `stream` in one folder with the weights: `NAME.encode.onnx` to `NAME.compose_STEPS.onnx`."""

    def __init__(self, model: str | Path, steps: int, device: str, threads: int | None) -> None:
        """ComponentError where a file is missing or does not belong to the others, or `device` cannot run them."""
        self._runtime, self._threads = load_runtime(), threads or fewer_cores()
        self._folder, self._name = find_model(model, self._runtime)
        if self._weights.is_file():
            check_whole(self._weights)
        self.device = find_device(device, self._runtime)
        self.threads = (threads or available_cores()) if self.device.provider.device == "cpu" else 1
        self._opening = Lock()
        self._graphs: dict[tuple[str, tuple[tuple[str, int], ...]], Graph] = {}
        self._compose = f"{COMPOSE}_{steps}"
        trial = self._graph(ENCODE, frame_sizes(*TRIAL))
        self.model = read_info(trial.session)
        for part in (REGISTER, ENLARGE, self._compose):
            self._path(part)
            if not self.device.provider.fixed_size:
                self._graph(part, {})
        if self.device.provider.fixed_size:  # compiling takes long: only what will be used
            self._graphs.clear()
        self.description = f"onnxruntime {self.device.provider.name}"
        self.bytes_per_pixel = self.device.bytes_per_pixel
        self.any_size = not self.device.provider.fixed_size

    @property
    def _weights(self) -> Path:
        return self._folder / f"{self._name}.safetensors"

    def _path(self, part: str) -> Path:
        path = self._folder / f"{self._name}.{part}.onnx"
        if not path.is_file():
            advice = f"run `{export_command(self._weights)}`, or choose --engine torch where a command has it"
            raise ComponentError(f"{path}: no such file; {advice}")
        return path

    def _graph(self, part: str, sizes: dict[str, int]) -> Graph:
        """The graph `part`, for `sizes` alone where the device wants that."""
        sizes = sizes if self.device.provider.fixed_size else {}
        key = part, tuple(sizes.items())
        with self._opening:
            graph = self._graphs.get(key)
            if graph is None:
                path = self._path(part)
                try:
                    graph = Graph(self._runtime, path, self.device, self._threads, sizes)
                except ComponentError as error:
                    if not self._weights.is_file():
                        missing = f"{self._weights}: no such file; {path.name} reads its weights from it"
                        raise ComponentError(missing) from error
                    hint = f"is {self._weights.name} beside it the file that it was exported with?"
                    raise ComponentError(f"{error}; {hint}") from error
                check_part(graph.session, path, part)
                check_weights(graph.session, self._weights)
                self._graphs[key] = graph
            return graph

    def encode(self, frame: Image) -> Maps:
        """The maps of `frame` (H, W, 3) float32, by the names that `FrameFeatures` has for them."""
        sizes = frame_sizes(*frame.shape[:2])
        graph = self._graph(ENCODE, sizes)
        maps = graph.named({"frame": frame[None]}, stays=True)
        for name, value in maps.items():
            sizes |= dict(zip((f"{name}_height", f"{name}_width"), shape_of(value)[2:], strict=True))
        return Maps(maps, sizes)

    def register(self, features0: Maps, features1: Maps) -> Maps:
        """`motion` (1, 2, h, w), `mask` (1, 1, h, w), `context` (1, C, h, w) and `unexplained` (1, 1, 1, 1).

        They are those of `Registration`; h and w are half of the picture that motion is found on.
        """
        graph = self._graph(REGISTER, features0.sizes)
        return Maps(graph.named(both(features0, features1), stays=True), features0.sizes)

    def reach(self, found: Maps) -> float:
        """Pixels, by `scale.reach` of `motion`, which is copied from the device for that."""
        return reach(as_array(found.maps["motion"]))

    def enlarge(self, found: Maps, features0: Maps, features1: Maps) -> Maps:
        """What `register` gives, of frames at half of whose size motion was `found`; `unexplained` stays as it is."""
        sizes = features0.sizes | found_sizes(found)
        maps = {f"found_{name}": value for name, value in found.maps.items()}
        made = self._graph(ENLARGE, sizes).named({**both(features0, features1), **maps}, stays=True)
        return Maps(found.maps | made, features0.sizes)

    def compose(
        self,
        features0: Maps,
        features1: Maps,
        motion: Motion,
        tau: float,
        noise: NDArray[np.float32],
        strength: float,
    ) -> Image:
        """The new frame (H, W, 3) float32 in [0, 1], in the computer's memory; the rest as in `Engine.compose`."""
        beside = {"motion_before": motion.before.maps["motion"], "motion_after": motion.after.maps["motion"]}
        beside["intervals"] = np.array(motion.intervals, np.float32).reshape(1, 2, 1, 1)
        beside["frame_width"] = np.array([motion.frame_width], np.float32)
        dials = {"tau": place(tau), "noise": noise, "strength": np.array([strength], np.float32)}
        graph = self._graph(self._compose, features0.sizes)
        made = graph.named({**both(features0, features1), **motion.between.maps, **beside, **dials})
        frame: Image = made["frame"][0]
        return frame

    def release(self) -> None:
        """Closes the graphs; the next call opens those that it needs, from the same files."""
        with self._opening:
            encode = self._graphs.get((ENCODE, ()))
            self._graphs.clear()
        if encode is not None:
            encode.give_back(np.zeros((1, ALIGNMENT, ALIGNMENT, 3), np.float32))

    def close(self) -> None:
        """The same as `release`."""
        self.release()


def frame_sizes(height: int, width: int) -> dict[str, int]:
    """The axes of a frame, by the names they have in the graphs."""
    return {"batch": 1, "height": height, "width": width}


def found_sizes(found: Maps) -> dict[str, int]:
    """The axes of motion that was found on smaller frames."""
    height, width = shape_of(found.maps["motion"])[2:]
    return {"found_height": height, "found_width": width}


def both(features0: Maps, features1: Maps) -> dict[str, Any]:
    """The maps of two frames, by the names of the inputs they belong to."""
    return {
        f"{name}_{side}": value for side, one in enumerate((features0, features1)) for name, value in one.maps.items()
    }


def place(tau: float) -> NDArray[np.float32]:
    return np.full((1, 1, 1, 1), tau, np.float32)
