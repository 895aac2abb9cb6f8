"""Interrupted jobs: what they leave, and that what `--resume` makes of it is what one run would have made."""

import errno
import json
import os
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from blending import Blend
from clips import moving_square, numbered, pixels, scene, stream_packets, video_times, write_clip

from vfi_flow.errors import InputError, OutputError, UsageError
from vfi_flow.media import chunks as chunks_module
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.frame import Window
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.pipeline.output_frames import CutFill
from vfi_flow.pipeline.output_lock import alone
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run

LOSSLESS = EncoderOptions(codec="ffv1")
LOSSY = EncoderOptions(codec="libx265", threads=1)
"""Makes the same bytes of the same frames every time. libx264 does not, whether interrupted or not."""
ENGINE = {"name": "blend", "hash": "00", "engine": "numpy", "steps": 1, "seed": 0}


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(chunks_module, "CHUNK_FRAMES", 10)


class Died(Exception):
    """Stands for everything that ends a job without a warning."""


class Counting(Blend):
    """Counts the frames it makes; dies before it makes more than `most`."""

    def __init__(self, most: int = 10**6):
        super().__init__()
        self.most, self.made = most, 0

    def __call__(self, frame0, frame1, taus, *, pts=0, before=None, after=None):
        self.made += len(taus)
        if self.made > self.most:
            raise Died
        return super().__call__(frame0, frame1, taus, pts=pts)


def make(job: Job, interpolate=None, stop_after: int | None = None, engine=ENGINE):
    """The report of a job that is stopped after so many frames."""
    frames = iter(range(10**6))
    stop = (lambda: next(frames) + 1 >= stop_after) if stop_after is not None else (lambda: False)
    return run(make_plan(job), interpolate or Blend(), engine, stop=stop)


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def interrupted(job: Job, stop_after: int) -> Path:
    """The folder that a job leaves that is stopped after so many frames."""
    with pytest.raises(KeyboardInterrupt):
        make(job, stop_after=stop_after)
    return job.output.with_name(f"{job.output.name}.resume")


def assert_same_video(one: Path, other: Path) -> None:
    assert video_times(one) == video_times(other)
    before, after = pixels(one, "yuv420p"), pixels(other, "yuv420p")
    assert len(before) == len(after)
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(left, right)


