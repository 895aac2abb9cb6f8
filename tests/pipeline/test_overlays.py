"""Captions, displays and bars over motion keep the pixels of the source; a plain picture is left alone."""

import json
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
import pytest
import tolerances
from blending import Blend
from clips import pixels, scene, write_clip

from vfi_flow.cli.main import main
from vfi_flow.inference import interpolator as engine_module
from vfi_flow.media.frame import SourceFrame
from vfi_flow.pipeline.overlays import FRAMES, Overlay, Shot, spread
from vfi_flow.pipeline.spans import Span, spans, with_overlays
from vfi_flow.pipeline.stages import PreparedFrame, StageClock

HEIGHT, WIDTH, SPEED = 96, 160, 7


def pan(count: int, seed: int = 3) -> list[np.ndarray]:
    """A picture that goes left by `SPEED` pixels a frame."""
    wide = scene(seed, WIDTH + SPEED * count, HEIGHT)
    return [wide[:, SPEED * n : SPEED * n + WIDTH].copy() for n in range(count)]


def letters() -> np.ndarray:
    """(H, W): strokes three pixels wide, as of a caption."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for x in range(24, 136, 14):
        mask[66:84, x : x + 3] = True
        mask[74:77, x : x + 10] = True
        mask[66:84, x + 7 : x + 10] = x % 4 == 0
    return mask


def captioned(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """`frames` with white letters that have a dark outline."""
    outline = np.zeros((HEIGHT, WIDTH), bool)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            outline |= np.roll(letters(), (dy, dx), (0, 1))
    result = [frame.copy() for frame in frames]
    for frame in result:
        frame[outline] = 10
        frame[letters()] = 245
    return result


def noisy(frames: Sequence[np.ndarray], sigma: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(f + rng.normal(0, sigma, f.shape)).clip(0, 255).astype(np.uint8) for f in frames]


def overlays(frames: Sequence[np.ndarray], crops: bool = True) -> list[Overlay | None]:
    """The overlay of every pair, as the pipeline finds them."""
    prepared = [
        PreparedFrame(SourceFrame(n, n, Fraction(n), Fraction(1), PICTURE), PICTURE, frame, None)
        for n, frame in enumerate(frames)
    ]
    found = list(with_overlays(spans(prepared, lambda left, right: False), StageClock(), crops))
    assert [span.left.source.index for span in found] == list(range(len(frames)))
    return [span.overlay for span in found[:-1]]


PICTURE = av.VideoFrame(16, 16, "yuv420p")


def mask_of(overlay: Overlay | None) -> np.ndarray:
    """(H, W): what is kept wholly."""
    mask = np.zeros(HEIGHT * WIDTH, bool)
    if overlay is not None:
        mask[overlay.places[overlay.weights[:, 0] == 9]] = True
    return mask.reshape(HEIGHT, WIDTH)


@pytest.mark.parametrize("sigma", [0, 2], ids=["clean", "noise"])
@pytest.mark.parametrize("depth", [8, 16])
def test_letters_over_motion_are_found_to_the_pixel_in_every_pair(sigma, depth):
    frames = noisy(captioned(pan(9)), sigma)
    far = np.ones((HEIGHT, WIDTH), bool)
    far[58:92] = False

    for overlay in overlays(frames if depth == 8 else [f.astype(np.uint16) * 257 for f in frames]):
        mask = mask_of(overlay)
        assert mask[letters()].mean() > 0.97
        assert mask[far].mean() < 0.02


def test_a_caption_that_comes_and_goes_is_found_from_its_first_pair_to_its_last():
    plain = pan(16)
    frames = plain[:5] + captioned(plain)[5:11] + plain[11:]

    found = [mask_of(overlay)[letters()].mean() for overlay in overlays(frames)]

    assert min(found[5:10]) > 0.95
    assert max(found[:4] + found[11:]) < 0.1


def test_a_plain_pan_a_still_picture_and_two_frames_have_no_overlay():
    assert overlays(pan(8)) == [None] * 7
    assert overlays([scene(5, WIDTH, HEIGHT)] * 6) == [None] * 5
    assert overlays(captioned(pan(2))) == [None]


def test_bars_are_kept_to_their_last_row_whatever_moves():
    frames = pan(6)
    for frame in frames:
        frame[:13] = frame[-9:] = 16
        frame[:, :10] = 16

    for overlay in overlays(noisy(frames, 1), crops=False):
        mask = mask_of(overlay)
        assert mask[:13].all() and mask[-9:].all() and mask[:, :10].all()
        assert mask[14:-10, 11:].mean() < 0.05


def test_a_kept_pixel_stays_between_those_of_the_source_and_others_are_not_touched():
    rng = np.random.default_rng(1)
    for dtype in (np.uint8, np.uint16):
        left, right, made = rng.integers(0, np.iinfo(dtype).max, (3, 20, 30, 4)).astype(dtype)
        places = rng.choice(600, 100, replace=False)
        flat = [frame.reshape(-1, 4)[places] for frame in (left, right)]
        overlay = Overlay(places, np.full((100, 1), 9, np.int32), np.minimum(*flat), np.maximum(*flat))
        before = made.copy()

        kept = overlay.keep(made, 0.5).reshape(-1, 4)

        assert np.array_equal(made, before) and kept.dtype == dtype
        assert np.array_equal(kept[places], before.reshape(-1, 4)[places].clip(np.minimum(*flat), np.maximum(*flat)))
        others = np.setdiff1d(np.arange(600), places)
        assert np.array_equal(kept[others], before.reshape(-1, 4)[others])


def test_the_spread_is_the_largest_difference_of_any_two_frames_in_any_channel():
    frames = np.random.default_rng(2).integers(0, 256, (4, 70, 9, 3)).astype(np.uint8)

    assert np.array_equal(spread(*frames), np.ptp(frames.astype(int), axis=0).max(axis=-1))


def test_nothing_of_one_shot_reaches_into_the_next():
    frames = captioned(pan(6)) + pan(6, seed=8)
    prepared = [
        PreparedFrame(SourceFrame(n, n, Fraction(n), Fraction(1), PICTURE), PICTURE, frame, None)
        for n, frame in enumerate(frames)
    ]

    found = list(with_overlays(spans(prepared, lambda left, right: right.source.index == 6), StageClock()))

    assert [span.overlay is not None for span in found] == [True] * 5 + [False] * 7
    assert found[5].is_cut and len(found) == 12


def test_few_frames_wait_for_what_comes_after_them():
    taken = 0

    def source():
        nonlocal taken
        for n, frame in enumerate(pan(30)):
            taken += 1
            yield PreparedFrame(SourceFrame(n, n, Fraction(n), Fraction(1), PICTURE), PICTURE, frame, None)

    for number, _ in enumerate(with_overlays(spans(source(), lambda left, right: False), StageClock())):
        assert taken <= number + FRAMES


def test_only_the_last_few_spreads_are_kept():
    shot = Shot()
    frames = captioned(pan(30))
    for frame in frames[:FRAMES]:
        shot.add(frame)
    for number in range(30 - FRAMES):
        shot.overlay(number, frames[number], frames[number + 1])
        shot.add(frames[number + FRAMES])

    assert len(shot._ranges) <= FRAMES


class Torn(Blend):
    """Moves everything by half of what the ground does, the caption too: what optical flow does near an overlay."""

    def __call__(self, frame0, frame1, taus, *, pts=0, before=None, after=None):
        return [np.roll(frame0, -round(SPEED * tau), axis=1) for tau in taus]


@pytest.mark.parametrize(
    ("encoder", "least"),
    [(["ffv1", {}], 60), (["libx264", {"crf": "23"}], tolerances.CAPTION_CRF_23)],
    ids=["lossless", "crf 23"],
)
def test_a_caption_in_a_file_stays_and_is_torn_without_protection(tmp_path, monkeypatch, encoder, least):
    monkeypatch.setattr(engine_module, "Interpolator", Torn)
    codec, options = encoder
    source = write_clip(tmp_path / "in.mkv", captioned(pan(10)), codec=codec, options=options, pix_fmt="yuv444p")
    quality = {}
    for choice in ("auto", "off"):
        output, report = tmp_path / f"{choice}.mkv", tmp_path / f"{choice}.json"
        job = [str(source), str(output), "-c:v", "ffv1", "--report", str(report), "--protect", choice]
        assert main(["interpolate", *job, "--progress", "none"]) == 0
        found = json.loads(report.read_text())
        assert found["protected_intervals"] == (9 if choice == "auto" else 0)
        new = np.array(pixels(output)[1:-1:2], float)[:, letters()]
        truth = np.array(captioned(pan(10))[0], float)[letters()]
        quality[choice] = 10 * np.log10(255**2 / (((new - truth) ** 2).mean() + 1e-6))

    assert quality["off"] < 12
    assert quality["auto"] > least


def test_the_model_does_not_see_the_letters_so_that_motion_carries_none_along(tmp_path, monkeypatch):
    ghosts = []

    class Watched(Torn):
        def __call__(self, frame0, frame1, taus, *, pts=0, before=None, after=None):
            ghosts.append(max(np.mean(f[letters()] > 200) for f in (frame0, frame1)))
            return super().__call__(frame0, frame1, taus, pts=pts)

    monkeypatch.setattr(engine_module, "Interpolator", Watched)
    source = write_clip(tmp_path / "in.mkv", captioned(pan(8)), codec="ffv1", options={}, pix_fmt="yuv444p")

    assert main(["interpolate", str(source), str(tmp_path / "out.mkv"), "-c:v", "ffv1", "--progress", "none"]) == 0

    assert len(ghosts) == 7 and max(ghosts) < 0.1
    assert main(["interpolate", str(source), str(tmp_path / "off.mkv"), "--protect", "off"]) == 0
    assert min(ghosts[7:]) > 0.9


def test_a_picture_without_letters_reaches_the_model_untouched():
    frames = pan(6)
    for frame in frames:
        frame[:12] = frame[-12:] = 16

    for overlay, frame in zip(overlays(frames, crops=False), frames, strict=False):
        assert overlay is not None and overlay.without(frame) is frame


def test_the_ground_beside_a_caption_is_the_models(tmp_path):
    frames = captioned(pan(6))
    made = [np.roll(frame, -3, axis=1) for frame in frames]

    for overlay, new in zip(overlays(frames), made, strict=False):
        assert overlay is not None
        changed = (overlay.keep(new, 0.5) != new).any(axis=-1)
        assert not changed[:56].any()


def test_a_span_without_a_next_picture_is_passed_on():
    assert list(with_overlays(iter(()), StageClock())) == []
    frame = PreparedFrame(SourceFrame(0, 0, Fraction(0), Fraction(1), PICTURE), PICTURE, pan(1)[0], None)
    assert list(with_overlays([Span((frame,), None)], StageClock())) == [Span((frame,), None)]
