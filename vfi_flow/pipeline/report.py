"""What a job did, as one JSON object."""

import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from vfi_flow import __version__
from vfi_flow.errors import OutputError
from vfi_flow.files import check_free, write_complete
from vfi_flow.media.frame import VideoInfo
from vfi_flow.media.remux import CopiedStream
from vfi_flow.media.streams import Fate
from vfi_flow.pipeline.output_files import names_of, size_of
from vfi_flow.pipeline.plan import Job, Plan
from vfi_flow.versions import PACKAGES, installed_version

FORMAT_VERSION = 1
"""Rises when a field changes its meaning; fields are added, never removed."""


@dataclass(slots=True)
class Report:
    plan: Plan
    frames: dict[str, int]
    """Frames written by kind: source, generated, held, blended."""
    first_seconds: Fraction
    end_seconds: Fraction
    cuts: list[Fraction]
    """Times of the first frames after a cut."""
    repeats: int
    """Source frames that only repeated the one before, and were replaced."""
    overlays: int
    """Intervals between source frames in which something was protected."""
    kept: dict[int, CopiedStream]
    """Streams beside the video that are in the result, by their index in the source."""
    stage_seconds: dict[str, float]
    wall_seconds: float
    warnings: list[str]
    resumed: int = 0
    """Frames that earlier runs of an interrupted job made."""
    engine: Mapping[str, Any] = field(default_factory=dict)
    """What the interpolator says about itself: model, hash, steps, seed."""


def describe_input(info: VideoInfo) -> dict[str, Any]:
    """What a video is, as plain values."""
    return {
        "path": str(info.path),
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "pix_fmt": info.pix_fmt,
        "rate": str(info.rate),
    }


def as_json(report: Report) -> dict[str, Any]:
    """Plain values; times in seconds as numbers, rates exact as "60000/1001"."""
    plan, info = report.plan, report.plan.info
    written = sum(report.frames.values())
    return {
        "report_version": FORMAT_VERSION,
        "input": {**describe_input(info), "colour": asdict(info.colour)},
        "output": {
            "path": str(plan.job.output),
            "codec": plan.encoder.codec,
            "options": plan.encoder.options,
            "pix_fmt": plan.encoder.pix_fmt,
            "rate": str(plan.rate),
            "time_base": str(plan.unit),
            "colour": asdict(plan.encoder.colour),
            "bytes": size_of(plan.job.output),
        },
        "frames": {"planned": plan.frames, "written": written, **report.frames},
        "resumed_frames": report.resumed,
        "first_seconds": rounded(report.first_seconds),
        "duration_seconds": rounded(report.end_seconds - report.first_seconds),
        "cuts_seconds": [rounded(cut) for cut in report.cuts],
        "repeats": report.repeats,
        "protected_intervals": report.overlays,
        "streams": {
            "copied": kept_streams(report, Fate.COPIED),
            "converted": kept_streams(report, Fate.CONVERTED),
            "dropped": [
                {"kind": stream.kind, "codec": stream.codec, "reason": stream.reason}
                for stream in plan.streams
                if stream.fate is Fate.DROPPED
            ],
        },
        "seconds": {stage: rounded(seconds) for stage, seconds in sorted(report.stage_seconds.items())},
        "wall_seconds": rounded(report.wall_seconds),
        "frames_per_second": rounded(written / report.wall_seconds) if report.wall_seconds else None,
        "warnings": report.warnings,
        "model": dict(report.engine),
        "versions": versions(),
    }


def describe_result(report: Report) -> str:
    """One line for people: what was made, and in which time."""
    plan, written = report.plan, sum(report.frames.values())
    new = written - report.frames.get("source", 0) - report.frames.get("held", 0)
    counted = [f"{written} frames, {new} of them new", *([f"{report.resumed} made before"] if report.resumed else [])]
    counted.append(f"{float(report.end_seconds - report.first_seconds):.4g} s")
    with suppress(OSError):  # whoever waited for it may have taken it away
        counted.append(size_text(size_of(plan.job.output)))
    found = [
        *([f"{len(report.cuts)} cuts"] if report.cuts else []),
        *([f"{report.repeats} repeated frames replaced"] if report.repeats else []),
    ]
    done = f"{plan.job.output}: {', '.join(counted)}, in {report.wall_seconds:.3g} s"
    return "; ".join([done, *([", ".join(found)] if found else [])])


def size_text(count: int) -> str:
    """Bytes as people read them."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"


def kept_streams(report: Report, fate: Fate) -> list[dict[str, Any]]:
    indices = [stream.index for stream in report.plan.streams if stream.fate is fate]
    return [asdict(report.kept[index]) for index in indices if index in report.kept]


def rounded(seconds: Fraction | float) -> float:
    return round(float(seconds), 6)


def versions() -> dict[str, str]:
    found = {"vfi_flow": __version__, "python": platform.python_version()}
    return found | {name: version for name in PACKAGES if (version := installed_version(name)) is not None}


def check_place(path: Path, job: Job) -> None:
    """OutputError, before any work, where the report on a job could not or must not be written to `path` after it."""
    if str(path) == "-":
        raise OutputError("-: the report goes to a file; name one")
    taken = {
        "the input itself": names_of(job.source),
        "the result itself": [job.output] if isinstance(job.output, Path) else [],
        "the list of cuts": [] if job.scene_list is None else [job.scene_list],
    }
    check_free(path, "the report", taken, job.overwrite)


def write_report(report: Report, path: Path) -> None:
    text = json.dumps(as_json(report), indent=2, ensure_ascii=False) + "\n"
    write_complete(path, text.encode("utf-8", "backslashreplace"))  # a file's name may be no text
