"""Options of the model that commands share, and the interpolator they describe."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vfi_flow.cli.option_types import parse_scale, parse_strength
from vfi_flow.inference.providers import PROVIDERS
from vfi_flow.spelling import read_by

if TYPE_CHECKING:
    from vfi_flow.inference.interpolator import Interpolator

DEVICE_HELP = f"auto (default), {', '.join(PROVIDERS)}; cuda:1 is the second GPU; 'vfi-flow doctor' tries them all"


def add_model_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument("--model", default="base", metavar="NAME|FILE", help="base, fast or a file (default base)")
    group.add_argument(
        "--steps",
        type=int,
        choices=(0, 1, 2),
        default=1,
        help="0 the conditional mean, soft; 1 sharp (default); 2 nearly the same, slower",
    )
    group.add_argument(
        "--strength",
        type=read_by(parse_strength),
        metavar="S",
        help="scales the detail drawn on top of the mean, 0 to 2 (default: the model's)",
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, another draw (default: 0)")
    group.add_argument("--device", default="auto", metavar="NAME", help=DEVICE_HELP)
    group.add_argument(
        "--tile",
        type=read_by(parse_tile),
        default="auto",
        metavar="auto|off|N",
        help="overlapping tiles: auto if memory is short (default), off never, N at most N pixels a side (512 or more)",
    )
    add_scale_option(group)


def add_scale_option(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--scale",
        type=read_by(parse_scale),
        default="auto",
        metavar="auto|1|1/2|1/4|1/8",
        help="the size on which motion is found; auto halves frames of 960 pixels and more that move far (default)",
    )


def open_interpolator(arguments: argparse.Namespace, model: str | Path | None = None) -> "Interpolator":
    """The interpolator that the command line describes, with another `model` where one is given."""
    from vfi_flow.inference.interpolator import Interpolator

    return Interpolator(
        model=arguments.model if model is None else model,
        steps=arguments.steps,
        strength=arguments.strength,
        seed=arguments.seed,
        device=arguments.device,
        threads=arguments.threads,
        tile=arguments.tile,
        scale=arguments.scale,
    )


def parse_tile(text: str) -> str | int:
    if text not in ("auto", "off") and not text.isdecimal():
        raise ValueError(f"{text!r} is not auto, off or a number of pixels")
    if not text.isdecimal():
        return text
    from vfi_flow.inference.tiling import SMALLEST

    if int(text) < SMALLEST:
        raise ValueError(f"{text} pixels are too few for a tile, at least {SMALLEST}")
    return int(text)
