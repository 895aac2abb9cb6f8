"""A model fitted to one video: what it learns from, what it is judged by, and that nothing worse is kept."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import write_clip
from panning import HEIGHT, WIDTH, as_shot, pan

from vfi_flow.errors import InputError
from vfi_flow.inference.pair import Pair
from vfi_flow.model.weights import load_weights
from vfi_flow.training import adaptation, excerpts
from vfi_flow.training.adaptation import Rendering, adapt, liveliest, mixed
from vfi_flow.training.excerpts import read_excerpts
from vfi_flow.training.held_out import evenly, hold_out
from vfi_flow.training.learner import Recipe
from vfi_flow.training.shots import Shot
from vfi_flow.training.triplets import Triplet
from vfi_flow.training.validation import Place

WHOLE = Fraction(0), None
MEAN = Rendering(steps=0, strength=1.0)


class Counted:
    """A container that notes every frame it decodes."""

    def __init__(self, container, decoded: list):
        self.container, self.decoded = container, decoded

    def decode(self, stream):
        for frame in self.container.decode(stream):
            self.decoded.append(frame.pts)
            yield frame


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("adaptation") / "pan.mp4", pan(24, step=(3, 1)), rate=Fraction(24))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(adaptation, "CROP", 64)


def test_a_model_that_has_learned_little_gets_better_on_frames_that_were_kept_back(
    tiny_model, video, tmp_path, monkeypatch
):
    monkeypatch.setattr(adaptation, "LEARNING_RATE", 3e-3)
    monkeypatch.setattr(adaptation, "Recipe", partial(Recipe, samples=240))
    result, done = tmp_path / "adapted.safetensors", []

    found = adapt(tiny_model, video, WHOLE, 0.1, MEAN, result, done.append)

    assert found.share > 0
    assert found.after >= found.before + adaptation.LEAST_GAIN
    assert found.samples >= adaptation.BATCH
    assert done == sorted(done) and done[-1] == 1
    assert load_weights(result)[1].summary.endswith("adapted to pan.mp4")


def test_what_is_worse_is_not_kept(tiny_model, video, tmp_path, monkeypatch):
    def spoiled(weights, *rest):
        network = load_weights(weights)[0]
        with torch.no_grad():
            network.fusion.head.bias += 3.0
        return network, 4

    monkeypatch.setattr(adaptation, "fit", spoiled)
    found = adapt(tiny_model, video, WHOLE, 0.1, MEAN, tmp_path / "adapted.safetensors", lambda done: None)

    assert found.share == 0
    assert found.after == found.before
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("gains", "share"),
    [([0.03] * 8, 0.25), ([0.01] * 8, 0), ([1.0, *[-0.03] * 7], 0), ([1.0, *[0.2] * 7], 0.25)],
    ids=["a little everywhere", "next to nothing", "by one frame alone", "most by one frame"],
)
def test_what_is_better_by_one_frame_alone_is_not_kept(tiny_model, video, tmp_path, monkeypatch, gains, share):
    base = np.full(8, 30.0)
    scores = iter([base, base + gains, *[base - 1] * 3])
    monkeypatch.setattr(adaptation, "fit", lambda weights, *rest: (load_weights(weights)[0], 4))
    monkeypatch.setattr(adaptation, "rendered", lambda *how: next(scores).tolist())

    found = adapt(tiny_model, video, WHOLE, 0.1, MEAN, tmp_path / "adapted.safetensors", lambda done: None)

    assert found.share == share
    assert (tmp_path / "adapted.safetensors").exists() == bool(share)


@pytest.mark.parametrize("neighbours", [True, False])
def test_it_is_judged_as_its_frames_will_be_made(tiny_model, video, tmp_path, monkeypatch, neighbours):
    judged = []
    monkeypatch.setattr(adaptation, "fit", lambda weights, *rest: (load_weights(weights)[0], 4))
    monkeypatch.setattr(adaptation, "rendered", lambda network, places, how: judged.extend(places) or [30.0])

    adapt(tiny_model, video, WHOLE, 0.1, replace(MEAN, neighbours=neighbours), tmp_path / "out", lambda done: None)

    assert {place.triplet.pair.before is not None for place in judged} == {neighbours}
    assert {place.triplet.pair.after is not None for place in judged} >= {neighbours}


def test_a_video_without_motion_has_nothing_to_learn_from(tiny_model, tmp_path):
    still = write_clip(tmp_path / "still.mp4", [pan(1)[0]] * 24)

    with pytest.raises(InputError, match=r"still\.mp4: too few different frames"):
        adapt(tiny_model, still, WHOLE, 0.1, MEAN, tmp_path / "adapted.safetensors", lambda done: None)


def test_a_mixture_lies_between_its_ends(tiny_model):
    general, fitted = load_weights(tiny_model)[0], load_weights(tiny_model)[0]
    with torch.no_grad():
        fitted.fusion.head.bias += 1.0

    half = mixed(general, fitted, 0.5).state_dict()

    assert torch.allclose(half["fusion.head.bias"], general.fusion.head.bias + 0.5)
    assert torch.equal(half["fusion.head.weight"], general.state_dict()["fusion.head.weight"])


def test_ends_of_shots_are_kept_back_and_never_trained_on():
    shots = [as_shot(pan(24, seed=0)), as_shot(pan(5, seed=1)), as_shot(pan(8, seed=2))]

    kept, places = hold_out(shots, per_shot=3, most=9)

    assert [len(shot.frames) for shot in kept] == [18, 5, 5]
    assert [place.triplet.index for place in places] == [19, 20, 22, 6]
    for place, shot in zip(places, [shots[0]] * 3 + [shots[2]], strict=True):
        middle = place.triplet.index
        assert np.array_equal(place.triplet.truth, shot.frames[middle])
        assert middle - 1 >= len(next(k for k in kept if k.frames.base is shot.frames).frames)


def test_of_many_shots_no_more_frames_are_measured_than_one_has_time_for():
    shots = [replace(as_shot(pan(8, seed=number)), name=str(number)) for number in range(9)]

    kept, places = hold_out(shots, per_shot=1, most=3)

    assert [len(shot.frames) for shot in kept] == [5] * 9
    assert [place.clip for place in places] == ["0", "4", "8"]


def test_of_a_long_video_excerpts_are_read_all_along_it(video, monkeypatch):
    monkeypatch.setattr(excerpts, "LENGTH", 4)
    room = 12 * 3 * WIDTH * HEIGHT / 1e9

    found = read_excerpts(video, Fraction(0), None, room)

    assert [len(shot.frames) for shot in found] == [4, 4, 4]
    starts = [int(shot.pts[0]) for shot in found]
    assert np.allclose(np.diff(starts), np.diff(starts)[0], rtol=0.15)


def test_an_end_behind_the_video_is_its_end(video, monkeypatch):
    monkeypatch.setattr(excerpts, "LENGTH", 4)
    room = 12 * 3 * WIDTH * HEIGHT / 1e9

    whole, beyond = (read_excerpts(video, Fraction(0), end, room) for end in (None, Fraction(20)))

    assert [shot.pts.tolist() for shot in beyond] == [shot.pts.tolist() for shot in whole]


@pytest.mark.parametrize(("start", "end", "count"), [(0, None, 24), (Fraction(1, 2), None, 12), (0, Fraction(1, 4), 6)])
def test_only_the_wanted_part_is_read(video, start, end, count):
    [shot] = read_excerpts(video, Fraction(start), end, 1.0)

    assert len(shot.frames) == count


def test_what_is_held_back_is_asked_for_on_its_clock():
    """A clock that goes 1, 3, 1, 3 has no frame in the middle of two others; one of 16 and 17 ms has."""
    frames = np.stack(pan(40))
    rounded = Shot("even", frames, np.cumsum([16, 17, 17] * 14)[:40])
    uneven = Shot("uneven", frames, np.cumsum([1, 3] * 20))
    slowing = Shot("slowing", frames, np.cumsum([2] * 33 + [5] * 7))

    assert [place.triplet.tau for place in hold_out([rounded], 6, 9)[1]] == [0.5] * 6
    alternating = [place.triplet for place in hold_out([uneven], 6, 9)[1]]
    assert {(triplet.index % 2, triplet.tau) for triplet in alternating} == {(0, 0.25), (1, 0.75)}
    places = {place.triplet.index: place.triplet for place in hold_out([slowing], 8, 9)[1]}
    assert {index: (triplet.tau, triplet.pair.intervals) for index, triplet in places.items() if 30 < index < 35} == {
        31: (0.5, (1, 2.5)),
        32: (2 / 7, (4 / 7, 10 / 7)),
        33: (0.5, (0.4, 1)),
        34: (0.5, (0.7, 1)),
    }


def test_no_frame_is_read_twice_where_times_are_uneven(tmp_path):
    """Or what is held back would be learned from."""
    ticks = [*range(0, 300), *range(300, 1300, 10)]
    frames = [np.roll(pan(1)[0], 3 * n, axis=1) for n in range(len(ticks))]
    video = write_clip(tmp_path / "uneven.mp4", frames, pts=ticks, time_base=Fraction(1, 50))

    found = read_excerpts(video, Fraction(0), None, 300 * 3 * HEIGHT * WIDTH / 1e9)

    times = np.concatenate([shot.pts for shot in found])
    assert len(times) > 100
    assert len(np.unique(times)) == len(times)


def test_what_comes_before_the_part_is_not_decoded(tmp_path, monkeypatch):
    video = write_clip(tmp_path / "long.mp4", pan(48), rate=Fraction(24), options={"g": "6"})
    decoded, original = [], excerpts._frames
    monkeypatch.setattr(excerpts, "_frames", lambda container, *rest: original(Counted(container, decoded), *rest))

    [shot] = read_excerpts(video, Fraction(3, 2), None, 1.0)

    assert len(shot.frames) == 12
    assert len(decoded) <= 18


def test_a_text_file_is_no_video(tmp_path):
    path = tmp_path / "notes.mp4"
    path.write_text("nothing to see")

    with pytest.raises(InputError, match=r"notes\.mp4: not a video file that FFmpeg can read"):
        read_excerpts(path, Fraction(0), None, 1.0)


def test_the_liveliest_part_is_judged(monkeypatch):
    monkeypatch.setattr(adaptation, "SIDE", 16)
    frame0, truth, frame1 = (np.zeros((HEIGHT, WIDTH, 3), np.uint8) for _ in range(3))
    frame1[40:48, 60:68] = 255

    part = liveliest(Place("clip", Triplet(7, Pair(frame0, frame1), truth))).triplet

    assert part.truth.shape == (16, 16, 3)
    assert (part.pair.frame1 == 255).sum() == 3 * 64


def test_places_are_taken_at_even_distances():
    frame = np.zeros((1, 1, 3), np.uint8)
    places = [Place(str(number), Triplet(number, Pair(frame, frame), frame)) for number in range(9)]

    assert [place.clip for place in evenly(places, 3)] == ["0", "4", "8"]
    assert evenly(places[:2], 3) == places[:2]