def varied(path: Path) -> Path:
    """A clip of uneven times, with repeats, an overlay, and a cut."""
    moving = moving_square(12, 128, 96)
    for frame in moving:
        frame[80:90, 20:100] = (250, 250, 250)
    frames = [*moving[:6], moving[5], *moving[6:], *[scene(3) // 2 + 2 * n for n in range(6)]]
    ticks = np.cumsum([0, 3, 4, 3, 9, 3, 3, 4, 4, 3, 3, 7, 3, 3, 3, 5, 3, 3, 4]).tolist()
    return write_clip(path, frames, pts=ticks, time_base=Fraction(1, 90), sound="aac")


JOBS = {
    "constant rate": (lambda path: write_clip(path, moving_square(18), sound="aac"), {"factor": Fraction(2)}),
    "variable rate": (varied, {"factor": Fraction(5, 2)}),
    "variable to constant rate": (varied, {"rate": Fraction(60)}),
    "slow motion": (varied, {"slow": Fraction(2)}),
}


@pytest.mark.parametrize("kind", JOBS)
@pytest.mark.parametrize("stop_after", [1, 14, 20])
def test_a_lossless_result_is_the_same_wherever_the_job_was_interrupted(tmp_path, kind, stop_after):
    write, options = JOBS[kind]
    job = Job(write(tmp_path / "in.mp4"), tmp_path / "out.mkv", encoder=LOSSLESS, **options)
    whole = make(replace(job, output=tmp_path / "whole.mkv"))
    interrupted(job, stop_after)
    counting = Counting()

    report = make(replace(job, resume=True), counting)

    assert_same_video(job.output, tmp_path / "whole.mkv")
    assert stream_packets(job.output, "audio") == stream_packets(tmp_path / "whole.mkv", "audio")
    assert report.resumed == (0 if stop_after == 1 else stop_after)
    assert (report.frames, report.cuts, report.repeats) == (whole.frames, whole.cuts, whole.repeats)
    assert (report.overlays, report.end_seconds) == (whole.overlays, whole.end_seconds)
    assert (
        whole.frames["generated"] - report.resumed <= counting.made <= whole.frames["generated"] - report.resumed // 3
    )
    assert left_in(tmp_path) == ["in.mp4", "out.mkv", "whole.mkv"]


@pytest.mark.parametrize(
    ("codec", "ending"),
    [
        ("libx264", ".mp4"),
        ("libx264", ".mkv"),
        ("libx264", ".ts"),
        ("libx264", ".avi"),
        ("libx265", ".mp4"),
        ("libx265", ".mkv"),
        ("libvpx-vp9", ".webm"),
        ("libsvtav1", ".mp4"),
        ("ffv1", ".mkv"),
        ("ffv1", ".avi"),
        ("prores_ks", ".mov"),
        ("prores", ".mov"),
        ("prores_aw", ".mov"),
        ("utvideo", ".avi"),
    ],
)
def test_after_a_kill_every_encoder_makes_the_bytes_of_an_uninterrupted_job(tmp_path, codec, ending):
    """The unfinished chunk is made again from its beginning, by an encoder that has seen nothing else."""
    source = write_clip(tmp_path / "in.mp4", moving_square(14, 128, 96), sound="aac" if ending != ".webm" else None)
    job = Job(source, tmp_path / f"out{ending}", encoder=EncoderOptions(codec=codec, threads=1))
    whole = tmp_path / f"whole{ending}"
    make(replace(job, output=whole))
    with pytest.raises(Died):
        make(job, Counting(most=8))  # 8 new frames, 9 old ones: the second chunk is not complete

    report = make(replace(job, resume=True))

    assert report.resumed == 10
    frames = pixels(job.output)
    assert len(frames) == 28
    if codec == "libx264":
        assert all(abs(a.astype(float) - b).mean() < 1 for a, b in zip(frames, pixels(whole), strict=True))
    else:
        assert stream_packets(job.output, "video") == stream_packets(whole, "video")
    if ending != ".avi":  # which stores no times
        assert video_times(job.output) == video_times(whole)


def test_a_lossy_result_of_a_stop_differs_in_the_interrupted_chunk_only(tmp_path):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(20)), tmp_path / "out.mp4", encoder=LOSSY)
    make(replace(job, output=tmp_path / "whole.mp4"))
    interrupted(job, stop_after=14)

    make(replace(job, resume=True))

    once, twice = pixels(tmp_path / "whole.mp4"), pixels(job.output)
    same = [np.array_equal(left, right) for left, right in zip(once, twice, strict=True)]
    assert all(same[:10]) and all(same[20:]) and not all(same[14:20])
    assert video_times(job.output) == video_times(tmp_path / "whole.mp4")


def test_a_job_of_one_chunk_is_encoded_as_without_chunks(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(5))
    plan = make_plan(Job(source, tmp_path / "out.mp4", encoder=LOSSY))
    run(plan, Blend())

    run(replace(plan, job=replace(plan.job, output=tmp_path / "plain.mp4"), chunks=None), Blend())

    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "plain.mp4").read_bytes()


def test_a_job_may_be_interrupted_again_and_again(tmp_path):
    job = Job(varied(tmp_path / "in.mp4"), tmp_path / "out.mkv", encoder=LOSSLESS)
    make(replace(job, output=tmp_path / "whole.mkv"))
    frames = len(video_times(tmp_path / "whole.mkv"))

    for stop_after in range(3, frames, 5):
        interrupted(replace(job, resume=True), stop_after)
    make(replace(job, resume=True), Counting(most=10))

    assert_same_video(job.output, tmp_path / "whole.mkv")


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def postpone(index: Path) -> None:
    """A packet of a chunk is shown a frame later: what is there is still an index."""
    content = json.loads(index.read_text())
    content["packets"][3][1] += 1
    index.write_text(json.dumps(content))


