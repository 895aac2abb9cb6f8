"""Whole jobs with a stand-in for the model: what is in the finished file, and what is left after a failure."""

import json
import threading
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import tolerances
from clips import moving_square, pixels, scene, stream_packets, video_times, write_clip

from vfi_flow.errors import ComponentError, InputError, OutputError, UsageError, VerificationError, VfiFlowError
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.frame import Window
from vfi_flow.pipeline import result as result_module
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.report import as_json, write_report
from vfi_flow.pipeline.run import run

LOSSLESS = EncoderOptions(codec="ffv1")


def blend(frame0, frame1, taus, *, pts=0, before=None, after=None):
    return [np.round(frame0 * (1.0 - t) + frame1 * t).astype(np.uint8) for t in taus]


def interpolated(source: Path, output: Path, interpolate=blend, **job):
    return run(make_plan(Job(source, output, **job)), interpolate)


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("factor", ["2", "5/2", "3"])
def test_a_factor_makes_that_many_frames_at_exact_times(tmp_path, factor, ending):
    rate, factor = Fraction(30000, 1001), Fraction(factor)
    source = write_clip(
        tmp_path / f"in{ending}", moving_square(12), rate=rate, sound="aac" if ending != ".mkv" else None
    )
    output = tmp_path / f"out{ending}"

    report = interpolated(source, output, factor=factor)

    expected = [k / (rate * factor) for k in range(int(12 * factor))]
    tick = Fraction(1, 1000) if ending == ".mkv" else None
    assert video_times(output) == [Fraction(round(t / tick)) * tick if tick else t for t in expected]
    assert sum(report.frames.values()) == report.plan.frames == len(expected)
    assert report.end_seconds == 12 / rate


@pytest.mark.parametrize("rate", ["15", "24000/1001", "30"])
def test_times_that_wmv_has_rounded_to_milliseconds_are_exact_again(tmp_path, rate):
    rate = Fraction(rate)
    source = write_clip(tmp_path / "in.wmv", moving_square(12), rate=rate, codec="wmv2", options={})

    interpolated(source, tmp_path / "out.mp4", factor=Fraction(2))

    assert video_times(tmp_path / "out.mp4") == [k / (rate * 2) for k in range(24)]


@pytest.mark.parametrize("factor", ["1/2", "2/3", "1/10", "1/100"])
def test_fewer_frames_last_as_long(tmp_path, factor):
    source = write_clip(tmp_path / "in.mp4", moving_square(25), rate=Fraction(25))

    report = interpolated(source, tmp_path / "out.mp4", factor=Fraction(factor))

    assert report.end_seconds == 1 == report.plan.duration
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].duration * container.streams.video[0].time_base == 1


@pytest.mark.parametrize("rate", ["60", "60000/1001", "24", "50"])
def test_a_rate_is_constant_and_the_length_right_to_a_frame(tmp_path, rate):
    rate = Fraction(rate)
    source = write_clip(tmp_path / "in.mp4", moving_square(20), rate=Fraction(24000, 1001), sound="aac")

    interpolated(source, tmp_path / "out.mp4", rate=rate)

    found = video_times(tmp_path / "out.mp4")
    assert found == [k / rate for k in range(len(found))]
    assert 0 <= len(found) / rate - 20 * Fraction(1001, 24000) < 1 / rate
    assert stream_packets(tmp_path / "out.mp4", "audio") == stream_packets(source, "audio")


def test_a_variable_rate_keeps_its_clock_under_a_factor_and_is_sampled_under_a_rate(tmp_path):
    ticks = [0, 3, 4, 9, 20, 21, 30]
    source = write_clip(tmp_path / "in.mp4", moving_square(7), pts=ticks, time_base=Fraction(1, 90))

    interpolated(source, tmp_path / "x.mp4", factor=Fraction(2))
    interpolated(source, tmp_path / "r.mp4", rate=Fraction(60))

    doubled = video_times(tmp_path / "x.mp4")
    assert doubled[::2] == [Fraction(tick, 90) for tick in ticks]
    assert doubled[1:-1:2] == [Fraction(a + b, 180) for a, b in pairwise(ticks)]
    sampled = video_times(tmp_path / "r.mp4")
    assert sampled == [Fraction(k, 60) for k in range(len(sampled))]


