"""Is a video what doubling its frames must give? One sentence for everything that is not.

    python tests/check_result.py SOURCE RESULT

For sources of constant rate: twice the frames, every time stamp exact, the sound's packets bit for bit.
"""

import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av


def frame_times(path: Path) -> list[Fraction]:
    """Presentation time in seconds of every decoded frame."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def sound_packets(path: Path) -> list[tuple[Fraction, bytes]]:
    """Presentation time in seconds and content of every packet of the first audio stream."""
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in packets if packet.size]


def problems(source: Path, result: Path) -> list[str]:
    times, doubled = frame_times(source), frame_times(result)
    step = times[1] - times[0]
    expected = [time + half * step / 2 for time in times for half in (0, 1)]
    found = []
    if len(doubled) != len(expected):
        found.append(f"{result}: {len(doubled)} frames, expected {len(expected)}")
    if any(time >= later for time, later in pairwise(doubled)):
        found.append(f"{result}: time stamps do not increase strictly")
    wrong = [n for n, (time, wanted) in enumerate(zip(doubled, expected, strict=False)) if time != wanted]
    if wrong:
        n = wrong[0]
        found.append(
            f"{result}: {len(wrong)} wrong time stamps, frame {n} at {doubled[n]} s instead of {expected[n]} s"
        )
    if sound_packets(result) != sound_packets(source):
        found.append(f"{result}: the packets of the sound are not those of {source}")
    return found


if __name__ == "__main__":
    found = problems(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(found) or f"{sys.argv[2]}: twice the frames, exact time stamps, the same sound")
    sys.exit(1 if found else 0)
