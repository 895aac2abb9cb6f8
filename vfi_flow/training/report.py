"""The results of an evaluation as tables and as JSON, with confidence intervals over clips."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from vfi_flow.training.evaluate import METRICS, ClipResult, Method, Values, summary
from vfi_flow.training.finite import without_nan

REPORT_VERSION = 1

HEADINGS = {
    "psnr_db": ("PSNR dB", 2),
    "ssim": ("SSIM", 4),
    "lpips": ("LPIPS", 4),
    "sharpness": ("sharpness", 2),
    "spectrum_distance_db": ("spectrum dB", 2),
    "static_flicker": ("flicker", 3),
    "seed_spread": ("seed spread", 3),
    "wall_milliseconds": ("ms", 0),
    "cpu_milliseconds": ("CPU ms", 0),
}
"""Heading and decimals of each metric in the tables."""

MOTION_BINS = ((0.0, 4.0), (4.0, 16.0), (16.0, math.inf))
"""Pixels: a place belongs to a bin by the 95th percentile of the length of the flow from `frame0` to `frame1`."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over clips and its 95 % confidence interval."""

    mean: float
    low: float
    high: float
    clips: int


@dataclass(frozen=True, slots=True)
class Report:
    """All results; tables as text, everything as JSON."""

    clips: Sequence[ClipResult]
    settings: dict[str, Any]
    curves: Sequence[Sequence[str]] = ()
    """Methods that differ in strength alone, the mean (strength 0) first where it is among them."""
    compared_with: str | None = None
    """The reference, where one was chosen."""

    @property
    def methods(self) -> list[str]:
        return list(self.clips[0].whole)

    @property
    def reference(self) -> str | None:
        """What the other methods are compared with, clip by clip: optical flow if it is among them, unless chosen."""
        return self.compared_with or next(
            (name for name in ("dis", "dis-cubic", "dis-fast", "blend") if name in self.methods), None
        )

    def has(self, metric: str) -> bool:
        """Whether it was measured of any method."""
        return any(not math.isnan(self.overall(name, metric).mean) for name in self.methods)

    def overall(self, method: str, metric: str) -> Interval:
        return over_clips([clip.whole[method][metric] for clip in self.clips])

    def gain(self, method: str) -> Interval:
        """PSNR over that of the reference on the same clip. Pairing takes out how hard the clips are."""
        assert self.reference is not None
        return over_clips(
            [clip.whole[method]["psnr_db"] - clip.whole[self.reference]["psnr_db"] for clip in self.clips]
        )

    def by_motion(self, method: str, low: float, high: float) -> tuple[int, Values]:
        """Number and values of the places of one motion bin."""
        inside = [
            values
            for clip in self.clips
            for motion, values in zip(clip.motion, clip.by_place[method], strict=True)
            if low <= motion.p95 < high
        ]
        return len(inside), summary(inside)

    def to_json(self) -> str:
        methods = []
        for method in self.methods:
            gain = {} if self.reference is None else {"gain_over": self.reference, **asdict(self.gain(method))}
            methods.append(
                {
                    "name": method,
                    "overall": {metric: asdict(self.overall(method, metric)) for metric in METRICS},
                    "psnr_gain_db": gain or None,
                    "by_clip": {clip.name: clip.whole[method] for clip in self.clips},
                    "by_motion": [
                        {"from_pixels": low, "below_pixels": high, "places": count, "values": values}
                        for low, high in MOTION_BINS
                        for count, values in [self.by_motion(method, low, high)]
                    ],
                }
            )
        clips = [
            {
                "name": clip.name,
                "width": clip.width,
                "height": clip.height,
                "frames": clip.frames,
                "places": clip.places,
                "motion_pixels": [{"median": motion.median, "p95": motion.p95} for motion in clip.motion],
            }
            for clip in self.clips
        ]
        document = {"version": REPORT_VERSION, "settings": self.settings, "clips": clips, "methods": methods}
        return json.dumps(without_nan(document), indent=2, allow_nan=False) + "\n"


