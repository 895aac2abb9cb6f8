"""What programs use: any frame size, noise by key, features once a frame, and a sentence for every misuse."""

import gc
import os
import shutil
import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import Event, Lock
from weakref import ref

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from tiny_network import STRENGTH, moving_texture

from vfi_flow import Interpolator, Neighbour
from vfi_flow.errors import ComponentError, UsageError, VfiFlowError
from vfi_flow.inference import interpolator as module
from vfi_flow.inference.frame_cache import KEPT, CachedFrame
from vfi_flow.inference.onnx_interpolator import OnnxEngine
from vfi_flow.inference.onnx_session import load_runtime

ROOT = Path(__file__).parents[2]
GREY = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def sampler(tiny_model):
    """One midpoint step at full strength."""
    with Interpolator(tiny_model, steps=1, strength=1.0, threads=1) as interpolator:
        yield interpolator


def pair(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    return moving_texture(height, width), moving_texture(height, width, dx=2)


def equal(made: list[np.ndarray], expected: list[np.ndarray]) -> bool:
    return len(made) == len(expected) and all(map(np.array_equal, made, expected))


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 70), (70, 1), (2, 3), (16, 16), (17, 33), (45, 64), (70, 70)]
)
def test_frames_of_any_size_give_frames_of_that_size(sampler, height, width):
    frame0, frame1 = pair(height, width)
    before = frame0.copy(), frame1.copy()

    made = sampler(frame0, frame1, [0.25, 0.75])

    assert [(frame.shape, frame.dtype) for frame in made] == [((height, width, 3), np.uint8)] * 2
    assert all(frame.flags.c_contiguous for frame in made)
    assert np.array_equal(frame0, before[0])
    assert np.array_equal(frame1, before[1])


def test_the_same_key_gives_the_same_frame_whatever_was_made_before(sampler, tiny_model):
    frame0, frame1 = pair(40, 56)
    first = sampler(frame0, frame1, [0.5], pts=7)
    sampler(*pair(17, 21), [0.1], pts=8)

    assert equal(sampler(frame0, frame1, [0.5], pts=7), first)
    assert equal(sampler(frame0, frame1, [0.2, 0.5], pts=7)[1:], first)
    with Interpolator(tiny_model, steps=1, strength=1.0, threads=1) as another:
        assert equal(another(frame0, frame1, [0.5], pts=7), first)


def test_pairs_out_of_order_give_the_frames_of_pairs_in_order(sampler):
    frames = [moving_texture(32, 32, dx=2 * i) for i in range(4)]

    in_order = [sampler(frames[i], frames[i + 1], [0.5], pts=i) for i in (0, 1, 2)]
    backwards = [sampler(frames[i], frames[i + 1], [0.5], pts=i) for i in (2, 1, 0)]

    assert all(equal(made, again) for made, again in zip(in_order, reversed(backwards), strict=True))


def test_the_motion_to_one_frame_is_not_taken_for_that_to_another(sampler, tiny_model):
    frame, near, far = (moving_texture(32, 48, dx=dx) for dx in (0, 2, 9))
    with Interpolator(tiny_model, steps=1, strength=1.0, threads=1) as fresh:
        expected = fresh(frame, far, [0.5])

    sampler(frame, near, [0.5])
    assert equal(sampler(frame, far, [0.5]), expected)
    sampler(frame, frame, [0.5])
    assert equal(sampler(frame, far, [0.5]), expected)


def test_another_pts_or_seed_gives_another_sample(sampler, tiny_model):
    frame0, frame1 = pair(32, 32)
    first = sampler(frame0, frame1, [0.5], pts=7)

    assert not equal(sampler(frame0, frame1, [0.5], pts=8), first)
    with Interpolator(tiny_model, steps=1, strength=1.0, seed=1, threads=1) as seeded:
        assert not equal(seeded(frame0, frame1, [0.5], pts=7), first)


def test_the_mean_does_not_depend_on_seed_pts_or_strength(tiny_model):
    frame0, frame1 = pair(32, 32)
    made = []
    for seed, strength, pts in ((0, 0.0, 0), (5, 1.0, 9)):
        with Interpolator(tiny_model, steps=0, seed=seed, strength=strength, threads=1) as interpolator:
            made.append(interpolator(frame0, frame1, [0.5], pts=pts))

    assert equal(*made)


