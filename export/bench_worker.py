"""One case of the benchmark in a process of its own, so that its memory is its own: one line of JSON a command.

bench_worker.py FILE DEVICE WIDTH HEIGHT THREADS NEW     says what it opened, after one pair; then reads commands:
run    makes the NEW frames of a pair: {"milliseconds", "cpu_milliseconds"} of each
peak   the most memory that the process had so far: {"peak_mib"}
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import UsageError, VfiFlowError
from vfi_flow.inference.engine import Motion
from vfi_flow.inference.onnx_interpolator import OnnxEngine
from vfi_flow.inference.onnx_session import Graph, first_line, load_runtime, shape_of
from vfi_flow.inference.padding import padded_size
from vfi_flow.inference.providers import Device, find_device

Array = NDArray[Any]
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
SHIFT = 6
"""Pixels between the two frames."""
SYNTHESISE, COMPOSE = ".synthesise_", ".compose_"


def layout_of(path: Path, ports: Sequence[Any]) -> str:
    """The layout of a file, told by its inputs (name, type, shape) alone."""
    names = [port.name for port in ports]
    channels = [port.shape[1] if len(port.shape) == 4 else None for port in ports]
    for part, layout in ((SYNTHESISE, "split"), (COMPOSE, "stream")):
        if part in path.name and names[0] == "image_0":
            return layout
    if {"frame0", "frame1", "tau"} <= set(names):
        return "u8" if ports[0].type == "tensor(uint8)" else "native"
    if len(ports) == 1 and channels[0] in (7, 11):
        return f"{channels[0]}ch"
    if len(ports) == 3 and channels[:2] == [3, 3]:
        return "3in"
    raise UsageError(f"{path}: inputs {', '.join(names)} are of no layout that is known")


def frames(height: int, width: int) -> tuple[Array, Array]:
    """Two images (1, 3, H, W) in [0, 1] of a soft texture that moves."""
    coarse = np.random.default_rng(0).random((3, height // 8 + 2, (width + SHIFT) // 8 + 2), dtype=np.float32)
    world: Array = np.kron(coarse, np.ones((8, 8), np.float32))
    for axis in (1, 2):
        world = np.mean([np.roll(world, shift, axis) for shift in range(-3, 4)], axis=0)
    images = (world[:, :height, left : left + width] for left in (0, SHIFT))
    image0, image1 = (np.ascontiguousarray(image[None], np.float32) for image in images)
    return image0, image1


def feed(layout: str, ports: Sequence[Any], height: int, width: int) -> list[Array]:
    """Inputs that ask a file for the frame in the middle, in the order of `ports`."""
    if layout == "native":
        height, width = padded_size(height, width)
    image0, image1 = frames(height, width)
    half = np.float32(0.5)
    if layout == "u8":
        pair = [(image * 255).astype(np.uint8).transpose(0, 2, 3, 1).copy() for image in (image0, image1)]
        return [*pair, np.full(1, half)]
    if layout == "native":
        noise = np.random.default_rng(1).standard_normal(image0.shape, dtype=np.float32)
        values = {"frame0": image0, "frame1": image1, "tau": np.full((1, 1, 1, 1), half), "noise": noise}
        values |= {"strength": np.ones(1, np.float32), "steps": np.ones(1, np.int64)}
        return [values[port.name] for port in ports]
    if layout == "3in":
        # A timestep whose axes are called as those of the images is a plane; other free axes are of size 1.
        known = axis_sizes(ports[:2], (image0, image1))
        shape = [size if isinstance(size, int) else known.get(size, 1) for size in ports[2].shape]
        values3 = [image0, image1, np.full(shape, half)]
        return [value.astype(TYPES[port.type]) for value, port in zip(values3, ports, strict=True)]
    plane = np.ones((1, 1, height, width), np.float32)
    x, y = np.linspace(-1, 1, width) * plane, np.linspace(-1, 1, height)[:, None] * plane
    grid = [x, y, plane * 2 / max(width - 1, 1), plane * 2 / max(height - 1, 1)]
    planes = [image0, image1, half * plane, *(grid if layout == "11ch" else [])]
    return [np.concatenate(planes, axis=1).astype(TYPES[ports[0].type])]


def ports_of(runtime: Any, path: Path) -> tuple[Sequence[Any], dict[str, str]]:
    """Inputs and metadata of a file, read without preparing it to run."""
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        raise UsageError(f"{path}: onnxruntime cannot load it ({first_line(error)})") from error
    return session.get_inputs(), session.get_modelmeta().custom_metadata_map


def axis_sizes(ports: Sequence[Any], values: Sequence[Any]) -> dict[str, int]:
    """What the named axes of the inputs are in `values`."""
    pairs = zip((port.shape for port in ports), map(shape_of, values), strict=True)
    return {
        name: size for names, sizes in pairs for name, size in zip(names, sizes, strict=True) if isinstance(name, str)
    }


def case(
    path: Path, device: Device, height: int, width: int, threads: int, new: int
) -> tuple[Callable[[], object], dict[str, str]]:
    """What makes `new` frames of a pair and gives the last of them, and what it is."""
    ports, metadata = ports_of(load_runtime(), path)
    layout = layout_of(path, ports)
    about = {"layout": layout, "precision": metadata.get("precision", "-"), "steps": metadata.get("steps", "-")}
    if layout == "stream":
        return stream(path, int(about["steps"]), device, height, width, threads, new), about
    if layout == "split":
        return split(path, device, height, width, threads, new), about
    values = feed(layout, ports, height, width)
    check_size(path, ports, values)
    graph = opened(path, ports, values, device, threads)
    return repeated(lambda: graph(values), new), about


def opened(path: Path, ports: Sequence[Any], values: Sequence[Any], device: Device, threads: int) -> Graph:
    """The graph, for the sizes of `values` alone where the device wants that."""
    sizes = axis_sizes(ports, values) if device.provider.fixed_size else {}
    return Graph(load_runtime(), path, device, threads, sizes)


def split(path: Path, device: Device, height: int, width: int, threads: int, new: int) -> Callable[[], object]:
    """What makes `new` frames of a pair as in a stream: one frame is new, of the other the features are there."""
    images = [image.transpose(0, 2, 3, 1).copy() for image in frames(*padded_size(height, width))]
    noise = np.random.default_rng(1).standard_normal((1, 3, *padded_size(height, width)), dtype=np.float32)
    known = {"tau": np.full((1, 1, 1, 1), np.float32(0.5)), "noise": noise, "strength": np.ones(1, np.float32)}

    def part(name: str, values: dict[str, Any]) -> Graph:
        file = path if name == SYNTHESISE else path.with_name(f"{path.name.rpartition(SYNTHESISE)[0]}.{name}.onnx")
        ports = ports_of(load_runtime(), file)[0]
        return opened(file, ports, [values[port.name] for port in ports], device, threads)

    encode = part("encode", {"frame": images[0]})
    kept = encode.named({"frame": images[0]}, stays=True)
    known |= {f"{name}_{side}": value for side in (0, 1) for name, value in kept.items()}
    register = part("register", known)
    synthesise = part(SYNTHESISE, known | register.named(known, stays=True))

    def make() -> object:
        later = encode.named({"frame": images[1]}, stays=True)
        values = known | {f"{name}_1": value for name, value in later.items()}
        values |= register.named(values, stays=True)
        return repeated(lambda: list(synthesise.named(values).values()), new)()

    return make


def repeated(make: Callable[[], Any], times: int) -> Callable[[], Any]:
    """What does it as often and gives the last result."""
    return lambda: [make() for _ in range(times)][-1]


def stream(
    path: Path, steps: int, device: Device, height: int, width: int, threads: int, new: int
) -> Callable[[], object]:
    """What makes `new` frames of every pair of a stream, as this package does."""
    engine = OnnxEngine(path, steps, str(device), threads)
    frame, later = (image[0].transpose(1, 2, 0).copy() for image in frames(*padded_size(height, width)))
    noise = np.random.default_rng(1).standard_normal((1, 3, *frame.shape[:2]), dtype=np.float32)
    kept = engine.encode(frame), engine.encode(later)
    motion = engine.register(*kept)

    def make() -> list[Array]:
        following = engine.register(kept[1], engine.encode(frame))
        around = Motion(motion, motion, following, (1.0, 1.0), width)
        return repeated(lambda: [engine.compose(*kept, around, 0.5, noise, 1.0)[None]], new)()

    return make


def check_size(path: Path, ports: Sequence[Any], values: Sequence[Array]) -> None:
    for port, value in zip(ports, values, strict=True):
        if any(isinstance(own, int) and own != size for own, size in zip(port.shape, value.shape, strict=True)):
            raise UsageError(f"{path.name} takes {port.name} {port.shape}, not {list(value.shape)}")


def peak_mib() -> float:
    """The most memory that this process had; on Linux not what its parent had before, as getrusage would say."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    if sys.platform == "linux":
        [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 2**10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def timed(make: Callable[[], object], new: int) -> dict[str, float]:
    """Times of each of the `new` frames that are made."""
    wall, cpu = time.perf_counter(), time.process_time()
    make()
    return {
        "milliseconds": 1000 * (time.perf_counter() - wall) / new,
        "cpu_milliseconds": 1000 * (time.process_time() - cpu) / new,
    }


def main(arguments: Sequence[str]) -> int:
    # Answers have a descriptor of their own: what libraries print goes to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**values: object) -> None:
        print(json.dumps(values), file=answers, flush=True)

    try:
        path, device, *numbers = arguments
        width, height, threads, new = map(int, numbers)
        make, about = case(Path(path), find_device(device, load_runtime()), height, width, threads, new)
        make()
        answer(**about)
        for line in sys.stdin:
            answer(**(timed(make, new) if line.strip() == "run" else {"peak_mib": peak_mib()}))
    except VfiFlowError as error:
        answer(error=str(error))
        return error.exit_code
    except Exception as error:  # onnxruntime's errors share no base class; the table says which case has failed
        answer(error=f"{arguments[0]}: {first_line(error)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
