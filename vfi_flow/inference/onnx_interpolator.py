"""The network on ONNX Runtime; needs neither torch nor onnx."""

import hashlib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import ComponentError, OutOfMemoryError
from vfi_flow.inference.engine import Image, ModelInfo

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
SCHEMA = "vfi_flow-1"
BYTES_PER_PIXEL = 900
"""Of the CPU provider's memory, for every pixel of a padded frame (benchmarks/memory_by_size.py)."""
ENCODE, SYNTHESISE = "encode", "synthesise"


class OnnxEngine:
    """Two graphs of one model: `NAME.encode.onnx` and `NAME.synthesise_STEPS.onnx`, in one folder with the weights."""

    def __init__(self, model: str | Path, steps: int, device: str, threads: int | None) -> None:
        runtime = load_runtime()
        folder, name = find_model(model)
        self._provider = pick_provider(device, runtime)
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        self._encode = self._open(runtime, folder / f"{name}.{ENCODE}.onnx", options)
        self._synthesise = self._open(runtime, folder / f"{name}.{SYNTHESISE}_{steps}.onnx", options)
        self._inputs = [port.name for port in self._synthesise.get_inputs()]
        self.model = read_info(self._encode, folder / name)
        check_weights(self._synthesise, folder / f"{name}.safetensors")
        self.description = f"onnxruntime {self._provider}"
        self.bytes_per_pixel = BYTES_PER_PIXEL if self._provider == PROVIDERS["cpu"] else None

    def _open(self, runtime: Any, path: Path, options: Any) -> Any:
        if not path.is_file():
            raise ComponentError(f"{path}: no such file; the model is not complete, `vfi-flow export` makes it anew")
        try:
            session = runtime.InferenceSession(str(path), options, providers=[self._provider])
        except Exception as error:  # onnxruntime's errors share no base class
            raise ComponentError(f"{path}: onnxruntime cannot load it ({first_line(error)})") from error
        if session.get_providers()[0] != self._provider:
            raise ComponentError(f"{self._provider} was asked for, but onnxruntime fell back; see `vfi-flow doctor`")
        return session

    def encode(self, frame: Image) -> list[Any]:
        return self._run(self._encode, {"frame": frame[None]})

    def synthesise(
        self, features0: list[Any], features1: list[Any], tau: float, noise: NDArray[np.float32], strength: float
    ) -> Image:
        values = [*features0, *features1, np.full((1, 1, 1, 1), tau, np.float32)]
        values += [noise, np.array([strength], np.float32)]  # graphs of 0 steps have no such inputs
        return self._run(self._synthesise, dict(zip(self._inputs, values, strict=False)))[0][0]

    def _run(self, session: Any, feeds: dict[str, Any]) -> list[Any]:
        try:
            return session.run(None, feeds)
        except Exception as error:
            if any(word in str(error).lower() for word in ("alloc", "memory")):
                raise OutOfMemoryError(f"{self.description}: out of memory ({first_line(error)})") from error
            raise

    def close(self) -> None:
        del self._encode, self._synthesise


def load_runtime() -> Any:
    """The module onnxruntime; ComponentError says how to get it."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ComponentError(
            'onnxruntime is not installed; run: pip install "vfi-flow[cpu]" (or [gpu] for CUDA)'
        ) from error
    if not hasattr(onnxruntime, "InferenceSession"):  # what is left after one of the two packages is uninstalled
        raise ComponentError("onnxruntime is damaged; run: pip install --force-reinstall onnxruntime")
    return onnxruntime


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


def pick_provider(device: str, runtime: Any) -> str:
    """The execution provider for `device`: auto takes CUDA where it is available."""
    if device == "auto":
        device = "cuda" if PROVIDERS["cuda"] in runtime.get_available_providers() and _has_gpu() else "cpu"
    if device not in PROVIDERS:
        raise ComponentError(f"unknown device '{device}'; there are auto, {', '.join(PROVIDERS)}")
    if PROVIDERS[device] not in runtime.get_available_providers():
        raise ComponentError(f"device '{device}' needs onnxruntime with {PROVIDERS[device]}: vfi-flow[gpu]")
    return PROVIDERS[device]


def _has_gpu() -> bool:
    # onnxruntime-gpu lists CUDA on machines that have none.
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()


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


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
