"""What `evaluate` and `compare` share: the model to be measured, opened as one method for each way of using it."""

import argparse
import importlib.util
from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING

from vfi_flow.cli.model_options import DEVICE_HELP, add_scale_option
from vfi_flow.cli.option_types import parse_strength
from vfi_flow.errors import ComponentError, UsageError
from vfi_flow.inference.engine import MOST_THREADS
from vfi_flow.spelling import read_by

if TYPE_CHECKING:
    from vfi_flow.training.evaluate import Method


def add_model_arguments(parser: argparse.ArgumentParser, steps: str) -> None:
    parser.add_argument(
        "--steps", type=steps_list, default=steps, metavar="LIST", help=f"solver steps (default {steps}), or none"
    )
    parser.add_argument(
        "--neighbours",
        choices=("on", "off", "both"),
        default="on",
        help="with the frames before and after the two, as in a video, or with these alone (default on)",
    )
    parser.add_argument(
        "--strength",
        type=read_by(strengths),
        metavar="LIST",
        help="scales what is drawn on top of the mean, 0 to 2, such as 0.5,1,1.5 (default: the model's own)",
    )
    parser.add_argument("--model", default="base", metavar="NAME|FILE", help="preset or file of a model (default base)")
    parser.add_argument(
        "--engine", choices=("onnx", "torch"), default="onnx", help="what runs the model (default onnx)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise (default 0)")
    parser.add_argument("--device", default="auto", metavar="NAME", help=DEVICE_HELP)
    add_scale_option(parser)
    parser.add_argument("--threads", type=int, help="threads of the model and of OpenCV (default: all cores)")


def require_training_packages() -> None:
    """One sentence instead of a traceback where only the base is installed."""
    needed = {"cv2": "OpenCV", "torch": "PyTorch", "kornia": "kornia"}
    missing = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ComponentError(f'{" and ".join(missing)} {verb} not installed; run: pip install ".[train]"')


def set_threads(threads: int | None) -> None:
    if threads is None:
        return
    if not 1 <= threads <= MOST_THREADS:
        raise UsageError(f"--threads must be at least 1 and at most {MOST_THREADS}, got {threads}")
    import cv2
    import torch

    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)


def open_model(arguments: argparse.Namespace, stack: ExitStack) -> tuple[list["Method"], dict[str, str] | None]:
    """One method for each number of steps and strength, and what the model is; none is loaded for --steps none."""
    from vfi_flow.training.evaluate import of_interpolator

    if not arguments.steps:
        return [], None
    from vfi_flow.inference.interpolator import Interpolator

    methods = []
    chosen = arguments.strength or [None]
    # At zero steps there is no residual that a strength could scale.
    sides = [side for side, choice in ((True, "on"), (False, "off")) if arguments.neighbours in (choice, "both")]
    drawn = [(n, s) for n in arguments.steps for s in (chosen if n else [None])]
    for (steps, strength), neighbours in product(drawn, sides):  # what one has found out must not save another's time
        interpolator = stack.enter_context(
            Interpolator(
                model=arguments.model,
                steps=steps,
                strength=strength,
                seed=arguments.seed,
                device=arguments.device,
                threads=arguments.threads,
                engine=arguments.engine,
                scale=arguments.scale,
            )
        )
        methods.append(of_interpolator(interpolator, steps, strength, neighbours))
    model = {"name": interpolator.model_name, "hash": interpolator.model_hash, "engine": interpolator.engine}
    return methods, model


def steps_list(text: str) -> list[int]:
    if text == "none":
        return []
    try:
        steps = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 0,1 or none, got '{text}'") from None
    if min(steps) < 0 or len(set(steps)) < len(steps):
        raise argparse.ArgumentTypeError(f"expected different numbers from 0, got '{text}'")
    return steps


def strengths(text: str) -> list[float]:
    return sorted({parse_strength(part) for part in text.split(",")})
