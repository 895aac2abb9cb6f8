"""The list of cuts that `vfi-flow scenes` writes, people edit, and a job obeys."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vfi_flow.errors import UsageError
from vfi_flow.media.frame import LONGEST_VIDEO, SourceFrame, VideoInfo, Window
from vfi_flow.media.scenes import CutDetector
from vfi_flow.media.thumbnail import thumbnail

FORMAT_VERSION = 1
"""Rises when a field changes its meaning; fields are added, never removed."""

ROUNDING = Fraction(1, 1_000_000)
"""Seconds by which `seconds` may differ from `time`, of which it is the rounded form."""
COUNTED_ROUGHLY = Fraction(11, 10)
"""Times as many frames as the header tells of a video may have."""


@dataclass(frozen=True, slots=True)
class FoundCut:
    frame: int
    """Index of the first frame of the new scene, 0 for the first frame that was read."""
    time: Fraction
    """Seconds after the file's start, whatever part of it was read."""
    score: float


@dataclass(frozen=True, slots=True)
class ListedCut:
    """One line of a list. `time` is exact; a line that only has `seconds` means the nearest frame."""

    number: int
    """1 for the first line."""
    time: Fraction | None
    seconds: Fraction | None
    frame: int | None

    @property
    def about(self) -> Fraction | None:
        """Seconds after the file's start, where the line tells."""
        return self.seconds if self.time is None else self.time

    def __str__(self) -> str:
        where = f"frame {self.frame}" if self.about is None else f"{float(self.about):.6f} s"
        return f"cut {self.number} ({where})"


def find_cuts(frames: Iterable[SourceFrame], start: Fraction) -> Iterator[tuple[SourceFrame, FoundCut | None]]:
    """Every frame, with the cut that it begins; `start` is where in the file the frames' clock is 0."""
    detector, left = CutDetector(), None
    for frame in frames:
        right = thumbnail(frame.picture)
        score = None if left is None else detector.cut_score(left, right)
        yield frame, None if score is None else FoundCut(frame.index, frame.seconds + start, score)
        left = right


def as_json(source: Mapping[str, Any], window: Window, frames: int, cuts: Iterable[FoundCut]) -> dict[str, Any]:
    """`source` says which video the list is for, as plain values."""
    return {
        "scenes_version": FORMAT_VERSION,
        "source": dict(source),
        "start": str(window.start),
        "frames": frames,
        "cuts": [
            {
                "frame": cut.frame,
                "time": str(cut.time),
                "seconds": round(float(cut.time), 6),
                "score": round(cut.score, 3),
            }
            for cut in cuts
        ],
    }


def to_text(found: Mapping[str, Any], is_ascii: bool = False) -> str:
    """JSON with one line for each cut, so that lines can be deleted and added; `is_ascii` escapes all other letters."""
    lines = ",\n".join(f"    {json.dumps(cut)}" for cut in found["cuts"])
    others = {name: value for name, value in found.items() if name != "cuts"}
    head = json.dumps(others, indent=2, ensure_ascii=is_ascii)
    return head.removesuffix("\n}") + ',\n  "cuts": [' + (f"\n{lines}\n  " if lines else "") + "]\n}\n"


@dataclass(frozen=True, slots=True)
class SceneList:
    path: Path
    cuts: tuple[ListedCut, ...]
    source: Mapping[str, Any]
    """What the list says about its video; may be empty."""
    start: Fraction | None = Fraction(0)
    """Where in the file its frame 0 is, in seconds; None: it does not tell."""

    def check_fits(self, info: VideoInfo, window: Window, pictures: int = 1) -> None:
        """UsageError where the list cannot be about this part of this video.

        `pictures` are made of each of its frames (`Deinterlace.pictures`); the list counts them as one.
        """
        rate = info.rate / pictures
        for name, found in (("width", info.width), ("height", info.height), ("rate", rate)):
            listed = self.source.get(name)
            if listed is not None and not is_same(listed, found):
                raise UsageError(f"{self.path}: the list is for a video with {name} {listed}, {info.path} has {found}")
        end = None if info.duration is None else window.start + info.first_seconds + info.duration
        last = None if info.frames is None else COUNTED_ROUGHLY * info.frames / pictures
        for cut in self.cuts:
            if cut.about is None and window.start:
                raise UsageError(f"{self.path}: {cut} has no time, which is needed when the work starts later (-ss)")
            if cut.about is None and last is not None and window.end is None and (cut.frame or 0) > last:
                raise UsageError(f"{self.path}: {cut} is after the end of {info.path}")
            if cut.about is not None and window.end is None and end is not None and cut.about > end + 1 / info.rate:
                raise UsageError(f"{self.path}: {cut} is after the end of {info.path} ({float(end):.6f} s)")


