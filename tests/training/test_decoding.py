"""Promises of decoding for training: both decoders see the same frames at the same times and fail with a sentence."""

import sys
import wave
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from tolerances import OPENCV_DECODE_LEVELS

pytest.importorskip("cv2")

from clips import moving_square, pixels, write_clip

from vfi_flow.errors import InputError
from vfi_flow.training.decoding import decode, find_videos

PTS = [0, 4, 20, 24, 36, 60]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Variable rate: `PTS` counts hundredths of a second."""
    path = tmp_path_factory.mktemp("decoding") / "vfr.mkv"
    return write_clip(path, moving_square(6), pts=PTS, time_base=Fraction(1, 100))


@pytest.fixture(params=["pyav", "opencv"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "opencv":
        monkeypatch.setitem(sys.modules, "av", None)
    return str(request.param)


def test_every_frame_comes_with_its_time(clip: Path, decoder: str) -> None:
    truth = pixels(clip)
    found = list(decode(clip))

    assert len(found) == 6
    assert [frame.seconds - found[0].seconds for frame in found] == [Fraction(pts, 100) for pts in PTS]
    for frame, expected in zip(found, truth, strict=True):
        assert frame.rgb is not None and frame.rgb.dtype == np.uint8
        assert np.abs(frame.rgb.astype(int) - expected).mean() <= (OPENCV_DECODE_LEVELS if decoder == "opencv" else 0)


def test_only_wanted_frames_are_turned_into_pixels(clip: Path, decoder: str) -> None:
    everything, some = list(decode(clip)), list(decode(clip, {1, 4}))

    assert [frame.rgb is not None for frame in some] == [False, True, False, False, True, False]
    assert [frame.pts for frame in some] == [frame.pts for frame in everything]
    for number in (1, 4):
        assert np.array_equal(some[number].rgb, everything[number].rgb)  # type: ignore[arg-type]


def test_decoding_ahead_changes_nothing(clip: Path) -> None:
    alone, ahead = list(decode(clip)), list(decode(clip, ahead=True))

    assert [frame.pts for frame in ahead] == [frame.pts for frame in alone] != []
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(ahead, alone, strict=True))  # type: ignore[arg-type]


def test_a_stream_without_a_clock_counts_its_frames(tmp_path: Path) -> None:
    raw = write_clip(tmp_path / "raw.h264", moving_square(4), rate=Fraction(25))
    steps = [frame.seconds for frame in islice(decode(raw), 4)]

    assert steps == [Fraction(number, 25) for number in range(4)]


def test_videos_behind_a_link_to_a_folder_are_found_and_circles_end(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "videos", tmp_path / "elsewhere"
    for path in (folder / "b.mp4", folder / "sub" / "a.mkv", folder / "notes.txt", elsewhere / "c.mp4"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)

    found = [str(path.relative_to(folder)) for path in find_videos(folder)]

    assert found == ["b.mp4", "linked/c.mp4", "sub/a.mkv"]


def test_what_cannot_be_read_is_an_input_error_with_the_reason(tmp_path: Path, decoder: str) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes(1600))

    with pytest.raises(InputError, match=r"missing.mp4: no such file"):
        list(decode(tmp_path / "missing.mp4"))
    with pytest.raises(InputError, match=r"text.mp4: not a video (file )?that (FFmpeg|OpenCV) can read"):
        list(decode(tmp_path / "text.mp4"))
    with pytest.raises(InputError, match=r"sound.wav: (no video stream|not a video that OpenCV can read)"):
        list(decode(tmp_path / "sound.wav"))


def test_a_name_with_a_colon_is_no_protocol(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a:b.mkv").write_bytes(clip.read_bytes())

    assert len(list(decode(Path("a:b.mkv")))) == 6
