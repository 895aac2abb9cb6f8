"""`vfi-flow doctor`: what is installed, whether the engine works here, and what a model costs."""

import argparse
import platform
import time
from importlib import metadata

import numpy as np

from vfi_flow.errors import ComponentError, VfiFlowError

PACKAGES = ("numpy", "av", "onnxruntime", "onnxruntime-gpu", "torch", "kornia", "opencv-python-headless", "onnx")
SELF_TEST_SIZE = (180, 320)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("doctor", help="show versions, try the engine, count the cost of a model")
    parser.add_argument("--model", metavar="PRESET", help="print parameters and arithmetic of a preset instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.model is not None:
        return print_cost(arguments.model)
    print(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in PACKAGES:
        print(f"{name} {installed_version(name)}")
    try:
        print(self_test())
    except VfiFlowError as error:
        print(f"engine: {error}")
        return error.exit_code
    return 0


def installed_version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def self_test() -> str:
    """One line: engine, model, milliseconds for a new frame, and that a still picture stays what it is."""
    from vfi_flow.inference.interpolator import Interpolator

    height, width = SELF_TEST_SIZE
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    frame = np.broadcast_to(ramp[None, :, None], (height, width, 3)).copy()
    with Interpolator(steps=0) as interpolator:
        interpolator(frame, frame, [0.5])
        start = time.perf_counter()
        [made] = interpolator(frame, frame, [0.5])
        milliseconds = 1000 * (time.perf_counter() - start)
        error = float(np.abs(made.astype(float) - frame).mean())
        if error > 1:
            raise ComponentError(f"{interpolator.engine} computes wrong results: a still ramp is off by {error:.1f}")
        return (
            f"engine: {interpolator.engine}, model {interpolator.model_name} {interpolator.model_hash[:12]}, "
            f"{milliseconds:.0f} ms for {width}x{height} with 0 steps, self-test passed"
        )


def print_cost(name: str) -> int:
    """Parameters and multiply-accumulates of a preset, counted by running it."""
    try:
        from vfi_flow.model.config import preset
        from vfi_flow.model.cost import network_cost
        from vfi_flow.model.network import InterpolationNetwork
    except ImportError as error:
        raise ComponentError(f'counting needs {error.name}; run: pip install "vfi-flow[train]"') from error
    config = preset(name)
    cost = network_cost(InterpolationNetwork(config))
    print(f"{name}: {cost.parameters / 1e6:.2f} M parameters; thousand multiply-accumulates per output pixel:")
    rows = (
        ("features of one frame", cost.encode),
        ("registration", cost.registration),
        ("fusion", cost.fusion),
        ("condition of the velocity", cost.condition),
        ("one evaluation of the velocity", cost.evaluation),
        (f"0 steps in a stream (budget {config.mean_budget / 1000:g})", cost.mean),
        (f"1 step in a stream (budget {config.sample_budget / 1000:g})", cost.sample()),
    )
    for label, count in rows:
        print(f"  {count / 1000:6.2f}  {label}")
    return 0
