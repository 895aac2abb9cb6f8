"""A picture of true and made frames side by side: a row for each place of a clip, a column for each method."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vfi_flow.errors import ComponentError, UsageError
from vfi_flow.training import metrics
from vfi_flow.training.baselines import load_cv2
from vfi_flow.training.evaluate import Method, run
from vfi_flow.training.frame import Frame
from vfi_flow.training.triplets import Triplet
from vfi_flow.training.windows import most_different

CELL_WIDTH = 480
MARGIN = 6
TEXT_HEIGHT = 22
BACKGROUND, FOREGROUND = 24, 230


@dataclass(frozen=True, slots=True)
class Row:
    seconds: float
    index: int
    """Number of the dropped frame in its clip."""
    truth: Frame
    made: Sequence[Frame]
    """One for each method, of the same size as `truth`."""


def make_row(triplet: Triplet, seconds: float, methods: Sequence[Method], crop: tuple[int, int] | None) -> Row:
    """The frame made by every method; `crop` = (width, height) shows only that much, where most moves."""
    pair, truth = triplet.pair, triplet.truth
    made = [run(method, pair, triplet.tau, key=triplet.index) for method in methods]
    if crop is not None:
        height, width = truth.shape[:2]
        if crop[0] > width or crop[1] > height:
            raise UsageError(f"--crop {crop[0]}x{crop[1]} is larger than the frames, {width}x{height}")
        window = most_different(pair.frame0, pair.frame1, *crop)
        truth, made = window.cut(truth), [window.cut(frame) for frame in made]
    return Row(seconds, triplet.index, truth, made)


def draw(rows: Sequence[Row], columns: Sequence[str]) -> Frame:
    """The sheet; `columns` are the names of the methods, the truth stands before them.

    Pictures are scaled to one width, small ones with visible pixels. The PSNR under each is that of what is shown.
    """
    names = ["truth", *columns]
    lines = [strip([label(name, CELL_WIDTH) for name in names])]
    for row in rows:
        captions = [f"{row.seconds:.3f} s, frame {row.index}"]
        captions += [f"{metrics.psnr(made, row.truth):.2f} dB" for made in row.made]
        lines.append(strip([fit(frame) for frame in (row.truth, *row.made)]))
        lines.append(strip([label(caption, CELL_WIDTH) for caption in captions]))
    return np.concatenate([gap(MARGIN, lines[0].shape[1]), *lines], axis=0)


def fit(frame: Frame) -> Frame:
    """Scaled to the width of a cell."""
    cv2 = load_cv2()
    height = max(1, round(frame.shape[0] * CELL_WIDTH / frame.shape[1]))
    method = cv2.INTER_AREA if frame.shape[1] > CELL_WIDTH else cv2.INTER_NEAREST
    return cv2.resize(np.ascontiguousarray(frame), (CELL_WIDTH, height), interpolation=method)


def label(text: str, width: int) -> Frame:
    cv2 = load_cv2()
    picture = gap(TEXT_HEIGHT, width)
    colour = (FOREGROUND,) * 3
    return cv2.putText(picture, text, (2, TEXT_HEIGHT - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)


def strip(cells: Sequence[Frame]) -> Frame:
    """Cells of one height in a line, with margins."""
    margin = gap(cells[0].shape[0], MARGIN)
    return np.concatenate([margin, *(part for cell in cells for part in (cell, margin))], axis=1)


def gap(height: int, width: int) -> Frame:
    return np.full((height, width, 3), BACKGROUND, np.uint8)


def to_png(picture: Frame) -> bytes:
    cv2 = load_cv2()
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise ComponentError("this OpenCV cannot write PNG")
    return data.tobytes()