DAMAGES = {
    "a bit of a packet": lambda folder: flip(folder / "000000000.packets", 100),
    "a chunk that is cut off": lambda folder: os.truncate(folder / "000000000.packets", 100),
    "a bit of an index": lambda folder: flip(folder / "000000000.json", 40),
    "a packet's time": lambda folder: postpone(folder / "000000000.json"),
    "an empty index": lambda folder: os.truncate(folder / "000000000.json", 0),
    "a missing chunk": lambda folder: (folder / "000000000.packets").unlink(),
    "a chunk in the middle": lambda folder: flip(folder / "000000010.packets", 50),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_chunk_is_made_again(tmp_path, damage):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mkv", encoder=LOSSLESS)
    make(replace(job, output=tmp_path / "whole.mkv"))
    folder = interrupted(job, stop_after=24)
    DAMAGES[damage](folder)

    report = make(replace(job, resume=True))

    assert report.resumed == 14
    assert_same_video(job.output, tmp_path / "whole.mkv")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"factor": Fraction(3)}, "--resume: -x was 2 in the interrupted job and is 3; give the same options"),
        ({"rate": Fraction(60)}, "-x was 2 in the interrupted job and is not given"),
        ({"window": Window(Fraction(0), Fraction(1, 2))}, "-to or -t was not given in the interrupted job and is 1/2"),
        ({"encoder": EncoderOptions(crf="20")}, "-crf was 16 in the interrupted job and is 20"),
        ({"encoder": EncoderOptions(codec="libx265")}, "-c:v was libx264 in the interrupted job and is libx265"),
        ({"cut_fill": CutFill.BLEND}, "--cut-fill was hold in the interrupted job and is blend"),
        ({"find_cuts": False}, "--scenes was auto in the interrupted job and is off"),
        ({"bridge_repeats": False}, "--dedup was auto in the interrupted job and is off"),
        ({"protect": False}, "--protect was auto in the interrupted job and is off"),
        ({"ignore_errors": True}, "--ignore-errors was not given in the interrupted job and is given"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_other_options_are_named_and_nothing_is_lost(tmp_path, change, sentence):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mp4")
    interrupted(job, stop_after=14)

    with pytest.raises(UsageError, match=sentence):
        make(replace(job, resume=True, **change))

    assert make(replace(job, resume=True)).resumed == 14


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"seed": 1}, "--seed was 0"), ({"hash": "11"}, "the model was 00"), ({"engine": "gpu"}, "--device was numpy")],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_another_model_is_named(tmp_path, change, sentence):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mp4")
    interrupted(job, stop_after=14)

    with pytest.raises(UsageError, match=sentence):
        make(replace(job, resume=True), engine={**ENGINE, **change})


def test_another_list_of_cuts_is_named_and_the_same_one_may_lie_anywhere(tmp_path, monkeypatch):
    def cuts(name: str, *frames: int) -> Path:
        found = {"scenes_version": 1, "cuts": [{"frame": frame} for frame in frames]}
        (tmp_path / name).write_text(json.dumps(found))
        return tmp_path / name

    source = write_clip(tmp_path / "in.mp4", moving_square(18))
    job = Job(source, tmp_path / "out.mp4", scene_list=cuts("cuts.json", 5, 9))
    interrupted(job, stop_after=14)

    with pytest.raises(UsageError, match="--resume: the list of cuts is another one than in the interrupted job; give"):
        make(replace(job, resume=True, scene_list=cuts("other.json", 5, 10)))
    with pytest.raises(UsageError, match="--scenes was a list in the interrupted job and is auto"):
        make(replace(job, resume=True, scene_list=None))
    monkeypatch.chdir(tmp_path)
    cuts("moved.json", 5, 9)
    assert make(replace(job, resume=True, scene_list=Path("moved.json"))).resumed == 14


def test_tiles_that_depend_on_free_memory_can_be_asked_for(tmp_path):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mp4")
    with pytest.raises(KeyboardInterrupt):
        make(job, stop_after=14, engine={**ENGINE, "tile": 1024})

    with pytest.raises(UsageError, match="--tile was 1024 in the interrupted job and is off; pass --tile 1024, or"):
        make(replace(job, resume=True), engine={**ENGINE, "tile": "off"})


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0" * 64)


