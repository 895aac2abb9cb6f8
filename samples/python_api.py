"""Three frames between two frames of a video, in Python.

    python samples/python_api.py OUTPUT_FOLDER [VIDEO]

Writes 0.png (the first frame of the video), 1.png, 2.png, 3.png (made by the model), 4.png (its
second frame). VIDEO is samples/meadow.mp4 unless given.
"""

import sys
from itertools import islice
from pathlib import Path

import av

from vfi_flow import Interpolator
from vfi_flow.errors import VfiFlowError

TAUS = [0.25, 0.5, 0.75]
"""Where the new frames lie: 0 is the first frame, 1 the second."""


def main(folder: Path, video: Path = Path(__file__).parent / "meadow.mp4") -> None:
    with av.open(str(video)) as container:
        first, second = islice(container.decode(video=0), 2)
    frame0, frame1 = (frame.to_ndarray(format="rgb24") for frame in (first, second))

    with Interpolator(model="base") as interpolator:
        between = interpolator(frame0, frame1, taus=TAUS, pts=first.pts)

    folder.mkdir(parents=True, exist_ok=True)
    for n, image in enumerate([frame0, *between, frame1]):
        av.VideoFrame.from_ndarray(image, format="rgb24").save(str(folder / f"{n}.png"))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        main(*map(Path, sys.argv[1:]))
    except (VfiFlowError, OSError, ValueError) as error:  # ValueError: fewer than two frames
        sys.exit(f"{sys.argv[0]}: {error}")