def test_long_pauses_counted_on_a_fine_clock_fit_into_mp4(tmp_path):
    ticks = [0, 333_333, 666_666, 11_000_000, 600_000_000, 1_300_000_000]
    source = write_clip(tmp_path / "in.mov", moving_square(6), pts=ticks, time_base=Fraction(1, 10_000_000))

    interpolated(source, tmp_path / "out.mp4", factor=Fraction(9))

    found = video_times(tmp_path / "out.mp4")[::9]
    assert all(
        abs(time - Fraction(tick, 10_000_000)) < Fraction(1, 10**6) for time, tick in zip(found, ticks, strict=True)
    )


def test_the_original_frames_of_a_lossless_result_are_the_original_pixels(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(10), codec="ffv1", options={})

    interpolated(source, tmp_path / "out.mkv", encoder=LOSSLESS)

    before, after = pixels(source, "yuv420p"), pixels(tmp_path / "out.mkv", "yuv420p")
    assert len(after) == 20
    for n, frame in enumerate(before):
        np.testing.assert_array_equal(after[2 * n], frame)


@pytest.mark.parametrize("colour_range", [1, 2], ids=["limited", "full"])
def test_a_still_picture_does_not_pulse_between_original_and_new_frames(tmp_path, colour_range):
    y, x = np.mgrid[:48, :64]
    still = np.stack([40 + 2 * x, 30 + 3 * y, 200 - x - y], axis=-1).astype(np.uint8)
    source = write_clip(tmp_path / "in.mkv", [still] * 6, codec="ffv1", options={}, matrix=1, colour_range=colour_range)

    interpolated(source, tmp_path / "out.mkv", encoder=LOSSLESS)

    frames = [frame.astype(np.float64) for frame in pixels(tmp_path / "out.mkv", "yuv420p")]
    luma, chroma = slice(0, 48), slice(48, None)
    for new, old in zip(frames[1:-1:2], frames[::2], strict=False):
        assert abs(new[luma].mean() - old[luma].mean()) < tolerances.COLOUR_STEP
        assert abs(new[chroma].mean() - old[chroma].mean()) < tolerances.COLOUR_STEP


def test_a_cut_is_held_not_blended(tmp_path):
    scenes = [scene(1), scene(2)]
    source = write_clip(tmp_path / "in.mkv", [scenes[0]] * 4 + [scenes[1]] * 4, codec="ffv1", options={})

    report = interpolated(source, tmp_path / "out.mkv", encoder=LOSSLESS)
    across = interpolated(source, tmp_path / "across.mkv", encoder=LOSSLESS, find_cuts=False)

    frames = pixels(tmp_path / "out.mkv", "yuv420p")
    np.testing.assert_array_equal(frames[7], frames[6])
    assert report.cuts == [Fraction(4, 30)] and across.cuts == []
    assert (report.frames["held"], across.frames["held"]) == (2, 1)


def test_a_window_is_cut_to_the_frame_with_its_sound(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(60), sound="aac", options={"g": "10", "crf": "10"})

    report = interpolated(source, tmp_path / "out.mp4", window=Window(Fraction(1, 2), Fraction(1)))

    assert video_times(tmp_path / "out.mp4") == [Fraction(k, 60) for k in range(30)]
    assert report.frames["source"] == 15
    assert set(stream_packets(tmp_path / "out.mp4", "audio")) <= set(stream_packets(source, "audio"))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (17, 33), (63, 48)], ids=str)
def test_any_size_comes_out_as_it_went_in(tmp_path, size):
    width, height = size
    frames = [np.full((height, width, 3), 40 * n, np.uint8) for n in range(4)]
    source = write_clip(tmp_path / "in.mkv", frames, codec="ffv1", options={}, pix_fmt="yuv444p")

    interpolated(source, tmp_path / "out.mp4")

    assert [frame.shape for frame in pixels(tmp_path / "out.mp4")] == [(height, width, 3)] * 8


@pytest.mark.parametrize("count", [1, 2])
def test_one_and_two_frames_are_videos_too(tmp_path, count):
    source = write_clip(tmp_path / "in.mp4", moving_square(count))

    interpolated(source, tmp_path / "out.mp4")

    assert video_times(tmp_path / "out.mp4") == [Fraction(k, 60) for k in range(2 * count)]


