"""Drop frames of clips, make them again with several methods, and measure how far each is from the truth."""

import logging
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from vfi_flow.errors import ComponentError, InputError
from vfi_flow.inference.pair import Neighbour, Pair
from vfi_flow.training import metrics, places
from vfi_flow.training.baselines import Baseline, Dis
from vfi_flow.training.frame import Frame
from vfi_flow.training.places import Spacing
from vfi_flow.training.triplets import Triplet, triplets
from vfi_flow.training.windows import most_different

log = logging.getLogger(__name__)
Values = dict[str, float]
"""Metric -> value; NaN where the metric is not defined."""

PICTURE = 240, 360
"""Height and width of what is shown of a frame, in pixels."""

METRICS = (
    "psnr_db",
    "ssim",
    "lpips",
    "sharpness",
    "spectrum_distance_db",
    "static_flicker",
    "seed_spread",
    "wall_milliseconds",
    "cpu_milliseconds",
)


@dataclass(frozen=True, slots=True)
class Method:
    """Something that makes frames, under the name it has in the tables."""

    name: str
    make: Callable[[Pair, float, int], Frame]
    """(pair, tau, key) -> frame; `key` chooses the noise where there is any."""
    steps: int | None = None
    """Of the solver, where there is one."""
    neighbours: bool = False
    """Whether it sees the frames before and after the two."""
    prepare: Callable[[Pair], object] = lambda pair: None
    """What has been done already when a stream comes to a pair: not counted as its time."""

    @property
    def has_noise(self) -> bool:
        """Whether another key gives another frame, so that its spread is worth measuring."""
        return bool(self.steps)


def without_noise(name: str, baseline: Baseline) -> Method:
    """A method that sees copies of the two frames: it may work in place."""
    return Method(name, lambda pair, tau, key: baseline(pair.frame0.copy(), pair.frame1.copy(), tau))


class FrameMaker(Protocol):
    """What is used of `vfi_flow.Interpolator`."""

    model_name: str

    def __call__(
        self,
        frame0: Frame,
        frame1: Frame,
        taus: Sequence[float],
        *,
        pts: int = 0,
        before: Neighbour | None = None,
        after: Neighbour | None = None,
    ) -> list[Frame]: ...


def of_interpolator(
    interpolator: FrameMaker, steps: int, strength: float | None = None, neighbours: bool = True
) -> Method:
    """With `neighbours` as in a video, without them as if there were two frames alone."""

    def make(pair: Pair, tau: float, key: int) -> Frame:
        before, after = (pair.before, pair.after) if neighbours else (None, None)
        [frame] = interpolator(pair.frame0, pair.frame1, taus=[tau], pts=key, before=before, after=after)
        return frame

    def prepare(pair: Pair) -> None:
        if neighbours and pair.before is not None:
            make(Pair(pair.before.frame, pair.frame0, after=Neighbour(pair.frame1)), 0.5, 0)

    name = f"{interpolator.model_name} steps {steps}" + ("" if strength is None else f" strength {strength:g}")
    return Method(name + ("" if neighbours else " alone"), make, steps, neighbours, prepare)


@dataclass(frozen=True, slots=True)
class Options:
    spacing: Spacing
    per_clip: int | None = 3
    """Places in each clip, evenly spaced; None: as many as fit."""
    draws: int = 0
    """How many draws of the noise the seed spread is measured over; below 2: not at all."""
    lpips: Callable[[Any, Any], Any] | None = None
    """Distance of two (1, 3, H, W) tensors in [0, 1]; None: not measured."""
    pictures: int = 0
    """Of how many places of a clip pictures are kept: those where the first method does worst."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Length of the optical flow from `frame0` to `frame1`, in pixels."""

    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Pictured:
    """Where a method errs, and what the others show there."""

    clip: str
    index: int
    """Number of the dropped frame in its clip."""
    gain: float
    """dB of the first method over the best of the others; its PSNR where there are none."""
    truth: Frame
    made: dict[str, Frame]
    """Method -> the same part of its frame."""


@dataclass(slots=True)
class ClipResult:
    name: str
    height: int
    width: int
    frames: int
    places: list[int] = field(default_factory=list)
    motion: list[Motion] = field(default_factory=list)
    by_place: dict[str, list[Values]] = field(default_factory=dict)
    """Method -> values at each place."""
    whole: dict[str, Values] = field(default_factory=dict)
    """Method -> values of the clip: means over places, medians for times, flicker over all places."""
    pictures: list[Pictured] = field(default_factory=list)
    """Worst first."""


def evaluate_clips(paths: Sequence[Path], methods: Sequence[Method], options: Options) -> Iterator[ClipResult]:
    """The results of one clip after the other; every method sees the same frames.

    A clip that cannot be read or is too short is left out with one line, InputError if all are.
    """
    good: list[Path] = []
    reasons: list[InputError] = []
    for path in paths:
        try:
            places.check(path, options.spacing)
            good.append(path)
        except InputError as error:
            reasons.append(error)
    for reason in reasons if good else ():
        log.warning("%s; left out", reason)
    dis = Dis(finest_scale=1)
    names = places.clip_names(paths)
    measured = 0
    for path in good:
        try:
            result = evaluate_clip(path, names[path], methods, options, dis, warm_up=not measured)
        except InputError as error:
            log.warning("%s; left out", error)
            reasons.append(error)
            continue
        measured += 1
        yield result
    if not measured:
        others = f"; nor can the {len(reasons) - 1} other clips be measured" if len(reasons) > 1 else ""
        raise InputError(f"{reasons[0]}{others}")