def test_strength_zero_is_the_mean_and_its_default_is_the_calibrated_one(tiny_model):
    frame0, frame1 = pair(32, 32)

    def made(steps: int, strength: float | None) -> list[np.ndarray]:
        with Interpolator(tiny_model, steps=steps, strength=strength, threads=1) as interpolator:
            return interpolator(frame0, frame1, [0.5])

    assert equal(made(1, 0.0), made(0, None))
    assert equal(made(1, None), made(1, STRENGTH))
    assert not equal(made(1, STRENGTH), made(1, 1.0))


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_sixteen_bits_are_the_same_frame_with_finer_steps(tiny_model, engine, steps):
    frame0, frame1 = pair(33, 50)
    with Interpolator(tiny_model, steps=steps, threads=1, engine=engine) as interpolator:
        [coarse] = interpolator(frame0, frame1, [0.5])
        [fine] = interpolator(frame0.astype(np.uint16) * 257, frame1.astype(np.uint16) * 257, [0.5])

    assert (coarse.dtype, fine.dtype) == (np.uint8, np.uint16)
    assert np.array_equal(np.rint(fine / 257), coarse)
    assert len(np.unique(fine)) > 2 * len(np.unique(coarse))


def test_a_difference_of_one_in_sixteen_bits_is_seen(sampler):
    frame = np.full((16, 16, 3), 30000, np.uint16)

    [lower], [higher] = sampler(frame, frame, [0.5]), sampler(frame + 40, frame + 40, [0.5])

    assert 20 < higher.mean() - lower.mean() < 60


def test_tau_zero_and_one_return_copies_of_the_frames(sampler):
    frame0, frame1 = pair(20, 20)

    start, middle, end = sampler(frame0, frame1, [0, 0.5, 1])
    only_ends = sampler(frame0, frame1, [1.0, Fraction(0)])

    assert equal([start, end], [frame0, frame1])
    assert equal(only_ends, [frame1, frame0])
    assert not np.shares_memory(start, frame0)
    assert not np.shares_memory(only_ends[0], frame1)
    assert not equal([middle], [frame0])


def test_no_taus_give_no_frames(sampler):
    assert sampler(*pair(16, 16), []) == []


def test_exact_places_are_taken_as_fractions(sampler):
    frame0, frame1 = pair(16, 16)

    assert equal(sampler(frame0, frame1, [Fraction(2, 5)]), sampler(frame0, frame1, [0.4]))


def test_places_as_close_to_a_frame_as_float32_allows_are_finite(sampler):
    """tau is float32 in the graph, where these are 0, 1 and the smallest numbers beside them."""
    frame0, frame1 = pair(32, 32)

    near0, tiny0, near1, tiny1 = sampler(frame0, frame1, [1e-60, 1e-7, 1 - 1e-12, 1 - 1e-7])

    assert np.abs(near0.astype(int) - tiny0).max() <= 1
    assert np.abs(near1.astype(int) - tiny1).max() <= 1


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_views_of_other_arrays_are_frames_too(tiny_model, engine):
    """OpenCV's BGR turned to RGB is a view with negative strides, a mapped file cannot be written to."""
    frame0, frame1 = pair(32, 48)
    flipped0, flipped1 = (np.ascontiguousarray(frame[:, :, ::-1])[:, :, ::-1] for frame in (frame0, frame1))
    locked = frame0.copy()
    locked.flags.writeable = False

    with Interpolator(tiny_model, threads=1, engine=engine) as interpolator:
        expected = interpolator(frame0, frame1, [0.5])

        assert equal(interpolator(flipped0, flipped1, [0.5]), expected)
        assert equal(interpolator(locked, frame1, [0.5]), expected)


class CountingEngine:
    """Stands for a network: counts what it is asked for."""

    def __init__(self, engine: OnnxEngine) -> None:
        self.bytes_per_pixel = engine.bytes_per_pixel
        self.engine, self.model = engine, engine.model
        self.encoded, self.registered, self.intervals, self.noises = 0, 0, [], []
        self.lock = Lock()

    def encode(self, frame):
        with self.lock:
            self.encoded += 1
        return self.engine.encode(frame)

    def register(self, features0, features1):
        with self.lock:
            self.registered += 1
        return self.engine.register(features0, features1)

    def compose(self, features0, features1, motion, tau, noise, strength):
        self.intervals.append(motion.intervals)
        self.noises.append(noise)
        return self.engine.compose(features0, features1, motion, tau, noise, strength)

    def close(self) -> None:
        self.engine.close()


@pytest.fixture
def counted(tiny_model):
    with Interpolator(tiny_model, threads=1) as interpolator:
        interpolator._engine = CountingEngine(interpolator._engine)
        yield interpolator


def transparent(frame: np.ndarray, hole: slice) -> np.ndarray:
    """`frame` with straight alpha; the columns `hole` are invisible."""
    alpha = np.full((*frame.shape[:2], 1), np.iinfo(frame.dtype).max, frame.dtype)
    alpha[:, hole] = 0
    return np.concatenate([frame, alpha], axis=2)


