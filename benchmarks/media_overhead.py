"""CPU time of everything but the model: of a job that makes no frames, and of decoding, converting and encoding.

    python benchmarks/media_overhead.py                          # 1280x720, generated, 20 pairs
    python benchmarks/media_overhead.py clip.mp4 --rounds 5

1. A job with factor 1, nothing but reading and writing, beside the shortest loop in PyAV that decodes and encodes with
   the same settings. They take turns, so that a machine that is busy for a while is busy for both.
2. A job with factor 2 whose new frames cost nothing, because the model has made them before, beside the model's time
   for them.

Time is that of the process on the CPU, all threads, not the wall clock; of several rounds the median counts.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from vfi_flow.cli.option_types import parse_threads
from vfi_flow.errors import VfiFlowError
from vfi_flow.inference.interpolator import Interpolator
from vfi_flow.media.encoder_choice import DEFAULT_OPTIONS
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run
from vfi_flow.spelling import parse_count, parse_size, read_by
from vfi_flow.training.decoding import decode

CODEC = "libx264"


def generated_clip(path: Path, frames: int, width: int, height: int) -> Path:
    """Soft noise that moves by 4 pixels a frame, with grain: neither trivial nor impossible to compress."""
    random = np.random.default_rng(0)
    coarse = random.integers(40, 216, (height // 16 + 2, (width + 4 * frames) // 16 + 2, 3))
    world = np.kron(coarse, np.ones((16, 16, 1)))
    for axis in (0, 1):
        world = sum(np.roll(world, shift, axis) for shift in range(-6, 7)) / 13
    with av.open(str(path), "w") as container:
        stream = container.add_stream(CODEC, rate=24, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for n in range(frames):
            frame = world[:height, 4 * n : 4 * n + width] + random.normal(0, 3, (height, width, 1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.clip(0, 255).astype(np.uint8), "rgb24")))
        container.mux(stream.encode(None))
    return path


def plain_transcode(source: Path, output: Path) -> None:
    with av.open(str(source)) as before, av.open(str(output), "w") as after:
        video = before.streams.video[0]
        video.thread_type = "AUTO"
        stream = after.add_stream(CODEC, rate=video.average_rate, options=DEFAULT_OPTIONS[CODEC])
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, video.pix_fmt
        stream.codec_context.time_base = video.time_base
        for frame in before.decode(video):
            frame.pict_type = 0
            after.mux(stream.encode(frame))
        after.mux(stream.encode(None))


def replay(made: Sequence[np.ndarray]) -> Callable[..., list[np.ndarray]]:
    """Stands in for the model at no cost: what it has made, in order. Copies would be cheaper to encode."""
    left = iter(made)
    return lambda frame0, frame1, taus, **others: [next(left) for _ in taus]


def job(source: Path, output: Path, factor: int, made: Sequence[np.ndarray] = ()) -> None:
    run(make_plan(Job(source, output, factor=Fraction(factor), overwrite=True)), replay(made))


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(source: Path, folder: Path, rounds: int, steps: int, threads: int) -> dict[str, float]:
    """Medians in seconds, and the two ratios."""
    frames, made = [frame.rgb for frame in decode(source) if frame.rgb is not None], []
    with Interpolator(steps=steps, threads=threads) as model:
        model(frames[0], frames[1], taus=[0.5])
        pairs = list(enumerate(pairwise(frames)))
        seconds = cpu_seconds(lambda: made.extend(model(a, b, taus=[0.5], pts=n)[0] for n, (a, b) in pairs))
    transcodes: dict[str, list[float]] = {"job": [], "loop": [], "around the model": []}
    for _ in range(rounds + 1):  # the first round warms up
        transcodes["job"].append(cpu_seconds(lambda: job(source, folder / "job.mp4", 1)))
        transcodes["loop"].append(cpu_seconds(lambda: plain_transcode(source, folder / "loop.mp4")))
        transcodes["around the model"].append(cpu_seconds(lambda: job(source, folder / "twice.mp4", 2, made)))
    found = {name: statistics.median(times[1:]) for name, times in transcodes.items()}
    found["job to loop"] = found["job"] / found["loop"]
    found["model"] = seconds
    found["around to model"] = found["around the model"] / seconds
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="CPU time of everything but the model.")
    parser.add_argument("clip", nargs="?", type=Path, help="default: generated")
    parser.add_argument(
        "--pairs", type=read_by(parse_count), metavar="N", default=20, help="of the generated clip (default: 20)"
    )
    parser.add_argument(
        "--size",
        type=read_by(parse_size),
        default=(1280, 720),
        metavar="WxH",
        help="of the generated clip (default: 1280x720)",
    )
    parser.add_argument("--rounds", type=read_by(parse_count), metavar="N", default=3)
    parser.add_argument("--steps", type=int, default=1, choices=(0, 1, 2))
    parser.add_argument("--threads", type=read_by(parse_threads), metavar="N", default=1, help="of the model")
    options = parser.parse_args(arguments)
    width, height = options.size
    with tempfile.TemporaryDirectory() as folder:
        source = options.clip or generated_clip(Path(folder) / "clip.mp4", options.pairs + 1, width, height)
        try:
            found = measure(source, Path(folder), options.rounds, options.steps, options.threads)
        except VfiFlowError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    print(json.dumps({name: float(f"{value:.3g}") for name, value in found.items()}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
