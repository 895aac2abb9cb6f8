"""What a format has no words for: said in one line where it is lost, and not said where it is kept."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.stream import Disposition, Stream
from blending import Blend
from clips import moving_square, write_clip

from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import OutputPipe
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
    source, tagged = write_clip(tmp_path / "in.mkv", moving_square(4)), tmp_path / "tagged.mkv"
    with av.open(str(source)) as before, av.open(str(tagged), "w") as after:
        video = after.add_stream_from_template(before.streams.video[0])
        after.metadata.update(title="A title", REVIEWER="me", SCORE="5")
        for packet in before.demux(before.streams.video[0]):
            if packet.size:
                packet.stream = video
                after.mux(packet)

    assert losses(tagged, tmp_path / "out.mkv") == ""
    assert losses(tagged, tmp_path / "out.mp4") == "the tags REVIEWER, SCORE"


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
