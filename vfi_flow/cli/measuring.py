"""What `evaluate` and `compare` share: the model to be measured, opened as one method for each way of using it."""

import argparse
import importlib.util
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING, Any

from vfi_flow.cli.model_options import DEVICE_HELP, add_scale_option
from vfi_flow.cli.option_types import parse_strength, parse_threads, split_words
from vfi_flow.errors import ComponentError
from vfi_flow.spelling import read_by

if TYPE_CHECKING:
    from vfi_flow.training.evaluate import Method


class Steps(argparse.Action):
    """Different numbers of solver steps, `0,1` or `0 1`, or `none`; the value is a list of them."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        try:
            setattr(namespace, self.dest, parse_steps([values] if isinstance(values, str) else values or []))
        except ValueError as error:
            raise argparse.ArgumentError(self, str(error)) from None


def add_model_arguments(parser: argparse.ArgumentParser, steps: list[int], several: bool) -> None:
    """`several`: numbers of steps may be words of their own, which must not stand before names of files."""
    shown = ",".join(map(str, steps))
    parser.add_argument(
        "--steps",
        action=Steps,
        nargs="+" if several else None,
        default=steps,
        metavar="N" if several else "LIST",
        help=f"solver steps, {'0,1 or 0 1' if several else 'such as 0,1'} (default {shown}), or none",
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
    parser.add_argument(
        "--threads",
        type=read_by(parse_threads),
        metavar="N",
        help="threads of the model and of OpenCV (default: all cores)",
    )


def require_training_packages() -> None:
    """One sentence instead of a traceback where only the base is installed."""
    needed = {"cv2": "OpenCV", "torch": "PyTorch", "kornia": "kornia"}
    missing = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ComponentError(f'{" and ".join(missing)} {verb} not installed; run: pip install ".[train]"')


def set_threads(threads: int | None) -> None:
    """Of OpenCV and torch; None leaves them as they are."""
    if threads is None:
        return
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


def parse_steps(values: Sequence[str]) -> list[int]:
    words, given = split_words(values), " ".join(values)
    if words == ["none"]:
        return []
    if not all(word.isdecimal() for word in words):
        raise ValueError(f"expected numbers such as 0,1 or none, got '{given}'")
    steps = [int(word) for word in words]
    if len(set(steps)) < len(steps):
        raise ValueError(f"expected different numbers, got '{given}'")
    return steps


def strengths(text: str) -> list[float]:
    return sorted({parse_strength(part) for part in text.split(",")})