@pytest.mark.parametrize("scale", [1, 257], ids=["8 bit", "16 bit"])
def test_opaque_frames_cost_what_frames_without_alpha_cost(counted, scale):
    frame0, frame1 = (frame.astype(np.uint8 if scale == 1 else np.uint16) * scale for frame in pair(20, 20))
    expected = counted(frame0, frame1, [0.3, 0.6])
    assert len(counted._engine.noises) == 2

    made = counted(transparent(frame0, slice(0)), transparent(frame1, slice(0)), [0.3, 0.6])

    assert len(counted._engine.noises) == 4
    assert equal([frame[..., :3] for frame in made], expected)
    assert all((frame[..., 3] == np.iinfo(frame.dtype).max).all() for frame in made)


def test_colour_and_alpha_of_a_frame_are_encoded_once_each(counted):
    frames = [transparent(moving_texture(20, 20, dx=2 * i), slice(i, 10)) for i in range(4)]
    for i in range(3):
        counted(frames[i], frames[i + 1], [0.5], pts=i)

    assert counted._engine.encoded == 2 * len(frames)


def test_alpha_is_made_without_grain_however_strong_that_of_the_colours_is(tiny_model):
    frames = [transparent(frame, slice(dx, dx + 12)) for frame, dx in zip(pair(32, 48), (8, 10), strict=True)]
    made = []
    for strength in (0.0, 1.5):
        with Interpolator(tiny_model, steps=1, strength=strength, threads=1) as interpolator:
            made += interpolator(*frames, [0.5])

    plain, grainy = made
    assert np.array_equal(plain[..., 3], grainy[..., 3])
    assert not np.array_equal(plain[..., :3], grainy[..., :3])


def test_what_is_hidden_does_not_show(sampler):
    """Two pairs that differ only under transparent pixels give frames that look the same."""
    frame0, frame1 = (transparent(frame, slice(0, 12)) for frame in pair(32, 48))
    painted0, painted1 = frame0.copy(), frame1.copy()
    painted0[:, :12, :3] = painted1[:, :12, :3] = (255, 0, 200)

    [made], [painted] = sampler(frame0, frame1, [0.5]), sampler(painted0, painted1, [0.5])

    assert np.array_equal(made[..., 3], painted[..., 3])
    alpha = made[..., 3:] / 255
    assert np.abs(made[..., :3] * alpha - painted[..., :3] * alpha).max() <= 16


def test_frames_are_encoded_and_motion_is_found_once_for_every_tau(counted):
    frames = [moving_texture(20, 20, dx=2 * i) for i in range(5)]
    for i in range(4):
        counted(frames[i].copy(), frames[i + 1].copy(), [0.25, 0.5, 0.75], pts=i)

    assert counted._engine.encoded == len(frames)
    assert counted._engine.registered == 4
    assert len(counted._engine.noises) == 12


def test_in_a_stream_every_frame_is_encoded_and_every_motion_found_once(counted):
    frames = [moving_texture(20, 20, dx=2 * i) for i in range(6)]
    for i in range(5):
        before = Neighbour(frames[i - 1].copy()) if i > 0 else None
        after = Neighbour(frames[i + 2].copy()) if i < 4 else None
        counted(frames[i].copy(), frames[i + 1].copy(), [0.3, 0.6], pts=i, before=before, after=after)

    assert counted._engine.encoded == 6
    assert counted._engine.registered == 5
    assert counted._engine.intervals[::2] == [(0, 1), (1, 1), (1, 1), (1, 1), (1, 0)]


def test_threads_that_share_an_interpolator_get_what_one_gets(tiny_model, counted):
    """Pairs of a stream, asked for at the same time: the same frames, and nothing is found out twice."""
    frames = [moving_texture(40, 56, dx=2 * i) for i in range(9)]

    def made(interpolator, first):
        around = {"before": Neighbour(frames[first - 1]), "after": Neighbour(frames[first + 2])}
        return interpolator(frames[first], frames[first + 1], [0.25, 0.5], pts=first, **around)

    with Interpolator(tiny_model, threads=1) as alone:
        expected = [made(alone, first) for first in range(1, 7)]
    found, waiting = [], deque()
    with ThreadPoolExecutor(3) as pool:
        for first in range(1, 7):  # none is three pairs behind the others, as in a job
            if len(waiting) == 3:
                found.append(waiting.popleft().result())
            waiting.append(pool.submit(made, counted, first))
        found += [call.result() for call in waiting]

    assert all(equal(*each) for each in zip(found, expected, strict=True))
    assert counted._engine.registered == 8
    assert counted._engine.encoded <= 9 + 3  # features of a frame that nobody seemed to need any more