def touch(path: Path) -> None:
    os.utime(path, (0, 0))


def edit(path: Path) -> None:
    before = path.stat()
    flip(path, before.st_size - 1)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [(grow, "the size in bytes was"), (touch, "the time of the last change was"), (edit, "the content was")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_another_source_is_noticed_and_nothing_is_lost(tmp_path, change, sentence):
    source = write_clip(tmp_path / "in.mp4", moving_square(18))
    job = Job(source, tmp_path / "out.mp4")
    folder = interrupted(job, stop_after=14)
    original = shutil.copy2(source, tmp_path / "copy.mp4")
    change(source)

    with pytest.raises(InputError, match=f"in.mp4 is not as it was when the job was interrupted: {sentence}"):
        make(replace(job, resume=True))

    assert chunks_module.frames_in(folder) == 14
    shutil.copy2(original, source)
    assert make(replace(job, resume=True)).resumed == 14


@pytest.mark.parametrize(("size", "sentence"), [(64, "in.mkv: grew from"), (-64, "in.mkv: shrank from")])
def test_a_source_that_changes_while_it_is_read_leaves_nothing(tmp_path, size, sentence):
    source = write_clip(tmp_path / "in.mkv", moving_square(18), codec="ffv1", options={})
    job = Job(source, tmp_path / "out.mkv", encoder=LOSSLESS)

    class Meanwhile(Counting):
        def __call__(self, *frames, **options):
            if self.made == 12:
                os.truncate(source, source.stat().st_size + size)
            return super().__call__(*frames, **options)

    with pytest.raises(InputError, match=sentence):
        make(job, Meanwhile())

    assert left_in(tmp_path) == ["in.mkv"]


def test_the_work_of_an_interrupted_job_is_not_lost_by_accident(tmp_path):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mp4")
    folder = interrupted(job, stop_after=14)

    with pytest.raises(OutputError, match=r"out.mp4.resume holds 14 frames of an interrupted job; pass --resume"):
        make(job)

    with alone(job.output), pytest.raises(OutputError, match=r"out.mp4: another job is writing it"):
        make(job)
    assert chunks_module.frames_in(folder) == 14
    assert make(replace(job, overwrite=True)).resumed == 0
    assert left_in(tmp_path) == ["in.mp4", "out.mp4"]


def test_a_finished_job_that_could_not_get_its_name_is_not_made_again(tmp_path):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mp4")

    class Meanwhile(Blend):
        def __call__(self, *frames, **options):
            job.output.write_bytes(b"precious")
            return super().__call__(*frames, **options)

    with pytest.raises(OutputError, match="meanwhile"):
        make(job, Meanwhile())

    assert make(replace(job, resume=True, overwrite=True), Counting(most=0)).resumed == 36
    assert len(video_times(job.output)) == 36


def test_where_there_is_nothing_to_resume_the_job_simply_runs(tmp_path):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(6)), tmp_path / "out.mp4", resume=True)

    assert make(job).resumed == 0
    assert left_in(tmp_path) == ["in.mp4", "out.mp4"]


def test_a_job_that_makes_no_frames_keeps_nothing(tmp_path):
    plan = make_plan(Job(write_clip(tmp_path / "in.mp4", moving_square(6)), tmp_path / "out.mp4", factor=Fraction(1)))

    assert plan.chunks is None


@pytest.mark.parametrize(
    ("output", "codec", "sentence"),
    [
        (OutputPipe(len, "yuv4mpegpipe"), None, "standard output is not one video file"),
        (ImageSequence(Path("%04d.png")), None, "%04d.png is not one video file"),
        (Path("out.gif"), None, "out.gif is an animation"),
        (Path("out.mov"), "mjpeg", "mjpeg is not known to make videos that can be joined"),
    ],
    ids=["pipe", "pictures", "animation", "encoder"],
)
def test_what_is_made_in_one_go_cannot_be_resumed(tmp_path, monkeypatch, output, codec, sentence):
    monkeypatch.chdir(tmp_path)
    source = write_clip(tmp_path / "in.mp4", moving_square(4), rate=Fraction(20))

    with pytest.raises(UsageError, match=f"--resume: {sentence}"):
        make_plan(Job(source, output, resume=True, encoder=EncoderOptions(codec=codec)))

    assert make_plan(Job(source, output, encoder=EncoderOptions(codec=codec))).chunks is None


