"""Large frames in overlapping tiles: no seam, no pixel lost, and smaller tiles instead of the end of the job."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from threading import Barrier, BrokenBarrierError

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from tiny_network import moving_texture

from vfi_flow import Interpolator
from vfi_flow.errors import OutOfMemoryError, UsageError
from vfi_flow.inference import interpolator as module
from vfi_flow.inference.engine import ModelInfo
from vfi_flow.inference.tiling import MARGIN, OVERLAP, SMALLEST, TileChoice, spans


class Blender:
    """An engine that blends, and remembers how many pixels it was asked for at once; it has memory for `pixels`."""

    model, description, bytes_per_pixel = ModelInfo("tiny", "0" * 64, 1.0), "blender", 1
    any_size = True

    def __init__(self, pixels: float = np.inf) -> None:
        self.pixels, self.asked, self.released = pixels, [], 0
        self.frame_widths = set()

    def encode(self, frame):
        self.asked.append(frame.shape[0] * frame.shape[1])
        if self.asked[-1] > self.pixels:
            raise OutOfMemoryError("blender: out of memory")
        return frame

    def register(self, features0, features1):
        return None

    def reach(self, found):
        return 0.0

    def compose(self, features0, features1, motion, tau, noise, strength):
        self.frame_widths.add(motion.frame_width)
        plain = features0 * np.float32(1 - tau) + features1 * np.float32(tau)
        return plain if noise.shape[2:] == (1, 1) else plain + 0.01 * noise[0].transpose(1, 2, 0)

    def release(self):
        self.released += 1

    def close(self):
        pass


@pytest.fixture
def blending(monkeypatch):
    """Interpolators with a `Blender` as their engine; yields what makes them."""

    def make(pixels: float = np.inf, **options):
        engine = Blender(pixels)
        monkeypatch.setattr(module, "open_engine", lambda *arguments: engine)
        return Interpolator(**options), engine

    return make


@pytest.mark.parametrize("length", [512, 528, 720, 1088, 2160, 3840, 7680])
@pytest.mark.parametrize("side", [512, 768, 1024, 2048])
def test_spans_cover_the_axis_with_weights_that_add_up_to_one(length, side):
    total = np.zeros(length)
    found = spans(length, side)
    for span in found:
        assert len(span.weight) == span.place.stop - span.place.start <= side
        assert span.place.start % 16 == 0
        total[span.place] += span.weight

    assert np.allclose(total, 1, atol=1e-6)
    assert all(a.place.stop - b.place.start >= OVERLAP for a, b in pairwise(found))
    assert all(not b.weight[:MARGIN].any() and not a.weight[-MARGIN:].any() for a, b in pairwise(found))


def test_tiles_of_a_local_engine_are_the_whole_frame(blending):
    frame0, frame1 = moving_texture(700, 1250), moving_texture(700, 1250, dx=3)

    def made(tile):
        interpolator, engine = blending(steps=1, tile=tile)
        return interpolator(frame0, frame1, [0.25, 0.5, 0.75], pts=4), max(engine.asked)

    (whole, all_at_once), (tiled, largest) = made("off"), made(512)

    assert largest <= 512 * 512 < all_at_once
    assert max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(whole, tiled, strict=True)) <= 1  # rounding


def test_a_tile_is_told_how_wide_the_whole_frame_is(blending):
    """What counts as far, in shares of it, is the same in every tile."""
    interpolator, engine = blending(steps=0, tile=512)

    interpolator(moving_texture(400, 1250), moving_texture(400, 1250, dx=3), [0.5])

    assert max(engine.asked) < 400 * 1250
    assert engine.frame_widths == {1250}


def test_tiles_of_the_network_agree_with_the_whole_frame():
    """What crosses the edge of a tile is made by its neighbour."""
    frame0, frame1 = (np.ascontiguousarray(moving_texture(400, 800, dx=dx)) for dx in (0, 12))
    with Interpolator(steps=1, threads=2, tile="off") as whole, Interpolator(steps=1, threads=2, tile=512) as tiled:
        difference = tiled(frame0, frame1, [0.5])[0].astype(float) - whole(frame0, frame1, [0.5])[0]

    assert difference.any(), "the frame was not made of tiles"
    assert 10 * np.log10(255**2 / np.mean(difference**2)) > 50


def test_running_out_of_memory_leads_to_smaller_tiles_and_not_to_the_end(blending):
    frame0, frame1 = moving_texture(1100, 1500), moving_texture(1100, 1500, dx=3)
    interpolator, engine = blending(700 * 700, steps=0, tile="auto")

    [made] = interpolator(frame0, frame1, [0.5])
    first_try = len(engine.asked)
    interpolator(frame0, frame1, [0.5])

    expected = (frame0.astype(float) + frame1) / 2
    assert np.abs(made - expected).max() <= 1
    assert max(engine.asked[first_try:]) <= 700 * 700, "what did not fit is not tried again"
    assert engine.released == sum(pixels > engine.pixels for pixels in engine.asked), "nothing is held for what failed"
    assert interpolator.tile_side(1100, 1500) < 1500


def test_calls_that_run_out_of_memory_together_make_the_tiles_smaller_once(blending, monkeypatch):
    """Each of them once more would end the job although tiles of the next size fit."""
    calls = 6
    together = Barrier(calls)
    frames = [moving_texture(700, 1250, dx=dx) for dx in range(2 * calls)]
    interpolator, engine = blending(960 * 720, steps=0)
    encode = engine.encode

    def failing_together(frame):
        try:
            return encode(frame)
        except OutOfMemoryError:
            together.wait(timeout=20)
            raise

    monkeypatch.setattr(engine, "encode", failing_together)
    with ThreadPoolExecutor(calls) as pool:
        made = list(pool.map(lambda *pair: interpolator(*pair, [0.5])[0], frames[::2], frames[1::2]))

    for frame0, frame1, new in zip(frames[::2], frames[1::2], made, strict=True):
        assert np.abs(new - (frame0.astype(float) + frame1) / 2).max() <= 1
    assert interpolator.tile_side(700, 1250) == 944


@pytest.mark.parametrize(("pixels", "tile"), [(100 * 100, "auto"), (700 * 700, "off")])
def test_where_no_smaller_tile_is_possible_or_wanted_a_sentence_says_so(blending, pixels, tile):
    interpolator, _ = blending(pixels, steps=0, tile=tile)

    with pytest.raises(OutOfMemoryError, match="not enough memory for frames of 1500x1100"):
        interpolator(moving_texture(1100, 1500), moving_texture(1100, 1500), [0.5])


@pytest.mark.parametrize(
    ("option", "pixels", "side"),
    [
        ("auto", None, None),
        ("auto", 2160 * 3840, None),
        ("auto", 2160 * 3840 - 1, 2048),
        ("auto", 1024 * 1024, 1024),
        ("auto", 1, SMALLEST),
        ("off", 1, None),
        (1000, None, 992),
        (4000, None, None),
    ],
)
def test_the_side_follows_the_option_and_the_memory(option, pixels, side):
    assert TileChoice(option, lambda frame: pixels).side(2160, 3840) == side


def test_the_side_is_chosen_once_however_much_memory_is_free_later():
    free = iter([1024 * 1024, 10**9])
    choice = TileChoice("auto", lambda frame: next(free))

    assert choice.side(2160, 3840) == choice.side(2160, 3840) == 1024


def test_threads_that_ask_together_get_one_answer():
    together, free = Barrier(2), iter([1024 * 1024, 512 * 512])

    def affordable(pixels: int) -> int:
        with suppress(BrokenBarrierError):  # nobody else may come here meanwhile
            together.wait(timeout=0.2)
        return next(free)

    choice = TileChoice("auto", affordable)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(choice.side, (2160, 2160), (3840, 3840))) == [1024, 1024]


@pytest.mark.parametrize("option", [0, 511, -1, "some", 600.0])
def test_tiles_that_cannot_be_are_refused(option):
    with pytest.raises(UsageError, match="tile must be auto, off or a number of pixels from 512 up"):
        TileChoice(option, lambda frame: None)


def test_a_part_of_frames_that_fit_fits_too_however_little_memory_is_free_by_then():
    """What the whole frames take is taken already."""
    free = iter([10**9, 1])
    choice = TileChoice("auto", lambda frame: next(free))

    assert choice.side(720, 1280) is None
    assert choice.side(544, 1280) is None


def test_a_part_of_frames_in_tiles_is_made_of_tiles_of_that_size():
    choice = TileChoice("auto", lambda frame: 512 * 512)

    assert choice.side(720, 1280) == SMALLEST == choice.side(544, 1280)
    assert choice.side(480, 512) is None