@pytest.mark.parametrize(
    ("size", "threads", "tile", "expected"),
    [
        ((360, 640), 4, "auto", 4),
        ((360, 640), 16, "auto", 5),
        ((360, 640), 1, "auto", 1),
        ((720, 1280), 4, "auto", 1),
        ((360, 640), 4, 512, 1),
        ((1, 1), 3, "auto", 3),
    ],
)
def test_as_many_calls_at_once_as_cores_and_memory_hold(tiny_model, size, threads, tile, expected):
    with Interpolator(tiny_model, threads=threads, tile=tile, device="cpu") as interpolator:
        assert interpolator.calls_at_once(*size) == expected


@pytest.mark.parametrize(("free", "expected"), [(10**12, 5), (600_000_000, 2), (0, 1)])
def test_calls_at_once_leave_some_of_the_free_memory(tiny_model, monkeypatch, free, expected):
    with Interpolator(tiny_model, threads=16, tile="off", device="cpu") as interpolator:
        monkeypatch.setattr(module, "free_memory", lambda: free)

        assert interpolator.calls_at_once(360, 640) == expected


def test_torch_shares_one_call_out_among_all_threads(tiny_model):
    with Interpolator(tiny_model, engine="torch", device="cpu") as interpolator:
        assert interpolator.calls_at_once(64, 64) == 1


def test_neighbours_show_that_motion_speeds_up(trained_model):
    """A picture that moves by 1, 3 and 5 pixels: half-way in time it is less than half-way."""
    frames = [moving_texture(96, 128, dx=dx) for dx in (-1, 0, 3, 8)]
    truth = moving_texture(96, 128, dx=1.25).astype(float)
    with Interpolator(trained_model, steps=0, threads=1) as interpolator:
        [even] = interpolator(frames[1], frames[2], [0.5])
        [uneven] = interpolator(frames[1], frames[2], [0.5], before=Neighbour(frames[0]), after=Neighbour(frames[3]))

    inside = np.s_[16:-16, 24:-24]
    assert np.abs(uneven - truth)[inside].mean() < 0.5 * np.abs(even - truth)[inside].mean()


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_the_order_of_pairs_does_not_change_what_neighbours_do(tiny_model, engine):
    frames = [moving_texture(33, 48, dx=dx) for dx in (0, 1, 3, 6, 10)]

    def made(interpolator, first):
        around = {"before": Neighbour(frames[first - 1], 0.5), "after": Neighbour(frames[first + 2], 1.5)}
        return interpolator(frames[first], frames[first + 1], [0.25, 0.5], pts=first, **around)

    def opened():
        return Interpolator(tiny_model, steps=1, threads=1, engine=engine, device="cpu")

    with opened() as stream, opened() as fresh:
        in_order = [made(stream, first) for first in (1, 2)]
        assert equal(made(fresh, 2), in_order[1]) and equal(made(fresh, 1), in_order[0])


def test_both_engines_follow_neighbours_alike(tiny_model):
    frames = [moving_texture(33, 48, dx=dx) for dx in (0, 1, 3, 6)]
    made = []
    for engine in ("onnx", "torch"):
        with Interpolator(tiny_model, steps=1, threads=1, engine=engine, device="cpu") as interpolator:
            around = {"before": Neighbour(frames[0], 0.5), "after": Neighbour(frames[3])}
            made += interpolator(frames[1], frames[2], [0.3], **around)
            alone = interpolator(frames[1], frames[2], [0.3])[0]

    assert np.abs(made[0].astype(int) - made[1]).max() <= 1
    assert not np.array_equal(made[1], alone)


@pytest.mark.parametrize(
    ("neighbour", "complaint"),
    [
        (Neighbour(np.zeros((8, 9, 3), np.uint8)), "after must be like frame0, uint8 (8, 8, 3), got uint8 (8, 9, 3)"),
        (Neighbour(np.zeros((8, 8, 3), np.uint16)), "after must be like frame0, uint8 (8, 8, 3), got uint16 (8, 8, 3)"),
        (Neighbour(np.zeros((8, 8, 3), np.uint8), 0), "the interval of after must be above 0, got 0"),
        (Neighbour(np.zeros((8, 8, 3), np.uint8), float("nan")), "the interval of after must be above 0, got nan"),
    ],
)
def test_neighbours_that_do_not_fit_are_refused(sampler, neighbour, complaint):
    with pytest.raises(UsageError) as caught:
        sampler(GREY, GREY, [0.5], after=neighbour)

    assert str(caught.value) == complaint


def test_equal_numbers_of_two_depths_are_two_frames(counted):
    frame0, frame1 = pair(20, 20)
    counted(frame0, frame1, [0.5])
    counted(frame1.astype(np.uint16), frame0.astype(np.uint16), [0.5])

    assert counted._engine.encoded == 4