def evaluate_clip(
    path: Path, name: str, methods: Sequence[Method], options: Options, dis: Dis, warm_up: bool = False
) -> ClipResult:
    """What every method makes of the chosen places of a clip, measured; InputError where it has none.

    Args:
        name: of the clip, in tables.
        methods: all see the same frames, and one place after the other.
        dis: measures how far things move, which says nothing of the methods.
        warm_up: every method makes a frame of this size first that is not counted.
    """
    spacing = options.spacing
    footage = places.look_through(path)
    frames = len(footage.times)
    chosen = footage.places(spacing, options.per_clip)
    if not chosen:
        raise InputError(f"{path}: a cut lies beside every frame that would be dropped")
    result = ClipResult(name, 0, 0, frames, chosen, by_place={method.name: [] for method in methods})
    flicker: dict[str, metrics.Flicker] = {}
    for triplet in triplets(path, footage, chosen, spacing):
        if not flicker:
            result.height, result.width = triplet.truth.shape[:2]
            flicker = {method.name: metrics.Flicker(result.height, result.width) for method in methods}
            if warm_up:
                # Other frames of the same size: nothing that a method keeps from here helps it when it is timed.
                outer = triplet.pair.changed(lambda frame: np.ascontiguousarray(frame[::-1]))
                for method in methods:
                    run(method, outer, triplet.tau, key=0)
        result.motion.append(measure_motion(triplet, dis))
        unmoved = metrics.static(triplet.pair.frame0, triplet.truth, triplet.pair.frame1)
        frames_made = {}
        for method in methods:
            made, values = evaluate_place(method, triplet, options)
            flicker[method.name].add(made, triplet.truth, unmoved)
            result.by_place[method.name].append(values)
            frames_made[method.name] = made
        if options.pictures:
            result.pictures.append(picture(name, triplet, frames_made))
            result.pictures = worst(result.pictures, options.pictures)
    for method in methods:
        result.whole[method.name] = summary(result.by_place[method.name], flicker[method.name].value())
    return result


def picture(clip: str, triplet: Triplet, made: dict[str, Frame]) -> Pictured:
    """The part of the frame in which the first method is furthest from the truth."""
    first, *others = (metrics.psnr(frame, triplet.truth) for frame in made.values())
    height, width = (min(side, most) for side, most in zip(triplet.truth.shape[:2], PICTURE, strict=True))
    window = most_different(next(iter(made.values())), triplet.truth, width, height)
    parts = {name: window.cut(frame).copy() for name, frame in made.items()}
    gain = first - max(others, default=0.0)
    return Pictured(clip, triplet.index, gain, window.cut(triplet.truth).copy(), parts)


def worst(pictures: Sequence[Pictured], count: int) -> list[Pictured]:
    return sorted(pictures, key=lambda picture: picture.gain)[:count]


def evaluate_place(method: Method, triplet: Triplet, options: Options) -> tuple[Frame, Values]:
    """The made frame and its values."""
    pair, truth, tau = triplet.pair, triplet.truth, triplet.tau
    method.prepare(pair)
    wall, cpu = time.perf_counter(), time.process_time()
    made = run(method, pair, tau, key=triplet.index)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu

    values = {
        "psnr_db": metrics.psnr(made, truth),
        "ssim": metrics.ssim(made, truth),
        "sharpness": metrics.sharpness(made, truth, metrics.moving(pair.frame0, pair.frame1)),
        "spectrum_distance_db": metrics.spectrum_distance(made, truth),
        "wall_milliseconds": 1000 * wall,
        "cpu_milliseconds": 1000 * cpu,
    }
    if options.lpips is not None:
        values["lpips"] = metrics.lpips_distance(options.lpips, made, truth)
    if options.draws > 1 and method.has_noise:
        # A key far from every frame number, so that no draw is also the noise of another place.
        draws = [run(method, pair, tau, key=triplet.index + n * 2**32) for n in range(1, options.draws)]
        values["seed_spread"] = metrics.seed_spread([made, *draws])
    return made, values


def run(method: Method, pair: Pair, tau: float, key: int) -> Frame:
    made, frame0 = method.make(pair, tau, key), pair.frame0
    if not isinstance(made, np.ndarray) or made.dtype != np.uint8 or made.shape != frame0.shape:
        got = f"{made.dtype} {made.shape}" if isinstance(made, np.ndarray) else type(made).__name__
        raise ComponentError(f"{method.name}: expected an array uint8 {frame0.shape}, got {got}")
    return made


def measure_motion(triplet: Triplet, dis: Dis) -> Motion:
    if min(triplet.truth.shape[:2]) < Dis.smallest_side:
        return Motion(math.nan, math.nan)
    length = np.linalg.norm(dis.flow(triplet.pair.frame0, triplet.pair.frame1), axis=2)
    return Motion(float(np.median(length)), float(np.percentile(length, 95)))


def summary(by_place: Sequence[Values], flicker: float = math.nan) -> Values:
    """Values of several places as one: the mean, and the median of times; undefined places are left out."""
    values = {}
    for metric in METRICS:
        defined = [place[metric] for place in by_place if not math.isnan(place.get(metric, math.nan))]
        middle = statistics.median if metric.endswith("milliseconds") else statistics.fmean
        values[metric] = middle(defined) if defined else math.nan
    values["static_flicker"] = flicker
    return values