class ListedCuts:
    """Says pair by pair what a list says; feed it all pairs of a video in order."""

    def __init__(self, scenes: SceneList, start: Fraction, pictures: int = 1) -> None:
        """`start` is where in the file the frames' clock is 0; `pictures` are made of each of its frames."""
        self._scenes, self._path, self._start, self._pictures = scenes, scenes.path, start, pictures
        self._times = sorted((cut for cut in scenes.cuts if cut.about is not None), key=lambda cut: cut.about or 0)
        self._frames: dict[int, set[int]] = {}
        """Numbers of the lines that name a frame alone, by its index."""
        for cut in scenes.cuts:
            if cut.about is None and cut.frame is not None:
                self._frames.setdefault(pictures * cut.frame, set()).add(cut.number)
        self._next = 0
        self._obeyed: set[int] = set()
        self._wrong: list[str] = []

    def is_cut(self, left: SourceFrame, right: SourceFrame) -> bool:
        """Whether `right` begins a scene; UsageError for an exact time that is no frame's."""
        begins = right.index in self._frames
        if begins:
            self._obeyed |= self._frames[right.index]
        before, now = left.seconds + self._start, right.seconds + self._start
        while self._next < len(self._times):
            cut = self._times[self._next]
            assert cut.about is not None
            if cut.about > (now if cut.time is not None else now + (now - before) / 2):
                break
            self._next += 1
            if cut.time == now or (cut.time is None and cut.about > (before + now) / 2):
                begins = True
                self._obeyed.add(cut.number)
                self._compare(cut, right)
            elif cut.time is not None and cut.time > before:
                raise UsageError(
                    f"{self._path}: {cut} is between two frames ({float(before):.6f} s and {float(now):.6f} s); "
                    "the list is for another video"
                )
        return begins

    def _compare(self, cut: ListedCut, right: SourceFrame) -> None:
        frame = right.index // self._pictures
        if cut.frame not in (None, frame) and self._scenes.start == self._start:
            self._wrong.append(f"{self._path}: {cut} is at frame {frame}, not {cut.frame}; its time counts")

    def warnings(self, is_whole: bool) -> list[str]:
        """What is wrong in the list, after the last pair; `is_whole`: all of the video was shown."""
        passed = [cut for cut in self._scenes.cuts if cut.number not in self._obeyed and not is_first(cut)]
        return [*self._wrong, *(f"{self._path}: {cut} begins no scene here" for cut in passed if is_whole)]


def is_first(cut: ListedCut) -> bool:
    """Whether it names the first frame of the video, which begins a scene anyway."""
    return cut.frame == 0 if cut.about is None else cut.about == 0


def read_scene_list(path: Path) -> SceneList:
    """The list in a file; UsageError with a sentence where it is none."""
    try:
        found = json.loads(path.read_bytes(), parse_float=exactly)  # UTF-8, or UTF-16 as PowerShell writes it
    except OSError as error:
        raise UsageError(f"{path}: the list of cuts cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}: line {error.lineno} is not JSON: {error.msg}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not a list of cuts but binary data") from None
    except (ValueError, OverflowError, RecursionError):
        raise UsageError(f"{path}: is not a list of cuts: it has numbers or brackets without end") from None
    if not isinstance(found, dict) or not isinstance(found.get("cuts"), list):
        raise UsageError(f"{path}: is not a list of cuts; write one with: vfi-flow scenes IN {path.name}")
    if found.get("scenes_version") != FORMAT_VERSION:
        raise UsageError(f"{path}: scenes_version is {found.get('scenes_version')}, expected {FORMAT_VERSION}")
    source = found.get("source")
    cuts = tuple(read_cut(path, number, line) for number, line in enumerate(found["cuts"], 1))
    return SceneList(path, cuts, source if isinstance(source, dict) else {}, start_of(found))


def start_of(found: Mapping[str, Any]) -> Fraction | None:
    try:
        return moment(found.get("start", 0))
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None


def read_cut(path: Path, number: int, line: Any) -> ListedCut:
    """One line; the most exact of its places counts."""
    try:
        time, seconds = (None if line.get(name) is None else moment(line[name]) for name in ("time", "seconds"))
        frame = None if line.get("frame") is None else index(line["frame"])
    except (AttributeError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise UsageError(f"{path}: cut {number} is not understood: {plain(line)}") from None
    if time is None and seconds is None and frame is None:
        raise UsageError(f"{path}: cut {number} has neither time, seconds nor frame")
    if time is not None and seconds is not None and abs(time - seconds) > ROUNDING:
        told = f"time ({float(time):.6f} s) and seconds ({float(seconds):.6f} s)"
        raise UsageError(f"{path}: {told} of cut {number} differ; delete the one that is wrong")
    return ListedCut(number, time, seconds, frame)


def moment(value: Any) -> Fraction:
    """Seconds; ValueError for what no video has."""
    found = exactly(value)
    if isinstance(value, bool) or not 0 <= found <= LONGEST_VIDEO:
        raise ValueError(value)
    return found


def exactly(value: Any) -> Fraction:
    """A number as it is written; with an exponent as a float: 10 to the millionth would take long and is no time."""
    return Fraction(float(value) if isinstance(value, str) and "e" in value.lower() else value)


def index(value: Any) -> int:
    """Number of a frame; ValueError for what is none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value


def is_same(listed: Any, found: Fraction | int) -> bool:
    """Whether a list says `found`, in whatever spelling."""
    try:
        return exactly(listed) == found
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return False


def plain(line: Any) -> str:
    return json.dumps(line, default=str)