def curves_of(methods: Sequence[Method]) -> list[list[str]]:
    """Those of models, each given in order of strength: what more of the residual does at one number of steps."""
    curves = []
    for neighbours, steps in product((True, False), sorted({method.steps for method in methods if method.steps})):
        alike = [method for method in methods if method.neighbours == neighbours and method.steps in (0, steps)]
        by_strength = [method.name for method in sorted(alike, key=lambda method: method.steps != 0)]
        if len(by_strength) > 1:
            curves.append(by_strength)
    return curves


RESAMPLES = 2000
"""Of the bootstrap."""


def over_clips(values: Sequence[float]) -> Interval:
    """Mean with the 2.5 and 97.5 percentiles of bootstrap means; undefined clips are left out; fixed seed."""
    defined = np.array([value for value in values if not math.isnan(value)])
    if defined.size == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    drawn = np.random.default_rng(0).integers(defined.size, size=(RESAMPLES, defined.size))
    low, high = np.percentile(defined[drawn].mean(axis=1), [2.5, 97.5])
    return Interval(float(defined.mean()), float(low), float(high), int(defined.size))


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def to_text(report: Report) -> str:
    """Tables for people, in Markdown."""
    parts = [part for table in tables(report) for part in (table.title, markdown(table.header, table.rows))]
    return "\n\n".join(parts) + "\n"


def tables(report: Report) -> list[Table]:
    """Overall, PSNR by clip, PSNR by motion."""
    places_in_all = sum(len(clip.places) for clip in report.clips)
    title = f"All: {len(report.clips)} clips, {places_in_all} places; mean over clips"
    clip_rows = [
        [clip.name, str(len(clip.places)), number(statistics.fmean(m.p95 for m in clip.motion), 1)]
        + [number(clip.whole[name]["psnr_db"], 2) for name in report.methods]
        for clip in report.clips
    ]
    motion_rows = [
        [bin_name(low, high), str(count)]
        + [number(report.by_motion(name, low, high)[1]["psnr_db"], 2) for name in report.methods]
        for low, high, count in used_bins(report)
    ]
    by_clip = "PSNR by clip, dB (motion: 95th percentile, pixels between the kept frames)"
    return [
        overall_table(report, title),
        Table(by_clip, ["clip", "places", "motion", *report.methods], clip_rows),
        Table("PSNR by motion, dB", ["motion", "places", *report.methods], motion_rows),
    ]


def overall_table(report: Report, title: str) -> Table:
    shown = [metric for metric in METRICS if report.has(metric)]
    header = ["method", *(HEADINGS[metric][0] for metric in shown), "PSNR, 95 % interval"]
    rows = []
    for name in report.methods:
        psnr = report.overall(name, "psnr_db")
        cells = [number(report.overall(name, metric).mean, HEADINGS[metric][1]) for metric in shown]
        rows.append([name, *cells, f"{psnr.low:.2f} to {psnr.high:.2f}"])
    if report.reference is not None:
        header += [f"gain on {report.reference}, dB", "worst clip, dB"]
        for row, name in zip(rows, report.methods, strict=True):
            if name == report.reference:
                row += ["-", "-"]
                continue
            gain = report.gain(name)
            row += [f"{gain.mean:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})", f"{worst_gain(report, name):+.2f}"]
    return Table(title, header, rows)


def used_bins(report: Report) -> list[tuple[float, float, int]]:
    """Bins of motion that places fall into: from, below, places."""
    counts = [(low, high, report.by_motion(report.methods[0], low, high)[0]) for low, high in MOTION_BINS]
    return [(low, high, count) for low, high, count in counts if count]


def worst_gain(report: Report, method: str) -> float:
    assert report.reference is not None
    return min(clip.whole[method]["psnr_db"] - clip.whole[report.reference]["psnr_db"] for clip in report.clips)


def bin_name(low: float, high: float) -> str:
    return f"{low:.0f} px and more" if math.isinf(high) else f"{low:.0f} to {high:.0f} px"


def number(value: float, decimals: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{decimals}f}"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with aligned columns, the first to the left and the others to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join([line(header), f"|{rule}|", *(line(row) for row in rows)])
