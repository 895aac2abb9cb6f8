"""AVI has no times: where sound and picture do not begin together, or sound has gaps, a line says so."""

import re
from fractions import Fraction
from pathlib import Path

import av
import pytest
from blending import Blend
from clips import moving_square, write_clip

from vfi_flow.media.frame import Window
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run

WHOLE = Window()
LATE = Fraction(1, 2)


def clip(folder: Path, picture: Fraction = Fraction(0), sound: Fraction = Fraction(0), gap: bool = False) -> Path:
    """2 s of picture and sound that begin at these times; with `gap` nothing is heard between 0.8 and 1.1 s."""
    plain = write_clip(folder / "plain.mkv", moving_square(60), sound="libmp3lame", options={"bf": "0"})
    target = folder / "in.mkv"
    with av.open(str(plain)) as before, av.open(str(target), "w") as after:
        streams = {s.index: after.add_stream_from_template(s) for s in before.streams}
        for packet in before.demux():
            if packet.size == 0:
                continue
            is_sound = packet.stream.type == "audio"
            if gap and is_sound and Fraction(4, 5) <= packet.pts * packet.time_base < Fraction(11, 10):
                continue
            shift = int((sound if is_sound else picture) / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream.index]
            after.mux(packet)
    return target


def told(source: Path, target: Path, window: Window = WHOLE) -> list[str]:
    warnings = run(make_plan(Job(source, target, window=window, bridge_repeats=False)), Blend()).warnings
    return [warning.split(": ")[0] for warning in warnings if "audio stream" in warning]


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ({"sound": LATE}, r"begins 0\.\d+ s after the picture and is heard so much too early"),
        ({"picture": LATE}, r"begins 0\.\d+ s before the picture and is heard so much too late"),
        ({"gap": True}, r"has gaps of 0\.\d+ s and is heard so much too early behind them"),
    ],
    ids=["late sound", "late picture", "a gap"],
)
def test_sound_that_avi_moves_is_named(tmp_path, times, sentence):
    source = clip(tmp_path, **times)

    [avi] = told(source, tmp_path / "out.avi")
    assert re.fullmatch(f"audio stream 1 {sentence}", avi)
    assert told(source, tmp_path / "out.mkv") == []


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 3), Fraction(7, 9)])
def test_sound_that_begins_with_its_picture_costs_no_line(tmp_path, start):
    assert told(clip(tmp_path), tmp_path / "out.avi", Window(start)) == []
