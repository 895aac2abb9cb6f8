"""What a format has no words for: said in one line where it is lost, and not said where it is kept."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition, Stream
from blending import Blend
from clips import moving_square, remuxed, with_cover, write_clip

from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.pixels.chroma_location import LOCATIONS
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run

BT2020, PQ_CURVE = 9, 16
TITLES = "the titles of sound and text and the video's tag title"


def losses(source, output, **job) -> str:
    """The end of the line that says what is lost; empty where nothing is."""
    report = run(make_plan(Job(source, output, **job)), Blend())
    said = [warning for warning in report.warnings if "does not keep" in warning]
    assert len(said) <= 1
    return said[0].split(" does not keep ")[1] if said else ""


@pytest.mark.parametrize(
    ("name", "codec", "lost"),
    [
        ("out.mp4", "libsvtav1", ""),
        ("out.mkv", "libx264", ""),
        ("out.avi", "libx264", ""),
        ("out.mkv", "ffv1", "the shape of the pixels (4:3; .mp4 does)"),
        ("out.webm", "libvpx-vp9", "the shape of the pixels (4:3; .mp4 does)"),
    ],
)
def test_pixels_that_are_not_square(tmp_path, name, codec, lost):
    source = write_clip(tmp_path / "in.mp4", moving_square(4), aspect=Fraction(4, 3))

    assert losses(source, tmp_path / name, encoder=EncoderOptions(codec=codec)) == lost


@pytest.mark.parametrize(("ending", "lost"), [(".mov", ""), (".mkv", ""), (".avi", "that the picture is turned")])
def test_a_picture_that_is_turned(tmp_path, ending, lost):
    source = write_clip(tmp_path / "in.mp4", moving_square(4), rotation=90)

    assert losses(source, tmp_path / f"out{ending}") == lost


@pytest.mark.parametrize(
    ("ending", "lost"),
    [
        (".mp4", ""),
        (".mkv", ""),
        (".ts", "the chapters, the titles of sound and text and the tag title"),
        (".avi", "the chapters and the languages"),
        (".gif", "the chapters and the tag title"),
    ],
)
def test_chapters_tags_and_languages(tmp_path, ending, lost):
    source = write_clip(tmp_path / "in.mp4", moving_square(30), rate=Fraction(25), sound="aac", chapters=True)

    assert losses(source, tmp_path / f"out{ending}") == lost


@pytest.mark.parametrize("before", [".mp4", ".mkv"])
@pytest.mark.parametrize(("after", "lost"), [(".mp4", ""), (".mkv", ""), (".ts", TITLES)])
def test_titles_of_tracks(tmp_path, before, after, lost):
    plain = write_clip(tmp_path / "in.mkv", moving_square(4), sound="aac")

    def name(picture: Stream, sound: Stream) -> None:
        picture.metadata["title"], sound.metadata["title"] = "Picture", "Sound"

    titled = copied(plain, tmp_path / f"titled{before}", name)

    assert losses(titled, tmp_path / f"out{after}") == lost
    with av.open(str(tmp_path / f"out{after}")) as result:
        found = [stream.metadata.get("title", stream.metadata.get("name")) for stream in result.streams]
    assert found == ([None, None] if lost else ["Picture", "Sound"])


@pytest.mark.parametrize("role", ["forced", "comment", "hearing_impaired", "visual_impaired", "dub"])
@pytest.mark.parametrize("before", [".mp4", ".mkv"])
@pytest.mark.parametrize(("after", "kept"), [(".mp4", True), (".mkv", True), (".mov", False)])
def test_what_a_track_is_meant_for(tmp_path, role, before, after, kept):
    plain = write_clip(tmp_path / "in.mkv", moving_square(4), sound="aac")

    def choose(picture: Stream, sound: Stream) -> None:
        sound.disposition = Disposition[role]

    source = copied(plain, tmp_path / f"role{before}", choose)

    assert losses(source, tmp_path / f"out{after}") == ("" if kept else f"what tracks are meant for ({role})")
    with av.open(str(tmp_path / f"out{after}")) as result:
        assert bool(result.streams.audio[0].disposition & Disposition[role]) == kept


def test_what_is_kept_in_other_words_is_not_called_lost(tmp_path):
    """BT.601 has two codes; full range is in the name of yuvj420p; time codes are no track of their own in Matroska."""
    folder = tmp_path / "out"
    folder.mkdir()
    source = write_clip(tmp_path / "in.mkv", moving_square(4), matrix=6)
    assert losses(source, ImageSequence(folder / "%d.jpg")) == ""
    assert losses(source, tmp_path / "out.mp4", encoder=EncoderOptions(pix_fmt="yuvj420p")) == ""

    def brand(picture: Stream) -> None:
        picture.container.metadata.update(MAJOR_BRAND="isom", COMPATIBLE_BRANDS="isom", MINOR_VERSION="512")

    assert losses(copied(source, tmp_path / "branded.mkv", brand), tmp_path / "out.avi") == ""

    def time(picture: Stream) -> None:
        picture.metadata["timecode"] = "01:02:03:04"

    timed = copied(write_clip(tmp_path / "in.mov", moving_square(4)), tmp_path / "timed.mov", time)
    assert losses(timed, tmp_path / "timed.mkv") == ""


def copied(source: Path, path: Path, describe: Callable[..., None]) -> Path:
    """The same packets in a file at `path`, whose streams `describe` has been shown."""
    with av.open(str(source)) as before, av.open(str(path), "w") as after:
        streams = [after.add_stream_from_template(stream) for stream in before.streams]
        describe(*streams)
        for packet in before.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)
    return path


def test_tags_of_ones_own(tmp_path):
    tags = {"title": "A title", "REVIEWER": "me", "SCORE": "5"}
    tagged = remuxed(write_clip(tmp_path / "in.mkv", moving_square(4)), tmp_path / "tagged.mkv", tags)

    assert losses(tagged, tmp_path / "out.mkv") == ""
    assert losses(tagged, tmp_path / "out.mp4") == "the tags REVIEWER, SCORE"


PHONE = {"com.apple.quicktime.make": "Maker", "com.apple.quicktime.location.ISO6709": "+48.1+011.5/"}


@pytest.mark.parametrize("ending", [".mov", ".mp4", ".mkv"])
def test_what_a_phone_says_of_place_and_maker(tmp_path, ending):
    plain = write_clip(tmp_path / "plain.mov", moving_square(4))
    source = remuxed(plain, tmp_path / "in.mov", PHONE, movflags="use_metadata_tags")

    assert losses(source, tmp_path / f"out{ending}") == ""
    with av.open(str(tmp_path / f"out{ending}")) as result:
        found = {key.lower(): value for key, value in result.metadata.items()}
    assert {key: found[key.lower()] for key in PHONE} == PHONE


def test_a_cover_is_worth_more_than_tags_of_any_names(tmp_path):
    covered = with_cover(tmp_path / "covered.mp4")
    with av.open(str(covered)) as before, av.open(str(tmp_path / "in.mkv"), "w") as after:
        streams = {s.index: after.add_stream_from_template(s) for s in before.streams if s.codec.name != "mjpeg"}
        after.metadata.update(PHONE)
        [cover] = [s for s in before.streams if s.codec.name == "mjpeg"]
        pictures = [packet for packet in before.demux(cover) if packet.size]
        after.add_attachment("cover.jpg", "image/jpeg", bytes(pictures[0]))
        before.seek(0)
        for packet in before.demux(*(before.streams[index] for index in streams)):
            if packet.size:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)

    assert losses(tmp_path / "in.mkv", tmp_path / "out.mp4").lower() == f"the tags {', '.join(sorted(PHONE))}".lower()
    with av.open(str(tmp_path / "out.mp4")) as result:
        assert any(stream.disposition & Disposition.attached_pic for stream in result.streams)


@pytest.mark.parametrize(("ending", "lost"), [(".mkv", ""), (".mp4", "that it has an image for each eye")])
def test_a_video_for_two_eyes(tmp_path, ending, lost):
    def brand(picture: Stream) -> None:
        picture.metadata["stereo_mode"] = "left_right"

    source = copied(write_clip(tmp_path / "plain.mkv", moving_square(4)), tmp_path / "in.mkv", brand)

    assert losses(source, tmp_path / f"out{ending}") == lost


def test_a_video_around_the_viewer(tmp_path):
    """Spherical Video V1: XML in a `uuid` box of the track, here put into its place behind the header of the track."""
    said = {"Spherical": b"true", "Stitched": b"true", "StitchingSoftware": b"", "ProjectionType": b"equirectangular"}
    words = b"".join(b"<GSpherical:%b>%b</GSpherical:%b>" % (k.encode(), v, k.encode()) for k, v in said.items())
    xml = b'<?xml version="1.0"?><rdf:SphericalVideo>' + words + b"</rdf:SphericalVideo>"
    kind = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
    box = (8 + len(kind) + len(xml)).to_bytes(4, "big") + b"uuid" + kind + xml
    data = write_clip(tmp_path / "plain.mp4", moving_square(4)).read_bytes()
    for name in (b"moov", b"trak"):
        place = data.index(name) - 4
        size = int.from_bytes(data[place : place + 4], "big") + len(box)
        data = data[:place] + size.to_bytes(4, "big") + data[place + 4 :]
    end = data.index(b"trak") - 4 + int.from_bytes(data[data.index(b"trak") - 4 : data.index(b"trak")], "big")
    source = tmp_path / "in.mp4"
    source.write_bytes(data[: end - len(box)] + box + data[end - len(box) :])

    assert losses(source, tmp_path / "out.mkv") == "that it is a 360 degree video"


@pytest.mark.parametrize(
    ("format_name", "lost"),
    [
        ("matroska", ""),
        ("yuv4mpegpipe", "the colour matrix, the colour primaries and the transfer curve; -f matroska does"),
        (
            "nut",
            "the colour matrix, the range of values, the colour primaries and the transfer curve; -f matroska does",
        ),
    ],
)
def test_colours_in_a_pipe(tmp_path, format_name, lost):
    tags = {"matrix": BT2020, "colour_range": 2, "primaries": BT2020, "transfer": PQ_CURVE}
    source = write_clip(tmp_path / "in.mkv", moving_square(4), codec="ffv1", options={}, pix_fmt="yuv420p10le", **tags)
    sent = io.BytesIO()

    assert losses(source, OutputPipe(sent.write, format_name)) == lost
    with av.open(io.BytesIO(sent.getvalue())) as container:
        assert sum(1 for _ in container.decode(video=0)) == 8


@pytest.mark.parametrize(
    ("location", "word"), [("left", b"C420mpeg2"), ("center", b"C420jpeg"), ("topleft", b"C420paldv")]
)
@pytest.mark.parametrize("aspect", [None, Fraction(64, 45)], ids=str)
def test_the_first_line_of_y4m_tells_where_chroma_lies_and_what_shape_pixels_have(tmp_path, location, word, aspect):
    options = {"x264-params": f"chromaloc={LOCATIONS.index(location)}"}
    source = write_clip(tmp_path / "in.mp4", moving_square(4), options=options, aspect=aspect)
    sent = io.BytesIO()

    assert losses(source, OutputPipe(sent.write, "yuv4mpegpipe")) == ""
    words = sent.getvalue().partition(b"\n")[0].split()
    assert word in words
    assert (b"A64:45" in words) == (aspect is not None)


@pytest.mark.parametrize(
    ("codec", "ending", "lost"),
    [("libsvtav1", ".mp4", "where chroma lies (center)"), ("libx265", ".mp4", ""), ("libx264", ".mkv", "")],
)
def test_where_chroma_lies(tmp_path, codec, ending, lost):
    options = {"x264-params": "chromaloc=1"}
    source = write_clip(tmp_path / "in.mp4", moving_square(4), options=options)

    assert losses(source, tmp_path / f"out{ending}", encoder=EncoderOptions(codec=codec)) == lost


@pytest.mark.parametrize("codec", ["prores_ks", "mpeg2video"])
def test_full_range_becomes_limited_where_no_word_is_for_it(tmp_path, codec):
    source = write_clip(tmp_path / "in.mkv", [np.full((48, 64, 3), 255, np.uint8)] * 4, colour_range=2)
    plan = make_plan(Job(source, tmp_path / "out.mov", encoder=EncoderOptions(codec=codec)))

    report = run(plan, Blend())

    assert f"{codec} cannot store full range; the video is converted to limited range" in report.warnings
    with av.open(str(tmp_path / "out.mov")) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 8
    for frame in frames:
        bits = frame.format.components[0].bits
        luma = np.frombuffer(frame.planes[0], np.uint8 if bits == 8 else np.uint16).reshape(48, -1)[:, :64]
        assert luma.mean() / 2 ** (bits - 8) == pytest.approx(235, abs=1)
