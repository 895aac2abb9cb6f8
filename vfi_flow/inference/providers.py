"""Where ONNX Runtime can run the model: one row for every name that `--device` takes.

Options follow ONNX Runtime's documentation where the hardware was not at hand; export/README.md says what was tried.
"""

import json
import sys
from collections.abc import Callable
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vfi_flow.errors import ComponentError

BYTES_PER_PIXEL = 900
"""Of the CPU provider's memory, for every pixel of a padded frame (python -m vfi_flow.export.bench)."""

OPENVINO_BYTES_PER_PIXEL = 1600
"""The same of OpenVINO on the CPU (1530 measured by `export/bench.py` between 640x360 and 1280x720)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the options of a provider depend on."""

    part: str = ""
    """What stands behind the colon: `1` of `cuda:1`."""
    threads: int | None = None
    cache: Path = Path()
    """Folder for what the provider compiles; it belongs to one graph, one size and one version of ONNX Runtime."""


Options = dict[str, str]


@dataclass(frozen=True, slots=True)
class Provider:
    """An execution provider, and what this model needs to know of it."""

    device: str
    """What `--device` calls it."""
    name: str
    """What ONNX Runtime calls it."""
    needs: str
    """Hardware and packages, for the sentence that says what is missing."""
    options: Callable[[Setting], Options] = lambda setting: {}
    numbered: bool = False
    """Whether a machine may have several: `cuda:1` is the second."""
    kinds: tuple[str, ...] = ()
    """What else may stand behind the colon; the first is meant where there is nothing."""
    memory: str | None = None
    """ONNX Runtime's name of the memory that features stay in; None: the computer's, as plain arrays."""
    bytes_per_pixel: int | None = None
    """As `Engine.bytes_per_pixel`."""
    auto: int | None = None
    """Place in the order in which `auto` looks for one; None: only by its name."""
    hardware: Callable[[], bool] = lambda: True
    """Whether `auto` may expect it to work: packages list their provider on machines without the hardware, too."""
    fixed_size: bool = False
    """Compiles graphs: they are opened anew for every size of frames, with no dynamic shape left in them."""
    keeps_files: bool = False
    """Whether it uses `Setting.cache`."""
    plugin: str | None = None
    """Package that brings the provider as a library of its own, beside onnxruntime."""
    libraries: tuple[str, ...] = ()
    """Packages whose import loads what the provider links to."""
    helper: str | None = None
    """Device that takes the nodes which this one does not."""
    memory_pattern: bool = True


def cuda_options(setting: Setting) -> Options:
    return {
        "device_id": setting.part or "0",
        # Timing all algorithms for every new size takes seconds and gains nothing; DEFAULT is the slow fallback.
        "cudnn_conv_algo_search": "HEURISTIC",
        # The mantissa of the fp16 files, which cost less than 0.1 dB (tests/export/test_variants.py).
        "use_tf32": "1",
        # Doubling the arena each time runs out of memory earlier.
        "arena_extend_strategy": "kSameAsRequested",
        # No enable_cuda_graph: it replays recorded addresses, but shapes are dynamic here and features of any two
        # frames may meet. Hosts that own their buffers can use it with files of `vfi-flow export --size`.
    }


def tensorrt_options(setting: Setting) -> Options:
    """Engines take minutes to build and are kept. fp16 stays off: it would reach flows and coordinates, too."""
    return {
        "device_id": setting.part or "0",
        "trt_fp16_enable": "0",
        "trt_engine_cache_enable": "1",
        # Its file names know neither sizes nor weights: a folder for each.
        "trt_engine_cache_path": str(setting.cache),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(setting.cache.parent),
    }


def directml_options(setting: Setting) -> Options:
    return {"device_id": setting.part or "0"}


