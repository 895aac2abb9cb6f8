"""Pans of large frames by known distances: `--scale auto` beside `--scale 1` and DIS optical flow.

    python benchmarks/large_motion.py                                    # over painted pictures
    python benchmarks/large_motion.py --photos DIR                       # over photos
    python benchmarks/large_motion.py --size 1920x1080 --pixels 80 160
    PYTHONPATH=.:rife python benchmarks/large_motion.py --against benchmarks.rife:rife_4_6

The middle frame is made of its two neighbours alone, 0 steps. Mean PSNR in dB over the pictures: of the whole frame,
in brackets without a border as wide as the distance, and the CPU time of a new frame in seconds.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from vfi_flow import Interpolator
from vfi_flow.cli.callables import Middle, middle_of, middles
from vfi_flow.errors import VfiFlowError
from vfi_flow.spelling import parse_size, read_by
from vfi_flow.training import surfaces
from vfi_flow.training.frame import Frame
from vfi_flow.training.metrics import psnr

PICTURES = 4
SOFT = 0.8
"""Standard deviation in pixels of the blur of an enlarged picture, so that half a pixel of motion can be drawn."""


def pictures(folder: Path | None) -> list[Frame]:
    """Photos spread evenly over `folder`, or painted ones."""
    if folder is None:
        return [surfaces.dead_leaves(np.random.default_rng(1000 + number)) for number in range(PICTURES)]
    found = surfaces.read_stills(folder)
    chosen = np.linspace(0, len(found) - 1, PICTURES).round().astype(int)
    return [found[number] for number in chosen]


def pan(picture: Frame, width: int, height: int, pixels: int, angle: float) -> tuple[Frame, Frame, Frame]:
    """frame0, the middle and frame1, (height, width, 3): a window that moves over the enlarged picture."""
    scale = max((width + pixels + 2) / picture.shape[1], (height + pixels + 2) / picture.shape[0])
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    large = cv2.GaussianBlur(large, (0, 0), SOFT)
    middle = (large.shape[1] - width) / 2, (large.shape[0] - height) / 2
    along = pixels * np.cos(angle), pixels * np.sin(angle)

    def window(distance: float) -> Frame:
        x, y = (at + distance * step for at, step in zip(middle, along, strict=True))
        corner = np.array([[1, 0, x], [0, 1, y]], np.float32)
        seen = cv2.warpAffine(large, corner, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return np.asarray(seen, np.uint8)

    return window(-0.5), window(0), window(0.5)


def measure(method: Middle, pans: Sequence[tuple[Frame, Frame, Frame]], border: int) -> tuple[float, float, float]:
    """Mean PSNR of whole frames and of what is `border` pixels inside; seconds of CPU time for a frame."""
    inside = slice(border, -border), slice(border, -border)
    rows = []
    for frame0, truth, frame1 in pans:
        start = time.process_time()
        made = method(frame0, frame1)
        seconds = time.process_time() - start
        rows.append((psnr(made, truth), psnr(made[inside], truth[inside]), seconds))
    whole, middle, seconds = np.mean(rows, axis=0)
    return float(whole), float(middle), float(seconds)


def table(rows: dict[int, dict[str, tuple[float, float, float]]]) -> str:
    names = list(next(iter(rows.values())))
    lines = ["| pixels | " + " | ".join(names) + " |", "|--:|" + "--:|" * len(names)]
    for pixels, row in rows.items():
        cells = (f"{whole:.1f} ({inside:.1f}), {seconds:.2f} s" for whole, inside, seconds in row.values())
        lines.append(f"| {pixels} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, metavar="DIR")
    parser.add_argument("--size", type=read_by(parse_size), default=(1280, 720), metavar="WxH")
    parser.add_argument("--pixels", type=int, nargs="+", default=[10, 40, 60, 80, 120], metavar="N")
    parser.add_argument("--model", default="base", metavar="NAME|FILE")
    parser.add_argument("--against", action="append", default=[], metavar="MODULE:NAME", help="as of vfi-flow evaluate")
    options = parser.parse_args(arguments)
    width, height = options.size
    if not all(0 < 2 * pixels < min(width, height) for pixels in options.pixels):
        parser.error(f"--pixels must be above 0 and leave something of {width}x{height} inside, got {options.pixels}")
    seen, rows = pictures(options.photos), {}
    cv2.setNumThreads(1)
    with ExitStack() as stack:
        methods: dict[str, Middle] = {}
        for scale in ("auto", 1):
            interpolator = stack.enter_context(Interpolator(options.model, steps=0, threads=1, scale=scale))
            methods[f"scale {scale}"] = middle_of(interpolator)
        methods |= middles(["dis"], options.against)
        for pixels in options.pixels:
            pans = [pan(picture, width, height, pixels, 0.2 + 0.4 * n) for n, picture in enumerate(seen)]
            rows[pixels] = {name: measure(method, pans, pixels) for name, method in methods.items()}
    print(table(rows))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VfiFlowError as error:
        print(f"large_motion.py: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
