"""Numbered pictures in and out: pixels of the originals, names, order, and nothing half-done."""

import gc
import struct
import zlib
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import tolerances
from blending import Blend
from clips import moving_square, numbered, pixels, scene, video_times, write_clip

from vfi_flow.cli.main import main
from vfi_flow.errors import InputError, OutputError, VfiFlowError
from vfi_flow.inference import interpolator as engine_module
from vfi_flow.media.images import ImageSequence
from vfi_flow.pipeline.output_files import partial_of
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run


def picture(path: Path, pix_fmt: str = "rgb24") -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format=pix_fmt)


def interpolated(source, output, **job):
    return run(make_plan(Job(source, output, **job)), Blend())


def target(folder: Path, ending: str) -> ImageSequence:
    folder.mkdir(exist_ok=True)
    return ImageSequence(folder / f"f_%05d{ending}")


@pytest.mark.parametrize("before", [".png", ".tif"])
@pytest.mark.parametrize("after", [".png", ".tiff"])
@pytest.mark.parametrize("pix_fmt", ["rgb24", "gray"])
def test_original_pictures_keep_every_bit(tmp_path, before, after, pix_fmt):
    source = numbered(tmp_path / "in", before, moving_square(5), pix_fmt, first=8)
    output = target(tmp_path / "out", after)

    report = interpolated(source, output, factor=Fraction(3))

    names = [f"f_{number:05}{after}" for number in range(1, 16)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for number in range(5):
        original, kept = source.path(8 + number), tmp_path / "out" / names[3 * number]
        assert np.array_equal(picture(original, pix_fmt), picture(kept, pix_fmt))
    assert report.frames == {"source": 5, "generated": 8, "held": 2}
    assert report.plan.encoder.pix_fmt == pix_fmt


def test_new_pictures_lie_between_their_neighbours(tmp_path):
    frames = [np.full((48, 64, 3), 40 * n, np.uint8) for n in range(4)]
    output = target(tmp_path / "out", ".png")

    interpolated(numbered(tmp_path / "in", ".png", frames), output, find_cuts=False)

    means = [picture(output.path(number)).mean() for number in range(1, 9)]
    assert means == [0, 20, 40, 60, 80, 100, 120, 120]


def test_jpeg_pictures_stay_close_in_full_range(tmp_path):
    frames = [scene(3, 160, 96)[:, n : n + 128] for n in range(4)]
    source = numbered(tmp_path / "in", ".jpg", frames, "yuvj444p")
    output = target(tmp_path / "out", ".jpg")

    interpolated(source, output)

    for number in range(4):
        change = picture(source.path(1 + number)).astype(int) - picture(output.path(1 + 2 * number))
        assert np.abs(change).mean() < tolerances.JPEG_AGAIN and abs(change.mean()) < tolerances.JPEG_LEVEL


@pytest.mark.parametrize("height", [96, 720])
def test_pictures_of_a_video_have_its_colours(tmp_path, height):
    """BT.709 from 720 lines on; a JPEG is BT.601 at any size, and a PNG is RGB."""
    flat = np.empty((height, 128, 3), np.uint8)
    flat[:] = (200, 60, 90)
    matrix = 1 if height == 720 else 6
    source = write_clip(tmp_path / "in.mkv", [flat] * 2, matrix=matrix)

    for ending in (".png", ".jpg"):
        output = target(tmp_path / "out", ending)
        interpolated(source, output)

        for number in range(1, 5):
            colour = picture(output.path(number))[height // 2, 64].astype(int)
            assert np.abs(colour - (200, 60, 90)).max() <= tolerances.RGB_OF_ROUNDED_YUV + 1


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30)], ids=str)
def test_pictures_become_a_video_at_their_rate(tmp_path, rate):
    source = numbered(tmp_path / "in", ".png", moving_square(6))

    interpolated(ImageSequence(source.pattern, rate), tmp_path / "out.mp4")

    assert video_times(tmp_path / "out.mp4") == [Fraction(k, 2) / rate for k in range(12)]


EXIF_TURNED = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
"""One entry: orientation 6, to be turned clockwise by 90 degrees."""


def photographs_on_their_side(folder: Path) -> ImageSequence:
    source = numbered(folder, ".jpg", moving_square(3), "yuvj420p")
    for number in source.numbers():
        data, exif = source.path(number).read_bytes(), b"Exif\0\0" + EXIF_TURNED
        segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
        source.path(number).write_bytes(data[:2] + segment + data[2:])
    return source


def rotations(file: Path) -> set[int]:
    with av.open(str(file)) as container:
        return {frame.rotation for frame in container.decode(video=0)}


