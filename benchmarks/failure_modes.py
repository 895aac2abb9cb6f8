"""What frame interpolators are known to break, on rendered frames whose truth is exact: the model beside its rivals.

    python benchmarks/failure_modes.py                          # table of PSNR in dB
    python benchmarks/failure_modes.py --only subtitle fence    # some of the cases
    python benchmarks/failure_modes.py --sheet sheet.png        # truth and answers side by side
    PYTHONPATH=.:rife python benchmarks/failure_modes.py --against benchmarks.rife:rife_4_6

Every case is drawn three times from fixed seeds, 256x256 pixels, the middle frame made from its neighbours. PSNR is
taken where the case says (the overlay, the border), otherwise over the whole frame. A case is passed when 0 steps
reach the lower of its rival's PSNR less 0.5 dB and 45 dB; where both ends of a fade or a flash are the same picture,
the rival is the linear blend, elsewhere DIS optical flow.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vfi_flow import Interpolator
from vfi_flow.cli.callables import Middle, middle_of, middles
from vfi_flow.cli.option_types import parse_threads
from vfi_flow.errors import VfiFlowError
from vfi_flow.spelling import read_by
from vfi_flow.training import surfaces
from vfi_flow.training.effects import add_grain
from vfi_flow.training.frame import Frame, to_bytes
from vfi_flow.training.layers import Layer, Motion, Stage, render
from vfi_flow.training.metrics import psnr
from vfi_flow.training.overlays import draw_hud, draw_letterbox, draw_subtitle
from vfi_flow.training.painted import DENSITY, background, covering, photo_background, photo_paint, texels, thing
from vfi_flow.training.scenes import cartoon_scene, fence_scene, line_scene, pattern_scene

Rng = np.random.Generator

SIDE, SEEDS = 256, 3
ALLOWANCE = 0.5
"""dB under its rival that a case may be."""
INVISIBLE = 45.0
"""dB that are enough, whatever the rival has."""


@dataclass(frozen=True, slots=True)
class Trial:
    """frame0, truth and frame1, (SIDE, SIDE, 3) uint8, and where to measure, (SIDE, SIDE) bool."""

    frames: tuple[Frame, Frame, Frame]
    where: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Case:
    what: str
    draw: Callable[[Rng, Stage], Trial]
    rival: str = "dis"


Stills = Sequence[Frame]
STILLS: Stills = [surfaces.dead_leaves(np.random.default_rng(1000 + n)) for n in range(SEEDS)]


def trial(layers: Sequence[Layer], where: NDArray[np.bool_] | None = None) -> Trial:
    frame0, truth, frame1 = (to_bytes(frame) for frame in render(layers).frames)
    return Trial((frame0, truth, frame1), np.ones((SIDE, SIDE), bool) if where is None else where)


def moved(motion: Motion) -> Callable[[Rng, Stage], Trial]:
    """A photo-like ground under one motion."""
    return lambda rng, stage: trial([photo_background(rng, stage, STILLS, motion)])


def overlay(paint: Callable[[Rng, Frame, Frame], None]) -> Callable[[Rng, Stage], Trial]:
    """Something that stays where it is over a fast pan; measured on it and 8 pixels around it."""

    def draw(rng: Rng, stage: Stage) -> Trial:
        picture, mask = np.zeros((SIDE, SIDE, 3), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
        paint(rng, picture, mask)
        ground = photo_background(rng, stage, STILLS, Motion(shift=(24.0, 6.0)))
        still = Layer(surfaces.with_alpha(picture, mask), (0.0, 0.0), 1, stage.track(Motion()))
        return trial([ground, still], cv2.dilate(mask, np.ones((17, 17), np.uint8)) > 0)

    return draw


def border(rng: Rng, stage: Stage) -> Trial:
    """A pan: measured where only one frame shows the content."""
    band = np.ones((SIDE, SIDE), bool)
    band[8:-8, 24:-24] = False
    return trial([photo_background(rng, stage, STILLS, Motion(shift=(40.0, 10.0)))], band)


def mesh(rng: Rng, stage: Stage) -> Trial:
    """Bars 9 pixels apart, both ways, that move by 2 pixels before soft shapes that move by one the other way."""
    behind, before = stage.track(Motion(shift=(-1.0, 0.0))), stage.track(Motion(shift=(2.0, 0.7)))
    ground = background(rng, surfaces.smooth(rng, STILLS, *texels(behind, DENSITY)), behind)
    width, height = texels(before, DENSITY)
    bars = surfaces.fence(rng, width, height, 9.0 * DENSITY)
    return trial([ground, covering(rng, surfaces.gradient(rng, width, height), bars, before)])


def small_and_fast(rng: Rng, stage: Stage) -> Trial:
    """A ball of 12 pixels that flies 60 pixels, measured around its true place."""
    size = 12 * DENSITY
    mask = cv2.circle(np.zeros((size, size), np.uint8), (size // 2, size // 2), size // 2 - 2, 255, -1, cv2.LINE_AA)
    x, y = rng.uniform(0.35, 0.6, 2) * SIDE
    angle = rng.uniform(0, 2 * np.pi)
    track = stage.track(Motion(shift=(60 * np.cos(angle), 60 * np.sin(angle))))
    ball = Layer(surfaces.with_alpha(surfaces.gradient(rng, size, size), mask), (x, y), DENSITY, track)
    where = np.zeros((SIDE, SIDE), bool)
    where[int(y) - 10 : int(y) + 22, int(x) - 10 : int(x) + 22] = True
    return trial([photo_background(rng, stage, STILLS, Motion(shift=(3.0, 1.0))), ball], where)


def things(rng: Rng, stage: Stage) -> Trial:
    """Three shapes that move by 12, 18 and 24 pixels, each its own way, before a ground that moves by 3."""
    drift = Motion(shift=(3.0, 1.0))
    shapes = [thing(rng, stage, STILLS, photo_paint, drift, pixels) for pixels in (12.0, 18.0, 24.0)]
    return trial([photo_background(rng, stage, STILLS, drift), *shapes])


def from_scene(scene: Callable[[Rng, Stage, Stills], list[Layer]]) -> Callable[[Rng, Stage], Trial]:
    return lambda rng, stage: trial(scene(rng, stage, STILLS))


def dissolve(rng: Rng, stage: Stage) -> Trial:
    """One picture fades into another."""
    first, last = (photo_background(rng, stage, STILLS, Motion()).seen_at(1)[..., :3] for _ in range(2))
    return Trial((to_bytes(first), to_bytes((first + last) / 2), to_bytes(last)), np.ones((SIDE, SIDE), bool))


def flash(rng: Rng, stage: Stage) -> Trial:
    """The light doubles while nothing moves."""
    first = 0.5 * photo_background(rng, stage, STILLS, Motion()).seen_at(1)[..., :3]
    return Trial((to_bytes(first), to_bytes(1.5 * first), to_bytes(2 * first)), np.ones((SIDE, SIDE), bool))


def grain(rng: Rng, stage: Stage) -> Trial:
    """A pan under film grain of 4 levels; the truth is without."""
    clean = trial([photo_background(rng, stage, STILLS, Motion(shift=(12.0, 4.0)))])
    frame0, frame1 = add_grain(rng, [clean.frames[0].astype(np.float32), clean.frames[2].astype(np.float32)], 4.0)
    return replace(clean, frames=(to_bytes(frame0), clean.frames[1], to_bytes(frame1)))


def turn(radians: float, zoom: float) -> Motion:
    """Rotation and zoom about the middle of the frame."""
    cosine, sine = zoom * np.cos(radians) - 1, zoom * np.sin(radians)
    return Motion(linear=(cosine, -sine, sine, cosine), centre=(SIDE / 2, SIDE / 2))


CASES = {
    "subtitle": Case("subtitle over a fast pan", overlay(draw_subtitle)),
    "hud": Case("numbers and gauges over a fast pan", overlay(draw_hud)),
    "letterbox": Case("black bars over a fast pan", overlay(draw_letterbox)),
    "border": Case("where a pan uncovers the picture's edge", border),
    "fence": Case("bars before a moving ground", from_scene(fence_scene)),
    "mesh": Case("a fine mesh before a soft ground", mesh),
    "pattern": Case("repeated texture", from_scene(pattern_scene)),
    "lines": Case("thin lines", from_scene(line_scene)),
    "things": Case("shapes that move far, each its own way", things),
    "ball": Case("small and fast: 12 pixels wide, 60 pixels far", small_and_fast),
    "rotation": Case("rotation by 8 degrees", moved(turn(np.radians(8), 1.0))),
    "zoom": Case("zoom by 10 %", moved(turn(0.0, 1.1))),
    "large": Case("a pan of 48 pixels", moved(Motion(shift=(46.0, 14.0)))),
    "subpixel": Case("a pan of 0.6 pixels", moved(Motion(shift=(0.5, 0.3)))),
    "dissolve": Case("one picture fades into another", dissolve, rival="blend"),
    "flash": Case("the light doubles", flash, rival="blend"),
    "grain": Case("a pan under film grain", grain),
    "duplicate": Case("two equal frames", moved(Motion())),
    "cartoon": Case("flat colours with outlines", from_scene(cartoon_scene)),
}


def score(made: Frame, drawn: Trial) -> float:
    """PSNR in dB inside the trial's area; 100 for no difference."""
    return psnr(made[drawn.where], drawn.frames[1][drawn.where])


