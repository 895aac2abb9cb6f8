"""Letterbox bars: the model sees what lies between them, and the result has them as the source does."""

import json
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from blending import Blend
from clips import pixels, scene, write_clip

from vfi_flow.cli.main import main
from vfi_flow.inference import interpolator as engine_module
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.sides import Sides
from vfi_flow.pipeline.bars import BLACK, EDGE, Crop, bars_of, certain, crop_of, edge_of
from vfi_flow.pipeline.output_frames import Calls
from vfi_flow.pipeline.overlays import FRAMES, Shot
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run

HEIGHT, WIDTH, SPEED = 96, 160, 7
LETTERBOX, PILLARBOX, BOTH = Sides(top=13, bottom=9), Sides(left=10, right=21), Sides(13, 9, 10, 21)


def pan(count: int) -> list[np.ndarray]:
    wide = scene(3, WIDTH + SPEED * count, HEIGHT)
    return [wide[:, SPEED * n : SPEED * n + WIDTH].copy() for n in range(count)]


def barred(frames: Sequence[np.ndarray], bars: Sides, level: int = 16) -> list[np.ndarray]:
    result = [frame.copy() for frame in frames]
    for frame in result:
        for part in bars.parts(frame):
            part[:] = level
    return result


class Watched(Blend):
    """Blends, and remembers what sizes it was shown."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, frame0, frame1, taus, *, pts=0, before=None, after=None):
        shown = [frame0, frame1, *(one.frame for one in (before, after) if one is not None)]
        assert len({frame.shape for frame in shown}) == 1
        self.seen.append(frame0.shape[:2])
        return super().__call__(frame0, frame1, taus)


@pytest.mark.parametrize("bars", [LETTERBOX, PILLARBOX, BOTH, Sides()])
def test_the_parts_and_the_inside_are_the_whole_picture(bars):
    picture = np.zeros((HEIGHT, WIDTH), int)
    bars.inside(picture)[:] += 1
    for part in bars.parts(picture):
        part += 1

    assert (picture == 1).all()
    assert bars.inside(picture).shape == (HEIGHT - bars.top - bars.bottom, WIDTH - bars.left - bars.right)
    assert bool(bars) == (bars != Sides())


@pytest.mark.parametrize("bars", [LETTERBOX, PILLARBOX, BOTH, Sides()])
def test_bars_are_found_to_the_last_row_and_column(bars):
    frame = barred(pan(1), bars)[0][..., 1]

    assert bars_of(np.zeros_like(frame), frame) == bars


def test_what_changes_is_no_bar():
    frame = barred(pan(1), LETTERBOX)[0][..., 1]
    spread = np.zeros_like(frame)
    spread[5, 80] = 11

    assert bars_of(spread, frame) == Sides(top=5, bottom=9)


@pytest.mark.parametrize("shape", [(HEIGHT, 1), (1, WIDTH)], ids=["rows", "columns"])
def test_a_picture_of_nothing_but_bars_has_none(shape):
    grey = np.broadcast_to(np.arange(max(shape), dtype=np.uint8).reshape(shape), (HEIGHT, WIDTH))

    assert bars_of(np.zeros_like(grey), grey) is None


@pytest.mark.parametrize("bars", [LETTERBOX, PILLARBOX, BOTH])
@pytest.mark.parametrize("factor", [2, 3])
def test_the_model_sees_the_picture_between_the_bars(tmp_path, bars, factor):
    source = write_clip(tmp_path / "in.mkv", barred(pan(9), bars), codec="ffv1", pix_fmt="bgr0")
    model = Watched()

    run(
        make_plan(Job(source, tmp_path / "out.mkv", factor=Fraction(factor), encoder=EncoderOptions(codec="ffv1"))),
        model,
    )

    assert set(model.seen) == {bars.size_inside(HEIGHT, WIDTH)}
    assert len(model.seen) == 8
    frames, truth = pixels(tmp_path / "out.mkv"), pixels(source)
    assert all(np.array_equal(a, b) for a, b in zip(frames[::factor], truth, strict=False))
    for number, frame in enumerate(frames[: 8 * factor]):
        assert all((part == 16).all() for part in bars.parts(frame))
        before, tau = number // factor, number % factor / factor
        plain = np.round(truth[before] * (1 - tau) + truth[before + 1] * tau)
        assert np.array_equal(bars.inside(frame), bars.inside(plain))


def test_frames_of_one_size_keep_their_bars(tmp_path):
    source = write_clip(tmp_path / "in.mkv", barred(pan(9), LETTERBOX), codec="ffv1", pix_fmt="bgr0")
    model = Watched()

    run(make_plan(Job(source, tmp_path / "out.mkv")), model, calls=Calls(any_size=False))

    assert set(model.seen) == {(HEIGHT, WIDTH)}


def test_the_command_cuts_bars_off_unless_told_otherwise(tmp_path, monkeypatch):
    source = write_clip(tmp_path / "in.mkv", barred(pan(6), LETTERBOX), codec="ffv1", pix_fmt="bgr0")
    models: list[Watched] = []
    monkeypatch.setattr(engine_module, "Interpolator", lambda **o: models.append(Watched(**o)) or models[-1])
    sizes = {}
    for choice in ("auto", "off"):
        models.clear()
        report = tmp_path / f"{choice}.json"
        words = [str(source), str(tmp_path / f"{choice}.mkv"), "--protect", choice, "--report", str(report)]
        assert main(["interpolate", *words, "--progress", "none"]) == 0
        sizes[choice] = set(models[0].seen)
        assert json.loads(report.read_text())["protected_intervals"] == (5 if choice == "auto" else 0)

    assert sizes == {"auto": {(HEIGHT - 22, WIDTH)}, "off": {(HEIGHT, WIDTH)}}


def test_bars_that_get_narrower_give_the_picture_more_room_and_not_less_after_it():
    """In the dark they look wider than they are."""
    bars = [Sides(30, 30), Sides(30, 30), Sides(13, 9), Sides(13, 9), Sides(20, 20), Sides(20, 20)]
    frames = [barred([frame], each)[0] for frame, each in zip(pan(18), np.repeat(bars, 3), strict=True)]
    shot, found = Shot(), []
    for frame in frames[:FRAMES]:
        shot.add(frame)
    for number in range(len(frames) - FRAMES):
        overlay = shot.overlay(number, frames[number], frames[number + 1])
        found.append(overlay.crop.bars)
        shot.add(frames[number + FRAMES])

    assert found[0] == Sides(30, 30) and found[-1] == Sides(13, 9)
    assert all(b.common(a) == b for a, b in pairwise(found))


def test_a_new_shot_begins_anew(tmp_path):
    frames = barred(pan(6), PILLARBOX) + barred([255 - frame for frame in pan(6)], LETTERBOX)
    source = write_clip(tmp_path / "in.mkv", frames, codec="ffv1", pix_fmt="bgr0")
    model = Watched()

    report = run(make_plan(Job(source, tmp_path / "out.mkv")), model)

    assert len(report.cuts) == 1
    assert model.seen == [(HEIGHT, WIDTH - 31)] * 5 + [(HEIGHT - 22, WIDTH)] * 5


def test_bars_fade_evenly_and_keep_their_noise():
    random = np.random.default_rng(0)
    left, right = (random.integers(0, 9, (HEIGHT, WIDTH, 3)).astype(np.uint8) for _ in range(2))
    crop = Crop(BOTH, Sides(EDGE, EDGE, EDGE, EDGE), left, right)
    picture = np.full((HEIGHT - 22 - 2 * EDGE, WIDTH - 31 - 2 * EDGE, 3), 200, np.uint8)

    made = crop.restored(picture, 0.25)

    assert (crop.hidden.inside(made) == 200).all()
    for part, bar0, bar1 in zip(*map(BOTH.parts, (made, left, right)), strict=True):
        assert np.abs(part - (0.75 * bar0 + 0.25 * bar1)).max() <= 0.5


def test_the_edge_of_a_bar_is_as_dark_as_in_the_source():
    """Scaling leaves a row that is part bar and part picture."""
    left, right = (np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in (150, 160))
    for frame in (left, right):
        frame[:20], frame[20] = 0, frame[20] // 3
    crop = crop_of(Sides(top=20), left, right, edge_of(Sides(top=20), left[..., 1], right[..., 1]))
    assert crop.edge == Sides(top=1)

    made = crop.restored(np.full((HEIGHT - 21, WIDTH, 3), 155, np.uint8), 0.5)

    assert (made[:20] == 0).all() and (made[21:] == 155).all()
    assert (made[20] >= 50).all() and (made[20] <= 53).all()


def test_what_scaling_has_mixed_belongs_to_the_edge():
    """And where it is too dark to tell, as much as there may be."""
    frame = np.full((HEIGHT, WIDTH), 150, np.uint8)
    frame[:20], frame[20], frame[21], frame[-11], frame[-10:] = 16, 60, 130, 148, 16
    dark = np.full_like(frame, 20)

    assert edge_of(Sides(20, 10), frame, frame) == Sides(top=2)
    assert edge_of(Sides(20, 10), dark, dark) == Sides(EDGE, EDGE)


def test_a_light_in_a_dark_sky_is_not_cut_in_two(tmp_path):
    frames = pan(9)
    for number, frame in enumerate(frames):
        frame[:60] = 16
        frame[50 - 5 * number : 54 - 5 * number, 80:84] = 220
    source = write_clip(tmp_path / "in.mkv", frames, codec="ffv1", pix_fmt="bgr0")
    model = Watched()

    run(make_plan(Job(source, tmp_path / "out.mkv")), model)

    assert set(model.seen) == {(HEIGHT, WIDTH)}


def test_noise_in_the_last_rows_of_a_bar_is_no_light():
    frame = barred(pan(1), LETTERBOX)[0][..., 1]
    spread = np.zeros_like(frame)
    spread[11, 5] = spread[-8, 90] = 11

    assert certain(bars_of(spread, frame), spread, frame) == Sides(top=11, bottom=7)


@pytest.mark.parametrize(("level", "rows"), [(BLACK - 10, HEIGHT - 22), (BLACK + 10, HEIGHT)])
def test_only_black_bars_are_cut_off(tmp_path, level, rows):
    source = write_clip(tmp_path / "in.mkv", barred(pan(5), LETTERBOX, level), codec="ffv1", pix_fmt="bgr0")
    model = Watched()

    run(make_plan(Job(source, tmp_path / "out.mkv")), model)

    assert set(model.seen) == {(rows, WIDTH)}


@pytest.mark.parametrize(("bars", "rows"), [(Sides(40, 25), HEIGHT), (Sides(40, 24), HEIGHT - 64)])
def test_a_strip_is_no_picture(tmp_path, bars, rows):
    source = write_clip(tmp_path / "in.mkv", barred(pan(5), bars), codec="ffv1", pix_fmt="bgr0")
    model = Watched()

    run(make_plan(Job(source, tmp_path / "out.mkv")), model)

    assert set(model.seen) == {(rows, WIDTH)}


@pytest.mark.parametrize("bars", [Sides(bottom=HEIGHT - 1), Sides(right=WIDTH - 1), Sides(top=HEIGHT - 1)])
def test_a_picture_of_one_row_or_column_is_not_cut_out(tmp_path, bars):
    """As television has them, whose first row carries data."""
    source = write_clip(tmp_path / "in.mkv", barred(pan(5), bars), codec="ffv1", pix_fmt="bgr0")
    model = Watched()

    run(make_plan(Job(source, tmp_path / "out.mkv", bridge_repeats=False)), model)

    assert set(model.seen) == {(HEIGHT, WIDTH)}


def test_a_video_that_begins_in_black_is_cropped_when_something_is_seen(tmp_path):
    dark = [np.full((HEIGHT, WIDTH, 3), 16, np.uint8)] * 5
    source = write_clip(tmp_path / "in.mkv", dark + barred(pan(8), LETTERBOX), codec="ffv1", pix_fmt="bgr0")
    model = Watched()

    run(make_plan(Job(source, tmp_path / "out.mkv", bridge_repeats=False, find_cuts=False)), model)

    assert model.seen[0] == (HEIGHT, WIDTH) and model.seen[-1] == (HEIGHT - 22, WIDTH)