@pytest.mark.parametrize("kind", ["pictures", "video"])
@pytest.mark.parametrize("output", ["out.mp4", "out.mkv", "out.ts", "out.webm", "%d.png", "%d.tif", "%d.jpg"])
def test_a_turned_picture_stays_turned_in_every_frame_or_it_is_said(tmp_path, kind, output):
    if kind == "pictures":
        source, turned = photographs_on_their_side(tmp_path / "in"), {-90}
    else:
        source, turned = write_clip(tmp_path / "in.mp4", moving_square(3), rotation=90), {90}
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / output

    report = interpolated(source, ImageSequence(target) if "%" in output else target)

    found = set().union(*map(rotations, (tmp_path / "out").iterdir()))
    said = any("does not keep that the picture is turned" in note for note in report.warnings)
    assert found == ({0} if said else turned)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def profile_of(path: Path) -> bytes | None:
    """The colour profile in a PNG."""
    parts = path.read_bytes().partition(b"iCCP")
    return zlib.decompress(parts[2].partition(b"\0")[2][1:].split(b"IDAT")[0][:-8]) if parts[1] else None


def test_light_levels_that_would_be_written_wrong_are_left_out_as_it_is_said(tmp_path):
    """FFmpeg's encoder puts what it knows of the display into PNG, in an order that is not that of the standard."""
    source = numbered(tmp_path / "in", ".png", moving_square(3))
    display = struct.pack(">8HII", 34000, 16000, 13250, 34500, 7500, 3000, 15635, 16450, 10_000_000, 50)
    beside = (
        chunk(b"cICP", bytes([9, 16, 0, 1]))
        + chunk(b"mDCV", display)
        + chunk(b"cLLI", struct.pack(">II", 10**7, 4 * 10**6))
    )
    for number in source.numbers():
        data = source.path(number).read_bytes()
        source.path(number).write_bytes(data[:33] + beside + data[33:])

    report = interpolated(source, target(tmp_path / "out", ".png"))

    assert any("png cannot store HDR10 metadata" in warning for warning in report.warnings)
    made = [path.read_bytes() for path in (tmp_path / "out").iterdir()]
    assert len(made) == 6 and all(b"cICP" in data for data in made)
    assert not any(b"mDCV" in data or b"mDCv" in data for data in made)


@pytest.mark.parametrize("output", ["%d.png", "%d.tif", "%d.jpg", "out.mp4"])
def test_pictures_with_a_colour_profile(tmp_path, output):
    """With PyAV 18 a look at what lies beside the pixels of a PNG frees the profile's name twice."""
    source, profile = numbered(tmp_path / "in", ".png", moving_square(3)), bytes(range(256))
    head = len(b"\x89PNG\r\n\x1a\n") + 12 + 13
    for number in source.numbers():
        data = source.path(number).read_bytes()
        named = chunk(b"iCCP", b"A profile\0\0" + zlib.compress(profile))
        source.path(number).write_bytes(data[:head] + named + data[head:])
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / output

    report = interpolated(source, ImageSequence(target) if "%" in output else target)
    gc.collect()

    assert sum(report.frames.values()) == 6
    if output.endswith(".png"):
        assert {profile_of(path) for path in (tmp_path / "out").iterdir()} == {profile}


@pytest.mark.parametrize("matrix", [1, 6])
def test_kept_pictures_of_full_range_have_the_colours_of_new_ones(tmp_path, matrix):
    noise = np.random.default_rng(0).integers(60, 200, (48, 64, 3)).astype(np.uint8)
    source = write_clip(tmp_path / "in.mkv", [noise] * 3, codec="ffv1", matrix=matrix)
    output = target(tmp_path / "out", ".jpg")

    interpolated(source, output, bridge_repeats=False)

    kept, new = (np.mean([picture(output.path(n)) for n in numbers], axis=(0, 1, 2)) for numbers in ((1, 3, 5), (2, 4)))
    assert np.abs(new - kept).max() < 0.2


def test_a_part_of_the_pictures_can_be_used(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "Interpolator", Blend)
    source = numbered(tmp_path / "in", ".png", moving_square(20))
    target(tmp_path / "out", ".png")
    words = ["-framerate", "10", "-ss", "0.5", "-t", "1", "--progress", "none"]

    assert main(["interpolate", str(source), str(tmp_path / "out" / "%d.png"), *words]) == 0

    assert len(list((tmp_path / "out").iterdir())) == 20
    assert np.array_equal(picture(tmp_path / "out" / "1.png"), picture(source.path(6)))


def test_a_video_becomes_pictures_and_its_sound_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engine_module, "Interpolator", Blend)
    source = write_clip(tmp_path / "in.mp4", moving_square(5), sound="aac")
    target(tmp_path / "out", ".png")

    assert main(["interpolate", str(source), str(tmp_path / "out" / "%06d.png"), "--progress", "none"]) == 0

    err = capsys.readouterr().err
    assert err.count("\n") == 2 and "audio stream (aac) left out: pictures hold nothing else" in err
    assert "png cannot store yuv420p; rgb24 is written" in err
    assert (tmp_path / "out" / "000010.png").exists()


