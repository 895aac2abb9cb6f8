"""One ONNX graph, open on one device: what was asked for, or a sentence that says why not."""

import contextlib
import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import ComponentError, OutOfMemoryError
from vfi_flow.files import cache_folder, file_hash
from vfi_flow.inference.providers import (
    PROVIDERS,
    Device,
    Provider,
    Setting,
    has_plugin,
    what_to_do,
)

ERRORS_ONLY, FATAL_ONLY = 3, 4
"""Severities of the messages that ONNX Runtime writes to stderr. What a graph fails of is in the exception as well."""
CPU = PROVIDERS["cpu"].name


class Graph:
    """Runs a graph; its results may stay in the device's memory, to be inputs of another one."""

    def __init__(
        self,
        runtime: Any,
        path: Path,
        device: Device,
        threads: int | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        """`sizes` fixes axes by their names; the others stay dynamic."""
        self.device = device
        self.session = open_session(runtime, path, device, threads, sizes or {})
        self.options, self._giving_back = runtime.RunOptions(), runtime.RunOptions()
        for options in (self.options, self._giving_back):
            options.log_severity_level = FATAL_ONLY
        self._giving_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self.inputs = [port.name for port in self.session.get_inputs()]
        self.outputs = [port.name for port in self.session.get_outputs()]

    def __call__(self, values: Iterable[Any], *, stays: bool = False) -> list[Any]:
        """Results in order, as arrays; with `stays` as the device's own values where it has memory of its own.

        `values` are arrays or results of a graph on the same device; what comes after the last input is not needed.
        """
        feeds = dict(zip(self.inputs, values, strict=False))
        try:
            if self.device.provider.memory is None:
                return self.session.run(None, feeds, self.options)
            return self._run_bound(feeds, stays)
        except Exception as error:  # onnxruntime's errors share no base class
            raise self._explained(error) from error

    def named(self, values: Mapping[str, Any], *, stays: bool = False) -> dict[str, Any]:
        """The same with inputs and results by their names; others among `values` are not needed."""
        return dict(zip(self.outputs, self([values[name] for name in self.inputs], stays=stays), strict=True))

    def _run_bound(self, feeds: Mapping[str, Any], stays: bool) -> list[Any]:
        binding = self.session.io_binding()
        for name, value in feeds.items():
            if isinstance(value, np.ndarray):
                binding.bind_cpu_input(name, np.ascontiguousarray(value))
            else:
                binding.bind_ortvalue_input(name, value)
        memory, number = (self.device.provider.memory, self.device.number) if stays else ("cpu", 0)
        for name in self.outputs:
            binding.bind_output(name, memory, number)
        self.session.run_with_iobinding(binding, self.options)
        return binding.get_outputs() if stays else binding.copy_outputs_to_cpu()

    def give_back(self, *values: Any) -> None:
        """Runs once more, with small `values`: after that the arena of the CPU gives back what no graph uses."""
        if self.device.provider.name == CPU:
            with contextlib.suppress(Exception):  # onnxruntime's errors share no base class; memory may be short
                self.session.run(None, dict(zip(self.inputs, values, strict=True)), self._giving_back)

    def _explained(self, error: Exception) -> Exception:
        reason, text = first_line(error), str(error).lower()
        if any(word in text for word in ("alloc", "memory")) and "illegal memory" not in text:
            return OutOfMemoryError(f"{self.device.provider.name}: out of memory ({reason})")
        if self.device.provider.name == CPU:
            return error
        return ComponentError(f"device '{self.device}': {reason}{what_to_do(self.device)}")


def open_session(runtime: Any, path: Path, device: Device, threads: int | None, sizes: Mapping[str, int]) -> Any:
    """An InferenceSession on `device`; ComponentError where that is not what onnxruntime makes of it."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ComponentError(f"{path}: onnxruntime opens no file whose path is not UTF-8; rename it") from error
    provider = device.provider
    options = runtime.SessionOptions()
    options.log_severity_level = FATAL_ONLY
    options.enable_mem_pattern = provider.memory_pattern
    # Threads that wait in a loop take the time of those that decode and encode, and on a virtual machine their own.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    for name, size in sizes.items():
        options.add_free_dimension_override_by_name(name, size)
    if provider.name != CPU:
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    elif share_arena(runtime):
        options.add_session_config_entry("session.use_env_allocators", "1")
    setting = Setting(device.part, threads, compiled_folder(runtime, path, provider, sizes))
    reason = load_libraries(runtime, provider)
    try:
        session = start(runtime, path, device, options, setting)
    except ComponentError:
        raise
    except Exception as error:  # onnxruntime's errors share no base class
        if provider.name == CPU:
            raise ComponentError(f"{path}: onnxruntime cannot load it ({first_line(error)})") from error
        message = f"device '{device}' cannot run {path.name}: {reason or first_line(error)}{what_to_do(device)}"
        raise ComponentError(message) from error
    check_placement(session, device, path, reason)
    return session


@cache
def share_arena(runtime: Any) -> bool:
    """Makes one arena for all graphs on the CPU, which grows by what they ask for: they run in turn.

    Arenas of their own would each keep the most that their graph ever needed. False where that cannot be. It lasts as
    long as the process and shrinks in `Graph.give_back` alone.
    """
    growing = {"max_mem": 0, "arena_extend_strategy": 1, "initial_chunk_size_bytes": -1, "max_dead_bytes_per_chunk": -1}
    kind, use = runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, runtime.OrtMemType.DEFAULT
    try:
        memory = runtime.OrtMemoryInfo("Cpu", kind, 0, use)
        runtime.create_and_register_allocator(memory, runtime.OrtArenaCfg(growing))
    except Exception:  # onnxruntime's errors share no base class; the program around may have made one before
        return False
    return True


def start(runtime: Any, path: Path, device: Device, options: Any, setting: Setting) -> Any:
    """The session. `enable_fallback=0`: with the default onnxruntime says on stdout that it goes on without."""
    provider = device.provider
    choices = provider.options(setting)
    if not has_plugin(provider):
        if provider.kinds:
            choices["device_type"] = (device.part or provider.kinds[0]).upper()
        rows = [provider.name, *(PROVIDERS[name].name for name in (provider.helper,) if name)]
        settings = [choices, *(PROVIDERS[name].options(setting) for name in (provider.helper,) if name)]
        return runtime.InferenceSession(
            str(path), options, providers=rows, provider_options=settings, enable_fallback=0
        )
    options.add_provider_for_devices([plugin_device(runtime, device)], choices)
    return runtime.InferenceSession(str(path), options, enable_fallback=0)


def plugin_device(runtime: Any, device: Device) -> Any:
    """What the library of a plugin offers for `device`."""
    provider = device.provider
    assert provider.plugin is not None
    register(runtime, provider.plugin)
    kind = device.part or next(iter(provider.kinds), "")
    for found in runtime.get_ep_devices():
        if found.ep_name == provider.name and found.ep_metadata.get("ov_device", "").lower().startswith(kind):
            return found
    raise ComponentError(f"device '{device}': {provider.name} finds no hardware{what_to_do(device)}")


@cache
def register(runtime: Any, plugin: str) -> None:
    """Once a process: a second time is an error."""
    try:
        runtime.register_execution_provider_library(plugin, import_module(plugin).get_library_path())
    except Exception as error:  # onnxruntime's errors share no base class
        raise ComponentError(f"{plugin} does not fit this onnxruntime: {first_line(error)}") from error


def check_placement(session: Any, device: Device, path: Path, reason: str = "") -> None:
    """Raises where the provider was dropped, or left most convolutions, which are most of the work, to the CPU."""
    name, first = device.provider.name, session.get_providers()[0]
    if first != name:
        because = f" ({reason})" if reason else ""
        raise ComponentError(f"device '{device}': onnxruntime fell back to {first}{because}{what_to_do(device)}")
    if name == CPU:
        return
    nodes = placed_nodes(session)
    if nodes is None:
        return
    on_cpu = nodes.get(CPU, Counter())["Conv"]
    if name not in nodes or 2 * on_cpu > sum(each["Conv"] for each in nodes.values()):
        raise ComponentError(f"device '{device}': {name} leaves most of {path.name} to the CPU{what_to_do(device)}")


def placed_nodes(session: Any) -> dict[str, Counter[str]] | None:
    """How many nodes of each type every provider has, as far as onnxruntime tells; None for a version without that.

    Nodes that a provider adds or replaces when it changes the layout are not in it.
    """
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return None
    nodes: dict[str, Counter[str]] = {}
    for part in session.get_provider_graph_assignment_info():
        nodes.setdefault(part.ep_name, Counter()).update(node.op_type for node in part.get_nodes())
    return nodes


def load_libraries(runtime: Any, provider: Provider) -> str:
    """Loads what pip has installed for a provider of NVIDIA's; what failed first, for a sentence, or nothing."""
    if provider.memory != "cuda" or not hasattr(runtime, "preload_dlls"):
        return ""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):  # it prints what it does not find
        runtime.preload_dlls()
        for name in provider.libraries:
            with contextlib.suppress(ImportError):
                import_module(name)
    failures = (line.partition(": ")[2] for line in said.getvalue().splitlines() if line.startswith("Failed to load"))
    return next(failures, "")[:200]