def coreml_options(setting: Setting) -> Options:
    """MLProgram is the format with GridSample; dynamic shapes fail in it at run time, graphs here have none."""
    return {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL", "RequireStaticInputShapes": "1"}


def openvino_options(setting: Setting) -> Options:
    """Without the hint convolutions run in bfloat16 or half precision wherever the hardware has it."""
    kind = setting.part or "cpu"
    properties: dict[str, object] = {"INFERENCE_PRECISION_HINT": "f32"}
    if setting.threads and kind == "cpu":
        properties["INFERENCE_NUM_THREADS"] = setting.threads  # num_of_threads changes nothing
    return {"load_config": json.dumps({kind.upper(): properties})}


def has_nvidia_gpu() -> bool:
    # onnxruntime-gpu lists CUDA on machines that have none.
    if sys.platform == "win32":
        return find_library("nvcuda") is not None
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()


HINT = "; `vfi-flow doctor` shows what works here"

CUDA_NEEDS = 'an NVIDIA GPU with its driver, CUDA 13 and cuDNN 9: pip install ".[gpu]"'

PROVIDERS = {
    row.device: row
    for row in (
        Provider(
            "cpu",
            "CPUExecutionProvider",
            'pip install ".[cpu]"',
            bytes_per_pixel=BYTES_PER_PIXEL,
            auto=2,
        ),
        Provider(
            "cuda",
            "CUDAExecutionProvider",
            CUDA_NEEDS,
            cuda_options,
            numbered=True,
            memory="cuda",
            auto=1,
            hardware=has_nvidia_gpu,
        ),
        Provider(
            "tensorrt",
            "TensorrtExecutionProvider",
            f'{CUDA_NEEDS} "tensorrt-cu13<11"',
            tensorrt_options,
            numbered=True,
            memory="cuda",
            fixed_size=True,
            keeps_files=True,
            libraries=("tensorrt_libs",),
            helper="cuda",
        ),
        Provider(
            "directml",
            "DmlExecutionProvider",
            "Windows and a GPU with DirectX 12: pip install onnxruntime-directml (instead of onnxruntime)",
            directml_options,
            numbered=True,
            memory="dml",
            fixed_size=True,
            memory_pattern=False,
        ),
        Provider(
            "coreml",
            "CoreMLExecutionProvider",
            'macOS: pip install ".[cpu]"',
            coreml_options,
            # Not measured; graphics and program share the memory of these machines.
            bytes_per_pixel=BYTES_PER_PIXEL,
            fixed_size=True,
        ),
        Provider(
            "openvino",
            "OpenVINOExecutionProvider",
            "an Intel CPU or GPU: pip install onnxruntime-ep-openvino (beside onnxruntime)",
            openvino_options,
            kinds=("cpu", "gpu"),
            bytes_per_pixel=OPENVINO_BYTES_PER_PIXEL,
            plugin="onnxruntime_ep_openvino",
        ),
        Provider(
            "webgpu",
            "WebGpuExecutionProvider",
            "a GPU with Vulkan, DirectX 12 or Metal: pip install onnxruntime-ep-webgpu (beside onnxruntime)",
            memory="webgpu",
            plugin="onnxruntime_ep_webgpu",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Device:
    """A provider and the part of it that was asked for."""

    provider: Provider
    part: str = ""

    def __str__(self) -> str:
        return f"{self.provider.device}:{self.part}" if self.part else self.provider.device

    @property
    def number(self) -> int:
        return int(self.part) if self.provider.numbered and self.part else 0

    @property
    def bytes_per_pixel(self) -> int | None:
        """None, too, for a GPU of a provider that also runs on the CPU."""
        on_first = not self.part or not self.provider.kinds or self.part == self.provider.kinds[0]
        return self.provider.bytes_per_pixel if on_first else None


def find_device(text: str, runtime: Any) -> Device:
    """The device that `--device TEXT` means, if this installation of onnxruntime has it."""
    if text == "auto":
        rows = sorted((row for row in PROVIDERS.values() if row.auto is not None), key=lambda row: row.auto or 0)
        found = [row for row in rows if is_installed(row, runtime) and row.hardware()]
        return Device(found[0] if found else PROVIDERS["cpu"])
    device = parse_device(text)
    if not is_installed(device.provider, runtime):
        raise ComponentError(f"device '{text}': this onnxruntime has no {device.provider.name}{what_to_do(device)}")
    return device


def parse_device(text: str) -> Device:
    """The device of that name; whether it is there is another question."""
    name, colon, part = text.partition(":")
    provider = PROVIDERS.get(name)
    if provider is None:
        raise ComponentError(f"unknown device '{text}'; there are auto, {', '.join(PROVIDERS)}")
    if not colon:
        return Device(provider)
    if provider.numbered and part.isdecimal():
        return Device(provider, part)
    if part not in provider.kinds:
        choices = [f"{name}:0"] if provider.numbered else [f"{name}:{kind}" for kind in provider.kinds]
        raise ComponentError(f"unknown device '{text}'; write {' or '.join([name, *choices])}")
    return Device(provider, part)


def is_installed(provider: Provider, runtime: Any) -> bool:
    """Whether the packages are there; the hardware may still be missing."""
    return has_plugin(provider) or provider.name in runtime.get_available_providers()


def has_plugin(provider: Provider) -> bool:
    return provider.plugin is not None and find_spec(provider.plugin) is not None


def what_to_do(device: Device) -> str:
    """The end of every sentence about a device that does not work."""
    return f"; it needs {device.provider.needs}{HINT}"