def test_frames_that_differ_in_one_pixel_are_two_frames(counted):
    """Only every sixteenth pixel is compared at first."""
    frame = moving_texture(40, 40)
    other = frame.copy()
    other[5, 5] ^= 128

    counted(frame, other, [0.5])

    assert counted._engine.encoded == 2


def test_a_frame_changed_in_place_is_not_taken_for_the_old_one(counted):
    frame0, frame1 = pair(20, 20)
    counted(frame0, frame1, [0.5])
    frame1[:] = 255 - frame1
    counted(frame1, frame0, [0.5])

    assert counted._engine.encoded == 3


def test_all_new_frames_of_a_pair_share_their_noise(counted):
    counted(*pair(20, 20), [0.25, 0.5], pts=3)
    first, second = counted._engine.noises

    assert np.array_equal(first, second)


def test_copies_of_the_frames_cost_no_network(counted):
    counted(*pair(20, 20), [0, 1])

    assert (counted._engine.encoded, counted._engine.noises) == (0, [])


@pytest.mark.skipif(sys.platform != "linux", reason="other allocators keep memory")
def test_what_graphs_needed_is_given_back_in_the_end(trained_model):
    """In a process of its own, whose memory nothing else fills and in which the C library keeps nothing for later."""
    code = """
import numpy as np, psutil
from vfi_flow import Interpolator

def megabytes():
    return psutil.Process().memory_info().rss / 1e6

frames = np.random.default_rng(0).integers(0, 256, (2, 512, 896, 3)).astype(np.uint8)
with Interpolator("base", steps=0, threads=1, device="cpu") as interpolator:
    interpolator(frames[0, :16, :16], frames[1, :16, :16], [0.5])
    opened = megabytes()
    interpolator(*frames, [0.5])
    busy = megabytes()
print(int(busy - opened), int(megabytes() - opened))
"""
    giving = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT, env=giving)

    needed, kept = map(int, done.stdout.split())
    assert needed > 100
    assert kept < 0.2 * needed


def test_it_says_what_runs(tiny_model, sampler):
    from vfi_flow.model.weights import load_weights

    assert sampler.model_name == "tiny"
    assert sampler.model_hash == load_weights(tiny_model)[2]
    assert sampler.engine == "onnxruntime CPUExecutionProvider"
    with Interpolator(str(tiny_model), engine="torch", device="cpu", threads=1) as interpolator:
        assert (interpolator.model_name, interpolator.model_hash) == ("tiny", sampler.model_hash)
        assert interpolator.engine == "torch cpu"


def test_any_file_of_a_model_opens_it(tiny_model):
    with Interpolator(tiny_model.with_name("tiny.compose_1.onnx"), threads=1) as interpolator:
        assert interpolator.model_name == "tiny"


@pytest.mark.parametrize(
    ("frame0", "frame1", "complaint"),
    [
        (
            GREY,
            np.zeros((8, 9, 3), np.uint8),
            "frame0 and frame1 must have the same shape, got (8, 8, 3) and (8, 9, 3)",
        ),
        (GREY.astype(np.float32), GREY, "frame0 must be an array of uint8 or uint16, got float32"),
        (GREY, GREY.astype(np.uint16), "frame0 and frame1 must have the same type, got uint8 and uint16"),
        (GREY, GREY.tolist(), "frame1 must be an array of uint8 or uint16, got list"),
        (None, GREY, "frame0 must be an array of uint8 or uint16, got NoneType"),
        (GREY[:, :, 0], GREY, "frame0 must have the shape (height, width, 3 or 4), got (8, 8)"),
        (np.zeros((8, 8, 5), np.uint8), GREY, "frame0 must have the shape (height, width, 3 or 4), got (8, 8, 5)"),
        (np.zeros((3, 8, 8), np.uint8), GREY, "frame0 must have the shape (height, width, 3 or 4), got (3, 8, 8)"),
        (np.zeros((0, 8, 3), np.uint8),) * 2 + ("frame0 must have the shape (height, width, 3 or 4), got (0, 8, 3)",),
    ],
    ids=["sizes", "float", "two depths", "list", "None", "grey", "five channels", "channels first", "empty"],
)
def test_frames_of_the_wrong_kind_are_refused(sampler, frame0, frame1, complaint):
    with pytest.raises(UsageError) as caught:
        sampler(frame0, frame1, [0.5])

    assert str(caught.value) == complaint


@pytest.mark.parametrize("tau", [-0.1, 1.5, float("nan"), float("inf"), Fraction(7, 5)])
def test_places_outside_the_pair_are_refused(sampler, tau):
    with pytest.raises(UsageError, match=r"tau must be from 0 \(frame0\) to 1 \(frame1\), got "):
        sampler(GREY, GREY, [0.5, tau])


