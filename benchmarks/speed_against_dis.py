"""CPU time of one made frame, one thread: the model at 0 and 1 steps beside optical flow (OpenCV's DIS).

    python benchmarks/speed_against_dis.py                       # generated frames, 640x360
    python benchmarks/speed_against_dis.py clip.mp4 --pairs 20   # the first frames of a clip, scaled to 640x360
    python benchmarks/speed_against_dis.py --model base fast     # several models
    python benchmarks/speed_against_dis.py --factor 4            # three new frames a pair

Each method makes the frames between consecutive pairs, as when a video is rendered: the model sees the frames around
them and keeps what it knows of those it has seen; both look for motion once for all new frames of a pair. The methods
take turns on each pair, so that a machine that is busy for a while is busy for all of them. Time is that of the process
on the CPU, not the wall clock. The first pair warms up and does not count.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import islice, product
from pathlib import Path

import cv2
import numpy as np

from vfi_flow import Interpolator, Neighbour
from vfi_flow.errors import InputError, VfiFlowError
from vfi_flow.inference.pair import Pair
from vfi_flow.spelling import parse_count, read_by
from vfi_flow.training.baselines import Dis, Flow
from vfi_flow.training.decoding import decode
from vfi_flow.training.frame import Frame

Method = Callable[[Pair], object]


def generated_frames(count: int, width: int, height: int) -> list[Frame]:
    """A texture that moves by 5 pixels a frame behind a disc that moves the other way."""
    random = np.random.default_rng(0)
    shape = (height // 8, width // 4, 3)
    world = cv2.resize(
        random.integers(0, 256, shape, dtype=np.uint8), (2 * width, height), interpolation=cv2.INTER_CUBIC
    )
    frames = []
    for n in range(count):
        left = (5 * n) % width
        frame = np.ascontiguousarray(world[:, left : left + width])
        place = (round(width * 0.7) - 7 * n) % width, height // 2
        frames.append(cv2.circle(frame, place, height // 6, (230, 200, 40), -1, cv2.LINE_AA))
    return frames


def clip_frames(path: Path, count: int, width: int, height: int) -> list[Frame]:
    found = [frame.rgb for frame in islice(decode(path), count) if frame.rgb is not None]
    if len(found) < count:
        raise InputError(f"{path}: {len(found)} frames, {count} are needed for {count - 3} pairs")
    return [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in found]


def cpu_milliseconds(methods: dict[str, Method], frames: list[Frame], new: int) -> dict[str, list[float]]:
    """Time of every method for each of the `new` frames that it makes of a pair, for every pair but the first."""
    times: dict[str, list[float]] = {name: [] for name in methods}
    for number, (before, frame0, frame1, after) in enumerate(
        zip(*(frames[first:] for first in range(4)), strict=False)
    ):
        pair = Pair(frame0, frame1, Neighbour(before), Neighbour(after))
        for name, make in methods.items():
            start = time.process_time()
            make(pair)
            if number > 0:
                times[name].append(1000 * (time.process_time() - start) / new)
    return times


def of_model(interpolator: Interpolator, taus: list[float]) -> Method:
    return lambda pair: interpolator(pair.frame0, pair.frame1, taus, before=pair.before, after=pair.after)


def of_dis(dis: Dis, taus: list[float]) -> Method:
    def make(pair: Pair) -> list[Frame]:
        flows = both_flows(dis, pair)
        return [dis.follow(pair.frame0, pair.frame1, *flows, tau) for tau in taus]

    return make


def both_flows(dis: Dis, pair: Pair) -> tuple[Flow, Flow]:
    return dis.flow(pair.frame0, pair.frame1), dis.flow(pair.frame1, pair.frame0)


def main() -> int:
    parser = argparse.ArgumentParser(description="CPU time per frame of the model beside OpenCV's DIS optical flow.")
    parser.add_argument("clip", type=Path, nargs="?", help="a video (default: generated frames)")
    parser.add_argument("--pairs", type=read_by(parse_count), metavar="N", default=12, help="timed pairs (default 12)")
    parser.add_argument("--factor", type=int, default=2, help="new frames of a pair, and one (default 2)")
    parser.add_argument("--width", type=read_by(parse_count), metavar="N", default=640)
    parser.add_argument("--height", type=read_by(parse_count), metavar="N", default=360)
    parser.add_argument("--model", nargs="+", default=["base"], metavar="NAME|FILE", help="default base")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    arguments = parser.parse_args()

    if arguments.factor < 2:
        parser.error(f"--factor must be 2 or more, got {arguments.factor}")
    taus = [number / arguments.factor for number in range(1, arguments.factor)]
    cv2.setNumThreads(1)
    size = arguments.pairs + 4, arguments.width, arguments.height
    frames = generated_frames(*size) if arguments.clip is None else clip_frames(arguments.clip, *size)
    dis = Dis()
    methods: dict[str, Method] = {}
    with ExitStack() as stack:
        for model, steps in product(arguments.model, (0, 1)):
            interpolator = stack.enter_context(Interpolator(model=model, steps=steps, threads=1))
            methods[f"{model} steps {steps}"] = of_model(interpolator, taus)
            engine = interpolator.engine
        methods["dis"] = of_dis(dis, taus)
        methods["dis, its two flows alone"] = partial(both_flows, dis)
        times = cpu_milliseconds(methods, frames, len(taus))

    reference = statistics.median(times["dis"])
    asked = f"{arguments.pairs} pairs, factor {arguments.factor}"
    print(f"{arguments.width}x{arguments.height}, one thread, {asked}, {platform.machine()}, {engine}")
    print(f"{'method':<28} {'CPU ms, median':>15} {'least':>8} {'to dis':>8}")
    for name, each in times.items():
        middle = statistics.median(each)
        print(f"{name:<28} {middle:>15.0f} {min(each):>8.0f} {middle / reference:>8.2f}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"engine": engine, "cpu_milliseconds": times}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VfiFlowError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