def test_the_report_says_what_was_done(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(12), sound="aac", subtitles=True)
    report = run(make_plan(Job(source, tmp_path / "out.mp4")), blend, {"name": "blend", "hash": "00"})

    write_report(report, tmp_path / "report.json")

    found = json.loads((tmp_path / "report.json").read_text())
    assert found["frames"] == {"planned": 24, "written": 24, "source": 12, "generated": 11, "held": 1}
    assert found["output"]["rate"] == "60" and found["duration_seconds"] == 0.4
    assert [s["kind"] for s in found["streams"]["copied"]] == ["audio"]
    assert [s["kind"] for s in found["streams"]["converted"]] == ["subtitle"]
    assert found["streams"]["dropped"] == []
    assert found["streams"]["copied"][0]["packets"] == len(stream_packets(source, "audio"))
    assert {"decode", "convert", "interpolate", "encode", "copy", "verify"} <= set(found["seconds"])
    assert found["model"] == {"name": "blend", "hash": "00"} and "av" in found["versions"]
    assert found == json.loads(json.dumps(as_json(report)))


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class EngineBroke(Exception):
    pass


@pytest.mark.parametrize("error", [EngineBroke("once"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_an_error_while_interpolating_ends_the_job_as_it_is_and_leaves_nothing(tmp_path, error):
    source = write_clip(tmp_path / "in.mp4", moving_square(40), sound="aac")
    calls = []

    def breaks(frame0, frame1, taus, *, pts=0, before=None, after=None):
        calls.append(pts)
        if len(calls) == 20:
            raise error
        return blend(frame0, frame1, taus)

    with pytest.raises(type(error)) as caught:
        interpolated(source, tmp_path / "out.mp4", breaks)

    assert caught.value is error
    assert left_in(tmp_path) == ["in.mp4"]
    assert [t.name for t in threading.enumerate() if t.name in ("decode", "interpolate")] == []


def test_a_source_that_is_cut_off_leaves_no_result(tmp_path):
    whole = write_clip(tmp_path / "whole.mkv", moving_square(60), options={"g": "1"}).read_bytes()
    (tmp_path / "in.mkv").write_bytes(whole[: len(whole) * 6 // 10])

    with pytest.raises(InputError, match="truncated"):
        interpolated(tmp_path / "in.mkv", tmp_path / "out.mkv")

    assert left_in(tmp_path) == ["in.mkv", "whole.mkv"]


def test_a_replaced_file_is_only_replaced_by_a_finished_one(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(10))
    (tmp_path / "out.mp4").write_bytes(b"precious")

    def breaks(frame0, frame1, taus, *, pts=0, before=None, after=None):
        raise EngineBroke

    with pytest.raises(EngineBroke):
        interpolated(source, tmp_path / "out.mp4", breaks, overwrite=True)
    assert (tmp_path / "out.mp4").read_bytes() == b"precious"

    interpolated(source, tmp_path / "out.mp4", overwrite=True)
    assert len(video_times(tmp_path / "out.mp4")) == 20


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"frames": 23}, "23 frames instead of 24"),
        ({"last": Fraction(1)}, "the last frame at 1.000000 s instead of 0.383333 s"),
        ({"first": Fraction(1, 10)}, "the first frame at 0.100000 s instead of 0.000000 s"),
        ({"amounts": {"audio": 3}}, "3 audio packets instead of 20"),
    ],
)
def test_a_result_that_differs_from_what_was_written_is_not_kept(tmp_path, monkeypatch, change, sentence):
    import dataclasses

    source = write_clip(tmp_path / "in.mp4", moving_square(12), sound="aac")
    honest = result_module.read_back
    monkeypatch.setattr(result_module, "read_back", lambda path: dataclasses.replace(honest(path), **change))

    with pytest.raises(VerificationError, match=sentence):
        interpolated(source, tmp_path / "out.mp4")

    assert left_in(tmp_path) == ["in.mp4"]


def test_a_result_that_cannot_be_read_back_is_not_kept(tmp_path, monkeypatch):
    source = write_clip(tmp_path / "in.mp4", moving_square(12))
    honest = result_module.read_back

    def damaged(path):
        path.write_bytes(path.read_bytes()[:100])
        return honest(path)

    monkeypatch.setattr(result_module, "read_back", damaged)

    with pytest.raises(VerificationError, match="cannot be read back"):
        interpolated(source, tmp_path / "out.mp4")

    assert left_in(tmp_path) == ["in.mp4"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(12))

    def appears(frame0, frame1, taus, *, pts=0, before=None, after=None):
        (tmp_path / "out.mp4").write_bytes(b"precious")
        return blend(frame0, frame1, taus)

    with pytest.raises(OutputError, match="meanwhile"):
        interpolated(source, tmp_path / "out.mp4", appears)

    assert (tmp_path / "out.mp4").read_bytes() == b"precious"
    assert left_in(tmp_path) == ["in.mp4", "out.mp4", "out.mp4.resume"]  # for a run with `resume`


def test_the_plan_refuses_an_output_that_must_not_be_touched(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(2))
    (tmp_path / "link.mp4").symlink_to(source)
    (tmp_path / "there.mp4").write_bytes(b"")
    cases = {
        "there.mp4": "exists; pass --overwrite to replace it",
        "link.mp4": "is the input itself",
        "in.mp4": "is the input itself",
        "no/out.mp4": "no such folder",
        ".": "is a folder",
    }
    for name, sentence in cases.items():
        with pytest.raises(OutputError, match=sentence):
            make_plan(Job(source, tmp_path / name))


@pytest.mark.parametrize("name", ["factor", "rate", "slow"])
@pytest.mark.parametrize("value", [Fraction(0), Fraction(-1), 2.5])
def test_speeds_that_cannot_be_are_refused(tmp_path, name, value):
    source = write_clip(tmp_path / "in.mp4", moving_square(2))

    with pytest.raises(UsageError, match="is a Fraction above 0, got"):
        make_plan(Job(source, tmp_path / "out.mp4", **{name: value}))


@pytest.mark.parametrize("name", ["factor", "rate", "slow"])
def test_speeds_that_fill_any_memory_are_refused(tmp_path, name):
    source = write_clip(tmp_path / "in.mp4", moving_square(2))

    with pytest.raises(UsageError, match="a factor, a rate or a slow motion is at most 100000"):
        make_plan(Job(source, tmp_path / "out.mp4", **{name: Fraction(10**400)}))


def test_names_are_paths(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(2))

    with pytest.raises(UsageError, match=r"source is a Path, InputPipe, ImageSequence, got '.*in.mp4'"):
        make_plan(Job(str(source), tmp_path / "out.mp4"))
    with pytest.raises(UsageError, match=r"output is a Path, OutputPipe, ImageSequence, got 'out.mp4'"):
        make_plan(Job(source, "out.mp4"))


@pytest.mark.parametrize(
    ("make", "got"),
    [
        (lambda frame, taus: [(frame / 255).astype("f4") for _ in taus], "float32 (48, 64, 3)"),
        (lambda frame, taus: [frame[:, :32] for _ in taus], "uint8 (48, 32, 3)"),
        (lambda frame, taus: [], "nothing"),
        (lambda frame, taus: [frame, frame], "uint8 (48, 64, 3), uint8 (48, 64, 3)"),
    ],
)
def test_frames_of_another_kind_than_the_sources_are_no_new_frames(tmp_path, make, got):
    source = write_clip(tmp_path / "in.mp4", moving_square(4))

    with pytest.raises(ComponentError) as caught:
        interpolated(source, tmp_path / "out.mp4", lambda frame0, frame1, taus, **others: make(frame0, taus))
    assert str(caught.value) == f"expected 1 frames uint8 (48, 64, 3) between two, got {got}"


def test_an_input_named_like_the_unfinished_result_survives(tmp_path):
    source = write_clip(tmp_path / "out.partial.mp4", moving_square(4))

    with pytest.raises(VfiFlowError, match="the input has the name that the unfinished result needs"):
        interpolated(source, tmp_path / "out.mp4")

    assert len(video_times(source)) == 4


def test_memory_does_not_grow_with_the_length(tmp_path):
    """No more than a few source frames are alive at any time."""
    source = write_clip(tmp_path / "in.mp4", moving_square(120))
    alive, most = 0, 0

    class Counted(np.ndarray):
        def __del__(self):
            nonlocal alive
            alive -= 1

    def count(frame0, frame1, taus, *, pts=0, before=None, after=None):
        nonlocal alive, most
        results = [frame0.copy().view(Counted) for _ in taus]
        alive += len(results)
        most = max(most, alive)
        return results

    interpolated(source, tmp_path / "out.mp4", count)

    assert most < 12


def test_progress_counts_every_frame(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(10))
    seen = []

    run(make_plan(Job(source, tmp_path / "out.mp4")), blend, on_progress=seen.append)

    assert [p.frames for p in seen] == list(range(1, 21))
    assert {p.planned for p in seen} == {20}


def test_a_pure_copy_of_the_frames_asks_for_no_new_ones(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(10))

    def never(frame0, frame1, taus, *, pts=0, before=None, after=None):
        raise AssertionError("nothing to interpolate")

    report = interpolated(source, tmp_path / "out.mp4", never, factor=Fraction(1))

    assert report.frames == {"source": 10}
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].average_rate == 30