def test_a_full_disk_costs_one_chunk(tmp_path, monkeypatch):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mkv", encoder=LOSSLESS)
    make(replace(job, output=tmp_path / "whole.mkv"))
    write = chunks_module.ChunkFile.write

    def full(chunk, packet):
        if packet.pts == 25:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(chunk, packet)

    with monkeypatch.context() as patch:
        patch.setattr(chunks_module.ChunkFile, "write", full)
        with pytest.raises(OutputError, match="no space left on the disk") as caught:
            make(job)

    assert "20 frames are kept" in caught.value.__notes__[0]
    assert left_in(tmp_path) == ["in.mp4", "out.mkv.resume", "whole.mkv"]
    assert make(replace(job, resume=True)).resumed == 20
    assert_same_video(job.output, tmp_path / "whole.mkv")


@pytest.mark.parametrize("chunked", [True, False], ids=["in chunks", "in one go"])
def test_an_output_folder_that_goes_away_is_an_error_of_the_output(tmp_path, chunked):
    (tmp_path / "folder").mkdir()
    source = write_clip(tmp_path / "in.mp4", moving_square(18))
    plan = make_plan(Job(source, tmp_path / "folder" / "out.mp4"))

    class Meanwhile(Blend):
        def __call__(self, *frames, **options):
            shutil.rmtree(tmp_path / "folder", ignore_errors=True)
            return super().__call__(*frames, **options)

    with pytest.raises(OutputError, match="folder"):
        run(plan if chunked else replace(plan, chunks=None), Meanwhile(), ENGINE)

    assert left_in(tmp_path) == ["in.mp4"]


def test_what_others_put_beside_the_chunks_stays(tmp_path):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(6)), tmp_path / "out.mp4")
    (tmp_path / "out.mp4.resume").mkdir()
    (tmp_path / "out.mp4.resume" / "notes.txt").write_text("mine")

    make(job)

    assert left_in(tmp_path / "out.mp4.resume") == ["notes.txt"]


def test_a_file_with_the_name_of_the_folder_is_an_error(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(2))
    (tmp_path / "out.mp4.resume").write_text("mine")

    with pytest.raises(OutputError, match="is in the way"):
        make_plan(Job(source, tmp_path / "out.mp4"))


def test_a_manifest_that_cannot_be_read_is_an_error(tmp_path):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mp4")
    (interrupted(job, stop_after=14) / "manifest.json").write_text("{")

    with pytest.raises(OutputError, match=r"manifest\.json cannot be read; start again with --overwrite"):
        make(replace(job, resume=True))


def test_an_encoder_that_makes_another_stream_now_is_an_error(tmp_path, monkeypatch):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mp4")
    interrupted(job, stop_after=14)
    monkeypatch.setattr(chunks_module.ChunkFolder, "fits", lambda folder, extradata: False)

    with pytest.raises(UsageError, match="the encoder makes another kind of stream"):
        make(replace(job, resume=True))


def test_every_chunk_begins_with_a_key_frame(tmp_path):
    job = Job(write_clip(tmp_path / "in.mp4", moving_square(18)), tmp_path / "out.mp4")
    interrupted(job, stop_after=14)

    make(replace(job, resume=True))

    with av.open(str(job.output)) as container:
        keys = [p.pts * p.time_base * 60 for p in container.demux(video=0) if p.size and p.is_keyframe]
    assert keys == [0, 10, 14, 20, 30]


def test_pictures_at_another_rate_are_named(tmp_path):
    source = numbered(tmp_path / "pictures", ".png", moving_square(18))
    job = Job(ImageSequence(source.pattern, Fraction(24)), tmp_path / "out.mp4", rate=Fraction(60))
    interrupted(job, stop_after=14)

    with pytest.raises(UsageError, match="-framerate was 24 in the interrupted job and is 30; give the same options"):
        make(replace(job, source=ImageSequence(source.pattern, Fraction(30)), resume=True))