def measure(case: Case, methods: dict[str, Middle], sheet: list[Frame]) -> dict[str, float]:
    """Mean PSNR of every method; the first trial's frames are added to `sheet` as one row."""
    scores: dict[str, list[float]] = {name: [] for name in methods}
    for seed in range(SEEDS):
        drawn = case.draw(np.random.default_rng([7, seed]), Stage(SIDE, 0.5))
        made = {name: method(drawn.frames[0], drawn.frames[2]) for name, method in methods.items()}
        for name, frame in made.items():
            scores[name].append(score(frame, drawn))
        if seed == 0:
            sheet.append(np.hstack([drawn.frames[1], *made.values()]))
    return {name: float(np.mean(values)) for name, values in scores.items()}


def passes(row: dict[str, float], rival: str) -> bool:
    return row["steps 0"] >= min(row[rival] - ALLOWANCE, INVISIBLE)


def table(rows: dict[str, dict[str, float]]) -> str:
    names = list(next(iter(rows.values())))
    lines = ["| case | " + " | ".join(names) + " | |", "|---|" + "--:|" * len(names) + "---|"]
    for name, row in rows.items():
        verdict = "" if passes(row, CASES[name].rival) else "missed"
        cells = " | ".join(f"{value:.1f}" for value in row.values())
        lines.append(f"| {CASES[name].what} | {cells} | {verdict} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base", metavar="NAME|FILE")
    parser.add_argument("--engine", default="onnx", choices=("onnx", "torch"))
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--threads", type=read_by(parse_threads), metavar="N")
    parser.add_argument("--against", action="append", default=[], metavar="MODULE:NAME", help="as of vfi-flow evaluate")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png")
    options = parser.parse_args(arguments)
    rows: dict[str, dict[str, float]] = {}
    sheet: list[Frame] = []
    with ExitStack() as stack:
        methods: dict[str, Middle] = {}
        for steps in (0, 1):
            interpolator = Interpolator(
                model=options.model, steps=steps, engine=options.engine, threads=options.threads
            )
            methods[f"steps {steps}"] = middle_of(stack.enter_context(interpolator))
        methods |= middles(["dis", "blend"], options.against)
        for name in options.only or CASES:
            rows[name] = measure(CASES[name], methods, sheet)
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    if options.sheet and not cv2.imwrite(str(options.sheet), cv2.cvtColor(np.vstack(sheet), cv2.COLOR_RGB2BGR)):
        raise VfiFlowError(f"{options.sheet}: cannot be written")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VfiFlowError as error:
        print(f"failure_modes.py: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
