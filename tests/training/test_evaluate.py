"""Frames are dropped at the promised places, every method sees the same ones, and the report is complete."""

import json
import math
import sys
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("kornia")
cv2 = pytest.importorskip("cv2")

from clips import moving_square, pixels, scene, write_clip  # noqa: E402

from vfi_flow.errors import ComponentError, InputError, UsageError  # noqa: E402
from vfi_flow.training import evaluate, places, report  # noqa: E402
from vfi_flow.training.baselines import blend, repeat  # noqa: E402
from vfi_flow.training.decoding import find_videos  # noqa: E402
from vfi_flow.training.evaluate import METRICS, Method, Options, evaluate_clips, of_interpolator, without_noise  # noqa: E402
from vfi_flow.training.places import Spacing, look_through, spacing, spread  # noqa: E402
from vfi_flow.training.triplets import Around, Timed, spread_over, triplet_of, triplets  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two clips of different size and length, and something that is no clip."""
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "a.mp4", moving_square(9))
    write_clip(folder / "b.MKV", moving_square(5, width=80, height=56), options={"crf": "12"})
    (folder / "notes.txt").write_text("not a clip")
    return folder


class NoisyBlend:
    """Interface of the interpolator; records what it is asked for."""

    model_name = "fake"

    def __init__(self) -> None:
        self.asked: list[tuple[list[float], int]] = []

    def __call__(self, frame0, frame1, taus, pts=0, before=None, after=None):
        self.asked.append((list(taus), pts))
        noise = np.random.default_rng(pts).integers(-3, 4, frame0.shape)
        return [np.clip(blend(frame0, frame1, tau) + noise, 0, 255).astype(np.uint8) for tau in taus]


def evaluated(folder, methods, **options):
    return list(evaluate_clips(find_videos(folder), methods, Options(**{"spacing": Spacing(1, 1), **options})))


@pytest.mark.parametrize(
    ("frames", "count", "expected"),
    [
        (9, 3, [1, 4, 7]),
        (32, 3, [1, 16, 30]),
        (9, None, [1, 3, 5, 7]),
        (4, 5, [1, 2]),
        (3, 3, [1]),
        (9, 1, [4]),
        (2, 3, []),
        (4, 10**14, [1, 2]),
    ],
)
def test_places_are_evenly_spaced_and_have_both_neighbours(frames, count, expected):
    assert spread(frames, Spacing(1, 1), count) == expected


@pytest.mark.parametrize(
    ("tau", "gap", "expected"),
    [("1/2", 1, (1, 1)), ("0.5", 3, (3, 3)), ("1/4", 1, (1, 3)), ("2/3", 2, (4, 2))],
)
def test_the_neighbours_put_the_dropped_frame_at_tau(tau, gap, expected):
    found = spacing(Fraction(tau), gap)

    assert (found.before, found.after) == expected
    assert found.tau == pytest.approx(float(Fraction(tau)))


@pytest.mark.parametrize(("tau", "gap"), [("0", 1), ("1", 1), ("-1/2", 1), ("1/9", 1), ("1/2", 0)])
def test_a_place_that_cannot_be_is_refused(tau, gap):
    with pytest.raises(UsageError):
        spacing(Fraction(tau), gap)


@pytest.mark.parametrize("decoder", ["pyav", "opencv"])
def test_triplets_are_the_frames_of_the_clip(folder, decoder, monkeypatch):
    if decoder == "opencv":
        monkeypatch.setitem(sys.modules, "av", None)
    clip = folder / "a.mp4"
    truth = pixels(clip)
    found = list(triplets(clip, look_through(clip), [7, 2, 3], Spacing(2, 1)))

    assert [triplet.index for triplet in found] == [2, 3, 7]
    for triplet in found:
        for frame, number in ((triplet.pair.frame0, -2), (triplet.truth, 0), (triplet.pair.frame1, 1)):
            # The two decoders round YUV to RGB differently, by a few levels.
            assert np.abs(frame.astype(int) - truth[triplet.index + number]).mean() < 2
    assert [triplet.tau for triplet in found] == [2 / 3] * 3
    assert look_through(clip).times == pytest.approx([n / 30 for n in range(9)], abs=0.002)


def test_frames_are_asked_for_when_they_are_shown(tmp_path):
    ticks = [0, 2, 4, 8, 10, 14, 16]
    clip = write_clip(tmp_path / "uneven.mp4", moving_square(7), pts=ticks, time_base=Fraction(1, 60))

    found = list(triplets(clip, look_through(clip), range(1, 6), Spacing(1, 1)))

    assert [triplet.tau for triplet in found] == [1 / 2, 1 / 3, 2 / 3, 1 / 3, 2 / 3]
    assert [triplet.pair.intervals for triplet in found] == [(0, 1.5), (0, 1), (2 / 3, 1), (1, 0), (1, 0)]


def test_clocks_that_round_to_milliseconds_count_as_even(tmp_path):
    ticks = [round(1000 * n / 120) for n in range(7)]
    clip = write_clip(tmp_path / "fast.mkv", moving_square(7), pts=ticks, time_base=Fraction(1, 1000))

    assert {tick % 25 for tick in ticks} == {0, 8, 17}
    assert [triplet.tau for triplet in triplets(clip, look_through(clip), range(1, 6), Spacing(1, 1))] == [0.5] * 5


def test_nothing_is_measured_across_a_cut(tmp_path):
    scenes = [np.roll(scene(seed), 3 * n, axis=1) for seed, count in ((1, 7), (2, 8)) for n in range(count)]
    clip = write_clip(tmp_path / "cut.mp4", scenes)
    footage = look_through(clip)

    found = list(triplets(clip, footage, footage.places(Spacing(1, 1), 13), Spacing(1, 1)))

    assert footage.cuts == [7]
    assert [triplet.index for triplet in found] == [1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13]
    assert {triplet.index for triplet in found if triplet.pair.before is not None} == {3, 4, 5, 10, 11, 12, 13}
    assert {triplet.index for triplet in found if triplet.pair.after is not None} == {1, 2, 3, 8, 9, 10, 11}
    assert places.Footage(footage.times, list(range(1, 15))).places(Spacing(1, 1), None) == []


def test_where_times_do_not_increase_frames_are_counted():
    times = [5, 6, 6, 7, 9, 10, 12]
    frames = {n: Timed(np.full((1, 1, 3), n, np.uint8), time) for n, time in enumerate(times)}

    found = triplet_of(Around(0, 1, 2, 4, 7), {n: frames[n] for n in (0, 1, 2, 4)})

    assert (found.index, found.truth.max(), found.tau) == (2, 2, 1 / 3)
    assert found.pair.intervals == (1 / 3, 0)
    assert triplet_of(Around(2, 3, 4, 5, 6), {n: frames[n] for n in range(2, 7)}).tau == 2 / 3


def test_every_method_is_measured_on_the_same_frames(folder):
    truth = pixels(folder / "a.mp4")
    seen = []

    def spy(pair, tau, key):
        seen.append((key, pair, tau))
        return pair.frame0

    [first, second] = evaluated(folder, [Method("spy", spy), without_noise("repeat", repeat)])

    assert (first.name, first.width, first.height, first.frames, first.places) == ("a", 64, 48, 9, [1, 4, 7])
    assert (second.name, second.width, second.height, second.frames, second.places) == ("b", 80, 56, 5, [1, 2, 3])
    for key, pair, tau in seen[1:4]:  # the very first call only warms up
        assert np.array_equal(pair.frame0, truth[key - 1]) and np.array_equal(pair.frame1, truth[key + 1])
        assert tau == 0.5
        for neighbour, number in ((pair.before, key - 3), (pair.after, key + 3)):
            if 0 <= number < 9:
                assert np.array_equal(neighbour.frame, truth[number]) and neighbour.interval == 1
            else:
                assert neighbour is None
    untimed = {metric for metric in METRICS if not metric.endswith("milliseconds")}
    for clip in (first, second):
        for spied, repeated in zip(clip.by_place["spy"], clip.by_place["repeat"], strict=True):
            assert all(spied[metric] == repeated[metric] for metric in untimed & spied.keys())


def test_the_truth_itself_scores_perfectly(folder):
    """An oracle that looks the dropped frame up; so no metric compares the wrong frames."""
    clips = {48: pixels(folder / "a.mp4"), 56: pixels(folder / "b.MKV")}
    oracle = Method("oracle", lambda pair, tau, key: clips[len(pair.frame0)][key])

    for clip in evaluated(folder, [oracle]):
        values = clip.whole["oracle"]
        assert (values["psnr_db"], values["sharpness"], values["spectrum_distance_db"]) == (100, 1, 0)
        assert values["ssim"] == pytest.approx(1)
        assert values["static_flicker"] == 0


def test_places_are_spread_over_the_videos_of_a_folder_and_their_frames(folder):
    """As many of every video as are needed, in its order: a.mp4 has nine frames."""
    clips = find_videos(folder)
    everything, few = (spread_over(folder, count) for count in (1000, 2 * len(clips)))

    assert len(everything) == sum(len(look_through(clip).times) - 2 for clip in clips)
    assert [one.index for one in everything[:7]] == [1, 2, 3, 4, 5, 6, 7]
    assert [one.index for one in few[:2]] == [1, 7]
    assert len(few) == 2 * len(clips)


def test_a_folder_of_videos_that_are_too_short_is_one_sentence(tmp_path):
    write_clip(tmp_path / "short.mp4", moving_square(2))

    with pytest.raises(InputError, match="none of these videos has three frames"):
        spread_over(tmp_path, 4)


def test_noise_is_keyed_by_place_and_its_spread_measured_on_request(folder):
    fake = NoisyBlend()
    methods = [of_interpolator(fake, steps=1, neighbours=False), without_noise("blend", blend)]
    [clip, _] = evaluated(folder, methods, draws=3)

    keys = [pts for taus, pts in fake.asked if taus == [0.5]]
    assert len(keys) == 1 + 6 * 3  # the warm-up and three draws at each of six places
    assert len(set(keys[1:10])) == 9
    assert 1 < clip.whole["fake steps 1 alone"]["seed_spread"] < 2  # of {-3..3} and three draws: 1.5
    assert math.isnan(clip.whole["blend"]["seed_spread"])
    assert (
        evaluated(folder, methods, draws=3)[0].whole["fake steps 1 alone"]["psnr_db"]
        == clip.whole["fake steps 1 alone"]["psnr_db"]
    )


def test_no_draw_is_also_the_noise_of_a_place_nearby(folder):
    fake = NoisyBlend()

    evaluated(folder, [of_interpolator(fake, steps=1, neighbours=False)], draws=3, per_clip=None)

    first, *others = (pts for _, pts in fake.asked[: 1 + 4 * 3])
    assert first == 0, "the warm-up"
    assert len(set(others)) == 4 * 3


def test_motion_is_measured_in_pixels_between_the_kept_frames(tmp_path):
    texture = np.random.default_rng(0).integers(0, 256, (30, 80, 3), dtype=np.uint8)
    wide = cv2.resize(texture, (320, 120), interpolation=cv2.INTER_CUBIC)
    write_clip(tmp_path / "pan.mp4", [wide[:, 3 * n : 3 * n + 240] for n in range(5)], options={"crf": "5"})
    [clip] = evaluated(tmp_path, [without_noise("repeat", repeat)])

    assert [motion.median for motion in clip.motion] == pytest.approx([6, 6, 6], abs=0.2)
    assert report.Report([clip], {}).by_motion("repeat", 4, 16)[0] == 3


@pytest.mark.parametrize("made", [None, np.zeros((48, 64, 3), np.float32), np.zeros((2, 2, 3), np.uint8)])
def test_a_method_that_returns_something_else_is_named(folder, made):
    with pytest.raises(ComponentError, match=r"broken: expected an array uint8 \(48, 64, 3\), got "):
        evaluated(folder, [Method("broken", lambda *_: made)])


def test_a_clip_that_is_too_short_or_broken_is_left_out_before_anything_is_measured(folder, tmp_path, caplog):
    write_clip(tmp_path / "a.mp4", moving_square(9))
    write_clip(tmp_path / "short.mp4", moving_square(2))
    (tmp_path / "text.mp4").write_text("not a video")
    told = []
    method = Method("counting", lambda pair, *_: told.append(len(caplog.records)) or pair.frame0)

    assert [clip.name for clip in evaluated(tmp_path, [method])] == ["a"]
    assert told[0] == 2
    assert "short.mp4: 2 frames are too few; 3 are needed" in caplog.text
    assert "text.mp4: not a video file that FFmpeg can read" in caplog.text


def test_where_no_clip_can_be_measured_nothing_is(folder):
    called = []
    method = Method("counting", lambda pair, *_: called.append(1) or pair.frame0)

    with pytest.raises(InputError, match=r"a.mp4: 9 frames are too few; 11 are needed.*; nor can the 1 other clips"):
        evaluated(folder, [method], spacing=Spacing(5, 5))
    assert called == []


def test_clips_that_differ_in_their_suffix_alone_have_different_names(tmp_path):
    for name in ("same.mkv", "same.mp4", "other.mp4"):
        write_clip(tmp_path / name, moving_square(3))
    results = evaluated(tmp_path, [without_noise("repeat", repeat)])
    [method] = json.loads(report.Report(results, {}).to_json())["methods"]

    assert list(method["by_clip"]) == ["other", "same.mkv", "same.mp4"]


def test_folders_without_clips_are_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_videos(tmp_path / "missing")
    with pytest.raises(InputError, match="no video in this folder"):
        find_videos(tmp_path)


@pytest.fixture(scope="module")
def example(folder) -> report.Report:
    methods = [
        of_interpolator(NoisyBlend(), steps=1),
        without_noise("blend", blend),
        without_noise("dis", evaluate.Dis()),
    ]
    return report.Report(evaluated(folder, methods), {"gap": 1})


def test_the_json_has_a_stable_schema(example):
    document = json.loads(example.to_json())

    assert list(document) == ["version", "settings", "clips", "methods"]
    assert document["version"] == 1
    assert document["settings"] == {"gap": 1}
    assert [list(clip) for clip in document["clips"]] == [
        ["name", "width", "height", "frames", "places", "motion_pixels"]
    ] * 2
    assert [method["name"] for method in document["methods"]] == ["fake steps 1", "blend", "dis"]
    for method in document["methods"]:
        assert list(method) == ["name", "overall", "psnr_gain_db", "by_clip", "by_motion"]
        assert list(method["overall"]) == list(METRICS)
        assert list(method["overall"]["psnr_db"]) == ["mean", "low", "high", "clips"]
        assert list(method["psnr_gain_db"]) == ["gain_over", "mean", "low", "high", "clips"]
        assert {name: list(values) for name, values in method["by_clip"].items()} == {
            clip: list(METRICS) for clip in "ab"
        }
        assert [list(bin_) for bin_ in method["by_motion"]] == [
            ["from_pixels", "below_pixels", "places", "values"]
        ] * len(report.MOTION_BINS)
        assert sum(bin_["places"] for bin_ in method["by_motion"]) == 6
    assert document["methods"][0]["overall"]["lpips"] == {"mean": None, "low": None, "high": None, "clips": 0}


def test_means_are_over_places_then_over_clips(example):
    clips = [np.mean([place["psnr_db"] for place in clip.by_place["blend"]]) for clip in example.clips]

    assert example.overall("blend", "psnr_db").mean == pytest.approx(np.mean(clips))
    assert example.gain("dis").mean == 0
    assert example.gain("blend").mean == pytest.approx(np.mean(clips) - example.overall("dis", "psnr_db").mean)


def test_the_tables_say_the_same_as_the_json(example):
    document, text = json.loads(example.to_json()), report.to_text(example)

    for method in document["methods"]:
        [line, *_] = [line for line in text.splitlines() if line.startswith(f"| {method['name']} ")]
        assert f"{method['overall']['psnr_db']['mean']:.2f}" in line
        gain = method["psnr_gain_db"]
        assert line.endswith("- |") if method["name"] == gain["gain_over"] else f"{gain['mean']:+.2f}" in line
    assert "LPIPS" not in text and "seed spread" not in text  # not measured, not shown
    assert len({len(line) for line in text.split("\n\n")[1].splitlines()}) == 1


def test_confidence_intervals_hold_the_mean_and_shrink_with_more_clips():
    random = np.random.default_rng(1)
    few, many = (report.over_clips(list(random.normal(30, 2, count))) for count in (10, 160))

    assert few.low < few.mean < few.high
    # Of a normal distribution: 1.96 standard errors to each side.
    assert (many.high - many.low) / 2 == pytest.approx(1.96 * 2 / math.sqrt(160), rel=0.2)
    assert few.high - few.low > 2 * (many.high - many.low)
    assert report.over_clips([math.nan, 5.0]) == report.Interval(5, 5, 5, 1)


def test_clips_of_one_name_are_told_apart(tmp_path):
    paths = [tmp_path / name for name in ("a/x.mp4", "b/x.mp4", "x.mkv", "y.mp4")]

    assert list(places.clip_names(paths).values()) == [str(paths[0]), str(paths[1]), "x.mkv", "y"]