@pytest.mark.parametrize(
    ("options", "kind", "complaint"),
    [
        ({"steps": 3}, UsageError, "steps must be 0, 1 or 2, got 3"),
        ({"steps": -1}, UsageError, "steps must be 0, 1 or 2, got -1"),
        ({"steps": 0.5}, UsageError, "steps must be a whole number, got 0.5"),
        ({"strength": 2.1}, UsageError, "strength must be from 0 to 2, got 2.1"),
        ({"strength": float("nan")}, UsageError, "strength must be from 0 to 2, got nan"),
        ({"threads": 0}, UsageError, "threads must be 1 or more, got 0"),
        ({"engine": "caffe"}, UsageError, "unknown engine 'caffe'; there are onnx, torch"),
        ({"device": "tpu"}, ComponentError, "unknown device 'tpu'; there are auto, cpu, cuda"),
        ({"device": "tpu", "engine": "torch"}, ComponentError, "unknown device 'tpu'; there are auto, cpu, cuda"),
        ({"model": "huge"}, ComponentError, "unknown model 'huge'; there are "),
        ({"model": "huge", "engine": "torch"}, ComponentError, "no model named 'huge'"),
        ({"model": "gone.safetensors"}, ComponentError, "gone.safetensors: no such model file"),
        ({"model": "gone.safetensors", "engine": "torch"}, ComponentError, "gone.safetensors: no such model file"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_options_out_of_range_are_refused(tiny_model, options, kind, complaint):
    with pytest.raises(VfiFlowError) as caught:
        Interpolator(**{"model": tiny_model, **options})

    assert type(caught.value) is kind
    assert str(caught.value).startswith(complaint)


def copied(model: Path, folder: Path, *suffixes: str) -> Path:
    for suffix in suffixes:
        path = model.with_suffix(suffix)
        (folder / path.name).write_bytes(path.read_bytes())
    return folder / model.name


def test_an_incomplete_model_names_the_file_that_is_missing(tiny_model, tmp_path):
    model = copied(tiny_model, tmp_path, ".safetensors", ".encode.onnx", ".register.onnx", ".enlarge.onnx")

    with pytest.raises(ComponentError, match=r"tiny\.compose_1\.onnx: no such file; run `vfi-flow export"):
        Interpolator(model)


def test_graphs_without_their_weights_are_refused(tiny_model, tmp_path):
    copied(tiny_model, tmp_path, ".encode.onnx", ".compose_1.onnx")

    sentence = r"tiny\.safetensors: no such file; tiny\.encode\.onnx reads its weights from it$"
    with pytest.raises(ComponentError, match=sentence):
        Interpolator(tmp_path / "tiny.encode.onnx")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda data: data[:-1], r"damaged, \d+ bytes instead of \d+"),
        (lambda data: data[: len(data) // 2], r"damaged, \d+ bytes instead of \d+"),
        (lambda data: data[:2000], "damaged, or no weights file"),
        (lambda data: b"", "damaged, or no weights file"),
        (lambda data: b"version https://git-lfs.github.com/spec/v1\n", "damaged, or no weights file"),
        (lambda data: data[:8] + b"[1]".ljust(len(data) - 8), "damaged, or no weights file"),
    ],
    ids=["by a byte", "half", "header", "empty", "pointer", "other header"],
)
def test_graphs_whose_weights_are_damaged_say_which_file_to_look_at_and_no_more(
    tiny_model, tmp_path, capfd, damage, sentence
):
    model = copied(tiny_model, tmp_path, ".safetensors", ".encode.onnx", ".register.onnx", ".compose_1.onnx")
    model.write_bytes(damage(model.read_bytes()))

    with pytest.raises(ComponentError, match=rf"/tiny\.safetensors: {sentence}; copy or install it again$"):
        Interpolator(tmp_path / "tiny.encode.onnx")
    assert capfd.readouterr() == ("", "")


def test_of_a_graph_that_does_not_fit_its_weights_onnxruntime_writes_nothing(tiny_model, tmp_path, capfd):
    from vfi_flow.inference.onnx_session import load_runtime, open_session
    from vfi_flow.inference.providers import find_device

    model = copied(tiny_model, tmp_path, ".safetensors", ".encode.onnx")
    model.write_bytes(model.read_bytes()[:2000])
    runtime = load_runtime()

    with pytest.raises(ComponentError, match=r"tiny\.encode\.onnx: onnxruntime cannot load it"):
        open_session(runtime, tmp_path / "tiny.encode.onnx", find_device("cpu", runtime), None, {})
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"", b"this is no model"], ids=["empty", "text"])
def test_a_file_that_is_no_graph_is_refused(tiny_model, tmp_path, content):
    model = copied(tiny_model, tmp_path, ".safetensors", ".encode.onnx", ".compose_1.onnx")
    (tmp_path / "tiny.encode.onnx").write_bytes(content)

    with pytest.raises(ComponentError, match=r"tiny\.encode\.onnx: "):
        Interpolator(model)


