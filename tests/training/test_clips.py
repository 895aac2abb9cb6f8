"""Promises of the samples from real videos: the true clock, one augmentation for all, a trustworthy teacher."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from panning import HEIGHT, WIDTH, as_shot, pan, texture
from tolerances import TEACHER_FLOW_PIXELS

from vfi_flow.training import clips
from vfi_flow.training.batches import collate
from vfi_flow.training.clips import RealClips
from vfi_flow.training.run import make_shares


def test_tau_is_taken_from_the_clock_of_a_shot(monkeypatch: pytest.MonkeyPatch) -> None:
    pts = [0, 4, 15, 19, 31, 35, 47]
    ground = texture(5)[:HEIGHT, :WIDTH] // 4
    shot = as_shot([ground + np.uint8(time) for time in pts], pts)  # brightness tells the time
    monkeypatch.setattr(clips, "recolour", lambda rng, frames: list(frames))
    source = RealClips([shot], 64)
    rng = np.random.default_rng(0)
    taus = []
    for _ in range(40):
        sample = source.draw(rng)
        first, middle, last = (float(f.mean()) for f in (sample.frame0, sample.truth, sample.frame1))
        taus.append(sample.tau)

        assert sample.tau == pytest.approx((middle - first) / (last - first), abs=0.05)
    assert min(taus) <= 0.25 and max(taus) >= 0.75


def test_the_teacher_finds_a_known_motion_and_doubts_what_does_not_match() -> None:
    frame0, middle, frame1 = pan(3, step=(6, 2))
    flow, weight = clips.teach(frame0, middle, frame1)
    inside = (slice(None), slice(8, -8), slice(8, -8))

    for channel, expected in enumerate((-3, -1, 3, 1)):  # half-size pixels
        assert np.median(flow[channel][inside[1:]]) == pytest.approx(expected, abs=TEACHER_FLOW_PIXELS)
    assert weight[inside].mean() > 0.8
    other = clips.teach(pan(1, seed=7)[0], middle, pan(1, seed=8)[0])[1]
    assert other.mean() < 0.3


def test_the_teacher_does_not_trust_what_leads_out_of_a_frame() -> None:
    flow, weight = clips.teach(*pan(3, step=(12, 6)))
    y, x = np.mgrid[: HEIGHT // 2, : WIDTH // 2]
    for number in (0, 1):
        to_x, to_y = x + flow[2 * number], y + flow[2 * number + 1]
        outside = (to_x < 0) | (to_x > WIDTH // 2 - 1) | (to_y < 0) | (to_y > HEIGHT // 2 - 1)

        assert outside.mean() > 0.05
        assert (weight[number][outside] == 0).all() and (weight[number][~outside] > 0).all()


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_sample_knows_how_wide_the_whole_frame_is_as_it_is_turned_and_scaled(monkeypatch, scale: float) -> None:
    """Motion is judged by its share of that."""
    monkeypatch.setattr(clips, "draw_scale", lambda rng, gaps: scale)
    rows = [texture(3)[:1, 4 * n : 4 * n + WIDTH].repeat(HEIGHT, 0) for n in range(12)]  # all rows are alike
    source = RealClips([as_shot(rows)], 64)
    rng = np.random.default_rng(0)
    widths = set()
    for sample in (source.draw(rng) for _ in range(40)):
        if sample.beside is not None:
            across, down = (np.abs(np.diff(sample.truth.astype(int), axis=axis)).mean() for axis in (1, 0))
            widths.add(("upright" if across > down else "turned", sample.beside.frame_width))

    assert widths == {("upright", scale * WIDTH), ("turned", scale * HEIGHT)}


@pytest.mark.parametrize(("gaps", "neighbours", "own_size"), [("wide", 0.4, 0.5), ("near", 0.86, 0.85)])
def test_near_samples_are_mostly_neighbours_at_their_own_size(monkeypatch, gaps, neighbours, own_size) -> None:
    ground = texture(5)[:HEIGHT, :WIDTH] // 4
    shot = as_shot([ground + np.uint8(8 * number) for number in range(20)])  # brightness tells the time
    monkeypatch.setattr(clips, "recolour", lambda rng, frames: list(frames))
    (shares,) = make_shares(SimpleNamespace(crop=64, overlays=0.0, gaps=gaps, synthetic=0.0), [shot])
    rng = np.random.default_rng(0)
    samples = [shares.source.draw(rng) for _ in range(300)]
    steps = [abs(sample.frame1.mean() - sample.frame0.mean()) / 8 for sample in samples]
    widths = [sample.beside.frame_width for sample in samples if sample.beside is not None]

    assert np.mean([round(step) == 2 for step in steps]) == pytest.approx(neighbours, abs=0.08)
    assert np.mean([width in (WIDTH, HEIGHT) for width in widths]) == pytest.approx(own_size, abs=0.08)


def test_all_three_frames_get_the_same_augmentation() -> None:
    source = RealClips([as_shot([texture(9)] * 9)], 64)
    rng = np.random.default_rng(1)
    for _ in range(30):
        sample = source.draw(rng)

        assert np.array_equal(sample.frame0, sample.truth)
        assert np.array_equal(sample.frame1, sample.truth)


def test_crops_prefer_what_moves() -> None:
    frames = [texture(1).copy() for _ in range(5)]
    for index, frame in enumerate(frames):
        frame[:80, :80] = texture(2)[index : index + 80, :80]
    source = RealClips([as_shot(frames)], 64)
    rng = np.random.default_rng(2)
    moving = np.mean([not np.array_equal(s.frame0, s.frame1) for s in (source.draw(rng) for _ in range(60))])

    assert moving > 0.55  # 0.68 measured; by chance 0.16 would


def test_samples_have_the_promised_shapes_and_types_even_from_small_videos() -> None:
    source = RealClips([as_shot(pan(12)), as_shot(pan(3, seed=4))], 128)
    rng = np.random.default_rng(3)
    for _ in range(30):
        sample = source.draw(rng)

        for frame in (sample.frame0, sample.truth, sample.frame1):
            assert frame.shape == (128, 128, 3) and frame.dtype == np.uint8 and frame.flags.c_contiguous
        assert sample.flow.shape == (4, 64, 64) and sample.flow.dtype == np.float32
        assert sample.trust.shape == (2, 64, 64) and sample.trust.dtype == np.float32
        assert sample.trust.min() >= 0 and sample.trust.max() <= 1
        assert isinstance(sample.tau, float) and 0 < sample.tau < 1


def test_the_seed_decides_the_sample() -> None:
    source = RealClips([as_shot(pan(12))], 64)
    first, second, other = (collate([source.draw(np.random.default_rng(seed))]) for seed in (1, 1, 2))

    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["truth"], other["truth"])


def test_the_frames_around_are_as_far_away_on_the_clock_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pts = [0, 4, 15, 19, 31, 35, 47]
    ground = texture(5)[:HEIGHT, :WIDTH] // 4
    shot = as_shot([ground + np.uint8(2 * time) for time in pts], pts)
    monkeypatch.setattr(clips, "recolour", lambda rng, frames: list(frames))
    source = RealClips([shot], 64)
    rng = np.random.default_rng(0)
    known = set()
    for _ in range(60):
        sample = source.draw(rng)
        beside = sample.beside
        if beside is None:
            known.add((False, False))
            continue
        first, start, end, last = (
            float(frame.mean()) for frame in (beside.before, sample.frame0, sample.frame1, beside.after)
        )

        assert beside.intervals[0] == pytest.approx((start - first) / (end - start), abs=0.05)
        assert beside.intervals[1] == pytest.approx((last - end) / (end - start), abs=0.05)
        known.add((beside.intervals[0] > 0, beside.intervals[1] > 0))
    assert known == {(False, False), (True, False), (False, True), (True, True)}


def test_an_overlay_is_the_same_on_all_frames_and_teaches_no_motion() -> None:
    shot = as_shot(pan(12))
    for seed in range(8):
        plain, burnt = (RealClips([shot], 64, overlay=chance).draw(np.random.default_rng(seed)) for chance in (0, 1))
        pairs = zip((plain.frame0, plain.truth, plain.frame1), (burnt.frame0, burnt.truth, burnt.frame1), strict=True)
        changed = [(before != after).any(2) for before, after in pairs]
        everywhere = np.logical_and.reduce(changed)

        assert everywhere.any()
        assert (burnt.trust[:, everywhere[::2, ::2]] == 0).all()
        untouched = ~np.logical_or.reduce(changed).reshape(32, 2, 32, 2).any((1, 3))
        assert np.array_equal(plain.flow, burnt.flow)
        assert (burnt.trust <= plain.trust).all()
        assert (burnt.trust[:, untouched] > 0).any() or not (plain.trust[:, untouched] > 0).any()
