"""Pictures before which up to four things move by themselves, with exact truth: the error that Middlebury measures.

    python benchmarks/moving_things.py                      # over painted pictures
    python benchmarks/moving_things.py --photos DIR         # over photos
    PYTHONPATH=.:rife python benchmarks/moving_things.py --photos DIR --against benchmarks.rife:rife_4_6

Scenes of 384x384 from fixed seeds, the middle frame made of its two neighbours alone, 0 steps. Means over the scenes:
PSNR in dB, the root mean square error in levels of 8 bits (Baker et al. 2011, A Database and Evaluation Methodology for
Optical Flow), and the same around what only one of the two frames shows.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vfi_flow import Interpolator
from vfi_flow.cli.callables import Middle, middle_of, middles
from vfi_flow.errors import VfiFlowError
from vfi_flow.training import surfaces
from vfi_flow.training.frame import Frame, to_bytes
from vfi_flow.training.layers import Stage, render
from vfi_flow.training.metrics import psnr
from vfi_flow.training.scenes import photo_scene

SIDE, SCENES, PAINTED = 384, 32, 8
AROUND = np.ones((5, 5), np.uint8)
"""Places at half resolution around one that is hidden which count as well."""


@dataclass(frozen=True, slots=True)
class Scene:
    frames: tuple[Frame, Frame, Frame]
    """frame0, the middle and frame1."""
    hidden: NDArray[np.bool_]
    """(H, W): around what of the middle is not to be seen in both of the others."""


def scenes(photos: Path | None, count: int) -> Iterator[Scene]:
    """Those of the training's synthetic data with at least one thing that moves by itself."""
    painted = [surfaces.dead_leaves(np.random.default_rng(1000 + number)) for number in range(PAINTED)]
    stills = painted if photos is None else surfaces.read_stills(photos)
    for seed in range(count):
        rng, stage = np.random.default_rng([99, seed]), Stage(SIDE, 0.5)
        layers = photo_scene(rng, stage, stills)
        while len(layers) < 2:
            layers = photo_scene(rng, stage, stills)
        drawn = render(layers)
        frame0, middle, frame1 = (to_bytes(frame) for frame in drawn.frames)
        near = cv2.dilate((drawn.trust.min(axis=0) < 0.5).astype(np.uint8), AROUND)
        yield Scene((frame0, middle, frame1), np.kron(near, np.ones((2, 2))) > 0)


def error(made: Frame, truth: Frame) -> float:
    """Root mean square error in levels; NaN of no pixels."""
    return float(np.sqrt(np.square(made.astype(np.float64) - truth).mean())) if made.size else float("nan")


def measure(method: Middle, scene: Scene) -> tuple[float, float, float]:
    frame0, truth, frame1 = scene.frames
    made = method(frame0, frame1)
    return psnr(made, truth), error(made, truth), error(made[scene.hidden], truth[scene.hidden])


def table(rows: dict[str, list[tuple[float, float, float]]]) -> str:
    lines = ["| method | PSNR | error | where hidden |", "|---|--:|--:|--:|"]
    for name, values in rows.items():
        decibels, whole, hidden = np.nanmean(values, axis=0)
        lines.append(f"| {name} | {decibels:.2f} | {whole:.2f} | {hidden:.2f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, metavar="DIR")
    parser.add_argument("--scenes", type=int, default=SCENES, metavar="N", help=f"default {SCENES}")
    parser.add_argument("--model", nargs="+", default=["base", "fast"], metavar="NAME|FILE", help="default base fast")
    parser.add_argument("--against", action="append", default=[], metavar="MODULE:NAME", help="as of vfi-flow evaluate")
    options = parser.parse_args(arguments)
    if options.scenes < 1:
        parser.error(f"--scenes must be at least 1, got {options.scenes}")
    with ExitStack() as stack:
        methods: dict[str, Middle] = {}
        for model in options.model:
            methods[model] = middle_of(stack.enter_context(Interpolator(model, steps=0)))
        methods |= middles(["dis", "blend"], options.against)
        rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in methods}
        for scene in scenes(options.photos, options.scenes):
            for name, method in methods.items():
                rows[name].append(measure(method, scene))
    print(table(rows))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VfiFlowError as error:
        print(f"moving_things.py: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