def test_a_graph_of_another_program_is_refused(tmp_path):
    helper = pytest.importorskip("onnx").helper
    import onnx

    port = helper.make_tensor_value_info("frame", onnx.TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["frame"], ["y"])],
        "other",
        [port],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    for name in ("other.encode.onnx", "other.onnx"):
        onnx.save(model, tmp_path / name)

        with pytest.raises(ComponentError) as caught:
            Interpolator(tmp_path / name)

        complaint = f"{tmp_path / name}: not a model of vfi_flow (schema 'none'); expected NAME."
        assert str(caught.value).startswith(complaint)


def test_a_graph_under_the_name_of_another_is_refused(tiny_model, tmp_path):
    parts = ".encode.onnx", ".register.onnx", ".enlarge.onnx", ".compose_1.onnx", ".compose_2.onnx"
    model = copied(tiny_model, tmp_path, ".safetensors", *parts)
    (tmp_path / "tiny.compose_2.onnx").replace(tmp_path / "tiny.compose_1.onnx")

    with pytest.raises(ComponentError, match=r"tiny\.compose_1\.onnx: holds compose_2, in place of compose_1"):
        Interpolator(model)


def test_without_onnxruntime_a_sentence_says_what_to_install(tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(ComponentError, match=r'onnxruntime is not installed; run: pip install ".\[cpu\]"'):
        Interpolator(tiny_model)


def test_what_an_uninstalled_twin_leaves_of_onnxruntime_is_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", type(sys)("onnxruntime"))

    with pytest.raises(ComponentError, match="onnxruntime is damaged"):
        load_runtime()


def test_without_torch_a_sentence_says_what_to_install(tiny_model, monkeypatch):
    monkeypatch.delitem(sys.modules, "vfi_flow.inference.torch_interpolator", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(ComponentError, match=r'engine torch needs torch; run: pip install "\.\[train\]"'):
        Interpolator(tiny_model, engine="torch")


def test_the_onnx_engine_makes_frames_where_torch_cannot_be_imported(tiny_model):
    code = f"""
import sys
for name in ("torch", "onnx", "safetensors", "cv2"): sys.modules[name] = None
import vfi_flow
assert "onnxruntime" not in sys.modules
import numpy as np
with vfi_flow.Interpolator({str(tiny_model)!r}, steps=2, threads=1) as interpolator:
    [made] = interpolator(np.zeros((9, 9, 3), np.uint8), np.full((9, 9, 3), 255, np.uint8), [0.5])
print(made.shape)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "(9, 9, 3)"


def test_it_can_be_closed_twice(tiny_model):
    with Interpolator(tiny_model, threads=1) as interpolator:
        interpolator(*pair(16, 16), [0.5])
        interpolator.close()


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_one_that_nobody_closed_is_freed_as_soon_as_nobody_holds_it(tiny_model, engine):
    interpolator = Interpolator(tiny_model, steps=0, threads=1, engine=engine)
    interpolator(*pair(16, 16), [0.5])
    found, was_enabled = ref(interpolator._engine), gc.isenabled()
    gc.disable()
    try:
        del interpolator

        assert found() is None
    finally:
        if was_enabled:
            gc.enable()


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_it_makes_nothing_after_it_was_closed(tiny_model, engine):
    interpolator = Interpolator(tiny_model, steps=0, threads=1, engine=engine)
    interpolator.close()

    with pytest.raises(UsageError, match="the interpolator is closed; open another one"):
        interpolator(*pair(16, 16), [0.5])


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_a_call_that_runs_while_it_is_closed_ends_well_and_memory_is_freed_after_it(tiny_model, engine, monkeypatch):
    interpolator = Interpolator(tiny_model, steps=0, threads=1, engine=engine)
    expected = interpolator(*pair(16, 16), [0.25, 0.5, 0.75])
    compose, begun, closed, freed = interpolator._engine.compose, Event(), Event(), []

    def composed_late(*arguments):
        begun.set()
        closed.wait(20)
        assert not freed
        return compose(*arguments)

    close = interpolator._engine.close
    monkeypatch.setattr(interpolator._engine, "compose", composed_late)
    monkeypatch.setattr(interpolator._engine, "close", lambda: freed.append(close()))
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(interpolator, *pair(16, 16), [0.25, 0.5, 0.75])
        assert begun.wait(20)
        interpolator.close()
        interpolator.close()
        closed.set()

        assert all(equal(frame, other) for frame, other in zip(made.result(), expected, strict=True))
    assert freed == [None]


def test_a_graph_that_another_call_lets_go_at_once_is_used_all_the_same(tiny_model):
    """Who runs out of memory frees all graphs, while others open theirs."""

    class Forgetful(dict):
        def __setitem__(self, key, value):
            pass

    with Interpolator(tiny_model, steps=0, threads=1) as interpolator:
        expected = interpolator(*pair(16, 16), [0.5])
        interpolator._engine._graphs = Forgetful()
        frames = [np.ascontiguousarray(frame[::-1]) for frame in pair(16, 16)]

        assert len(interpolator(*frames, [0.5])) == len(expected) == 1


def test_a_stream_in_reverse_keeps_no_more_frames(tiny_model):
    def kept() -> int:
        gc.collect()
        return sum(type(found) is CachedFrame for found in gc.get_objects())

    frames = [np.full((16, 16, 3), 10 * n, np.uint8) for n in range(12)]
    before = kept()
    with Interpolator(tiny_model, steps=0, threads=1) as interpolator:
        for one, other in pairwise(frames):
            interpolator(other, one, [0.5])

        assert kept() - before == KEPT


def test_whole_numbers_may_be_of_numpys_kinds(tiny_model):
    made = []
    for kind in (int, np.int32, np.int64, np.uint64):
        with Interpolator(
            tiny_model, steps=kind(1), seed=kind(5), threads=kind(1), scale=kind(1), tile=kind(512)
        ) as interpolator:
            made.append(interpolator(*pair(16, 16), [0.5], pts=kind(3)))

    assert all(equal(other, made[0]) for other in made[1:])


@pytest.mark.parametrize("option", ["steps", "seed", "threads"])
def test_other_numbers_are_refused(tiny_model, option):
    with pytest.raises(UsageError, match=rf"{option} must be a whole number, got 1\.0"):
        Interpolator(tiny_model, **{"steps": 0, option: 1.0})


def test_a_time_stamp_is_a_whole_number(sampler):
    with pytest.raises(UsageError, match=r"pts must be a whole number, got 0\.5"):
        sampler(*pair(16, 16), [0.5], pts=0.5)


@pytest.mark.parametrize("interval", [1e-30, 0.49, 2.01, 1e40])
def test_neighbours_much_nearer_or_further_than_the_pair_say_nothing(sampler, interval):
    frame0, frame1 = pair(32, 48)
    beside = Neighbour(moving_texture(32, 48, dx=-9), interval)

    assert equal(sampler(frame0, frame1, [0.5], before=beside, after=beside), sampler(frame0, frame1, [0.5]))


@pytest.mark.parametrize("interval", [0.5, 2.0])
def test_neighbours_half_or_twice_as_far_do(sampler, interval):
    frame0, frame1 = pair(32, 48)
    beside = Neighbour(moving_texture(32, 48, dx=-9), interval)

    assert not equal(sampler(frame0, frame1, [0.5], before=beside, after=beside), sampler(frame0, frame1, [0.5]))


@pytest.mark.parametrize("neighbour", [GREY, Neighbour([[0, 0, 0]])], ids=["an array", "a list in a Neighbour"])
def test_what_is_no_neighbour_is_refused(sampler, neighbour):
    with pytest.raises(UsageError, match="before must be a Neighbour of an array, got "):
        sampler(GREY, GREY, [0.5], before=neighbour)


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of the cache is another one elsewhere")
def test_onnxruntime_notes_down_nothing_of_its_use(tmp_path):
    code = "from vfi_flow import Interpolator; Interpolator(steps=0).close()"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], env={**environment, "XDG_CACHE_HOME": str(tmp_path)}, check=True)

    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    "taus", [0.5, None, ["0.5"], "0.5", [None], [0.5j], [10**400], np.array([[0.5, 0.6]])], ids=repr
)
def test_places_that_are_no_numbers_are_refused(sampler, taus):
    with pytest.raises(UsageError, match="must be a"):
        sampler(GREY, GREY, taus)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"strength": "1"}, "strength must be a number, got '1'"),
        ({"model": None}, "model must be a name or a Path"),
        ({"device": None}, "device a name"),
    ],
)
def test_options_of_another_kind_are_refused(options, complaint):
    with pytest.raises(UsageError, match=complaint):
        Interpolator(**{"model": "base", **options})


def test_a_distance_that_is_no_number_is_refused(sampler):
    with pytest.raises(UsageError, match="the interval of before must be a number, got '1'"):
        sampler(GREY, GREY, [0.5], before=Neighbour(GREY, "1"))


def test_a_model_in_a_folder_whose_name_is_no_text_is_refused_with_the_reason(tiny_model, tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(tiny_model.parent, folder)

    with pytest.raises(ComponentError, match="opens no file whose path is not UTF-8"):
        Interpolator(folder / tiny_model.name)