def test_uneven_times_are_said_because_pictures_have_none(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(5), pts=[0, 3, 4, 20, 30], time_base=Fraction(1, 90))

    report = interpolated(source, target(tmp_path / "out", ".png"))

    assert any("unevenly spaced" in warning for warning in report.warnings)


def test_a_missing_picture_ends_the_job_before_it_starts(tmp_path):
    source = numbered(tmp_path / "in", ".png", moving_square(9))
    source.path(5).unlink()

    with pytest.raises(InputError, match=r"0005\.png: missing between the first and the last picture"):
        interpolated(source, tmp_path / "out.mp4")


@pytest.mark.parametrize("number", [2, 8, 9])
def test_an_empty_picture_ends_the_job_before_it_starts(tmp_path, number):
    """FFmpeg takes it for the end: the pictures behind it would be lost."""
    source = numbered(tmp_path / "in", ".png", moving_square(9))
    source.path(number).write_bytes(b"")

    with pytest.raises(InputError, match=rf"000{number}\.png: the file is empty"):
        interpolated(source, tmp_path / "out.mp4")


def test_a_damaged_picture_leaves_no_result(tmp_path):
    source = numbered(tmp_path / "in", ".png", moving_square(9))
    source.path(5).write_bytes(source.path(5).read_bytes()[:300])

    with pytest.raises(VfiFlowError):
        interpolated(source, target(tmp_path / "out", ".png"))

    assert list((tmp_path / "out").iterdir()) == []


def test_pictures_that_exist_are_replaced_only_when_asked_and_only_by_a_finished_result(tmp_path):
    source = numbered(tmp_path / "in", ".png", moving_square(4))
    output = target(tmp_path / "out", ".png")
    interpolated(source, output, factor=Fraction(3))
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    with pytest.raises(OutputError, match="exists; pass --overwrite"):
        interpolated(source, output)

    def breaks(frame0, frame1, taus, *, pts=0, before=None, after=None):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(make_plan(Job(source, output, overwrite=True)), breaks)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before

    partial_of(output).path(99).write_bytes(b"left by a job that was killed")
    interpolated(source, output, overwrite=True)
    assert len(list((tmp_path / "out").iterdir())) == 8


def test_pictures_are_not_written_over_their_source(tmp_path):
    source = numbered(tmp_path / "in", ".png", moving_square(4))

    with pytest.raises(OutputError, match="is the input itself"):
        interpolated(source, ImageSequence(tmp_path / "in" / "%04d.png"), overwrite=True)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["in/%04d.png", "out/%d.bmp"], 7, "pictures with the ending '.bmp' are not written"),
        (["in/%04d.bmp", "out/%d.png"], 3, "pictures with the ending '.bmp' are not read"),
        (["no/%04d.png", "out/%d.png"], 3, "no such pictures"),
        (["in/%04d.png", "none/%d.png"], 7, "no such folder"),
        (["clip.mp4", "out/%d.png", "-framerate", "10"], 2, "-framerate is for numbered pictures"),
        (["in/%04d.png", "out/%d.png", "-c:v", "libx264"], 4, "image2 cannot hold libx264 video"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_work_is_said(tmp_path, monkeypatch, capsys, words, code, sentence):
    numbered(tmp_path / "in", ".png", moving_square(2))
    target(tmp_path / "out", ".png")
    monkeypatch.chdir(tmp_path)

    assert main(["interpolate", *words]) == code

    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1


@pytest.mark.parametrize("pix_fmt", ["rgb48be", "rgba"])
def test_a_picture_of_another_depth_or_with_transparency_is_said(tmp_path, pix_fmt):
    source = numbered(tmp_path / "in", ".png", moving_square(4))
    other = numbered(tmp_path / "other", ".png", moving_square(1), pix_fmt, first=3)
    other.path(3).replace(source.path(3))

    with pytest.raises(InputError, match="the pixel format changes from rgb24 to"):
        interpolated(source, tmp_path / "out.mkv")


def test_pictures_reach_a_pipe_and_come_back(tmp_path):
    """The order of pictures is the order of their numbers, beyond 9 and 99 too."""
    frames = [np.full((16, 16, 3), n, np.uint8) for n in range(0, 220, 2)]
    source = numbered(tmp_path / "in", ".png", frames)

    interpolated(source, tmp_path / "out.mkv", factor=Fraction(1))

    levels = [frame.mean() for frame in pixels(tmp_path / "out.mkv")]
    assert len(levels) == 110 and all(a < b for a, b in pairwise(levels))


def test_the_unfinished_result_keeps_its_ending():
    assert partial_of(Path("a/film.cut.mkv")) == Path("a/film.cut.partial.mkv")
    assert partial_of(ImageSequence(Path("a/%04d.png"))).pattern == Path("a/%04d.partial.png")