def compiled_folder(runtime: Any, path: Path, provider: Provider, sizes: Mapping[str, int]) -> Path:
    """Where a provider keeps what it compiles of this graph at this size, if it keeps anything."""
    if not provider.keeps_files:
        return Path()
    graph = f"{path.stem}-{file_hash(path)[:16]}-{runtime.__version__}"
    size = f"{sizes['width']}x{sizes['height']}" if "width" in sizes else "any"
    folder = cache_folder() / provider.device / graph / size
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ComponentError(f"{folder}: cannot be made ({error.strerror})") from error
    return folder


def shape_of(value: Any) -> Sequence[int]:
    """Of an array, or of a value in the memory of a device."""
    return value.shape if isinstance(value, np.ndarray) else value.shape()


def as_array(value: Any) -> NDArray[Any]:
    """An array, or a copy of a value in the memory of a device."""
    return value if isinstance(value, np.ndarray) else value.numpy()


def load_runtime() -> Any:
    """The module onnxruntime, which tells nobody of its use; ComponentError says how to get it."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it is read once, when the module is imported
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ComponentError('onnxruntime is not installed; run: pip install ".[cpu]" (or [gpu] for CUDA)') from error
    except (ImportError, OSError) as error:
        needs = "; it needs the Microsoft Visual C++ runtime" if sys.platform == "win32" else ""
        raise ComponentError(f"onnxruntime cannot be loaded ({first_line(error)}){needs}") from error
    if not hasattr(onnxruntime, "InferenceSession"):  # what is left after one of the two packages is uninstalled
        raise ComponentError("onnxruntime is damaged; run: pip install --force-reinstall onnxruntime")
    onnxruntime.disable_telemetry_events()  # of a module that the program had imported before
    onnxruntime.set_default_logger_severity(ERRORS_ONLY)
    return onnxruntime


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
