"""Interpolators without a network, to compare with: repeat, blend, optical flow (OpenCV), ffmpeg's minterpolate.

Each is a callable `(frame0, frame1, tau) -> frame`; frames are (H, W, 3) uint8 RGB, gamma-encoded.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import ComponentError, UsageError, needing
from vfi_flow.training.frame import Frame, to_bytes

Flow = NDArray[np.float32]
"""(H, W, 2), pixels, where to look: channel 0 = dx (right), channel 1 = dy (down)."""
Baseline = Callable[[Frame, Frame, float], Frame]
LookUp = Callable[[NDArray[Any], Flow], NDArray[Any]]


def repeat(frame0: Frame, frame1: Frame, tau: float) -> Frame:
    """The nearer of the two frames; `frame0` in the middle."""
    return frame0 if tau <= 0.5 else frame1


def blend(frame0: Frame, frame1: Frame, tau: float) -> Frame:
    """The weighted mean of the two frames at every pixel."""
    return to_bytes((1 - tau) * frame0.astype(np.float32) + tau * frame1)


class Dis:
    """Dense inverse search optical flow (Kroeger et al. 2016, OpenCV), warped with regard to what each frame sees.

    1. Flow in both directions between the grey frames, preset medium. `finest_scale` 0 searches down to full
       resolution, which is as fine as OpenCV's DIS can; 1 is that preset's own value and three times as fast.
    2. Each of the two gives one velocity at `tau`: the fixed point of v(p) = flow_0_to_1(p - tau v(p)), and in the
       same way backwards, so that a pixel gets the motion of the content that passes through it.
    3. Each velocity fetches its pixels from both frames; a frame counts by its nearness in time, and only where the
       velocity points into the picture.
    4. The two results are mixed by how well their pixels agree. Near an occlusion one of the two velocities belongs
       to content that the other frame does not show; the frames disagree there, and it loses.

    Of 30 variants (one mean velocity, forward splatting, forward-backward checks, selection) this had the highest
    PSNR on our validation clips. Fetching pixels bicubically has 0.03 dB more and a sixth less LPIPS (`dis-cubic`).
    """

    smallest_side = 16
    """Pixels; smaller frames are blended, because too few of the flow's 8-pixel patches fit into them."""

    def __init__(self, finest_scale: int = 0, look_up: LookUp | None = None) -> None:
        """`look_up` fetches pixels from the frames; None: bilinearly."""
        self._look_up = look_up or bilinear
        self._flow = load_cv2().DISOpticalFlow_create(load_cv2().DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._flow.setFinestScale(finest_scale)

    def __call__(self, frame0: Frame, frame1: Frame, tau: float) -> Frame:
        if frame0.shape != frame1.shape:
            raise UsageError(f"frame0 and frame1 must have the same shape, got {frame0.shape} and {frame1.shape}")
        if min(frame0.shape[:2]) < self.smallest_side:
            return blend(frame0, frame1, tau)
        return self.follow(frame0, frame1, self.flow(frame0, frame1), self.flow(frame1, frame0), tau)

    def follow(self, frame0: Frame, frame1: Frame, flow_0_to_1: Flow, flow_1_to_0: Flow, tau: float) -> Frame:
        """The frame at `tau`, whatever found the motion: steps 2 to 4."""
        forwards = project(flow_0_to_1, tau)
        backwards = -project(flow_1_to_0, 1 - tau)
        made_forwards, error_forwards = fetch(frame0, frame1, forwards, tau, self._look_up)
        made_backwards, error_backwards = fetch(frame0, frame1, backwards, tau, self._look_up)
        share = 1 / (1 + np.exp(np.clip((error_forwards - error_backwards) / MIXING_GREY_LEVELS, -50, 50)))
        return to_bytes(made_backwards + share[..., None] * (made_forwards - made_backwards))

    def flow(self, source: Frame, target: Frame) -> Flow:
        """Optical flow from `source` to `target`: source[p] is found at target[p + flow[p]]."""
        return self._flow.calc(to_grey(source), to_grey(target), None)


MIXING_GREY_LEVELS = 10.0
"""How far the disagreements of two velocities must lie apart for one to weigh e times the other; 8-bit levels."""


def project(flow: Flow, tau: float) -> Flow:
    """The flow carried `tau` of its way: v with v(p) = flow(p - tau v(p)), by two fixed-point iterations."""
    velocity = flow
    for _ in range(2):
        velocity = bilinear(flow, -tau * velocity)
    return velocity


def fetch(
    frame0: Frame, frame1: Frame, velocity: Flow, tau: float, look_up: LookUp
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The frame at `tau` along `velocity` and, in grey levels, how much the two frames disagree there (smoothed)."""
    cv2 = load_cv2()
    flow_tau_to_0, flow_tau_to_1 = -tau * velocity, (1 - tau) * velocity
    warped0, warped1 = look_up(frame0, flow_tau_to_0), look_up(frame1, flow_tau_to_1)
    mean_of_channels = cv2.transform(cv2.absdiff(warped0, warped1).astype(np.float32), np.full((1, 3), 1 / 3))
    disagreement = cv2.GaussianBlur(mean_of_channels, (0, 0), 2.0)
    # A pixel that neither frame shows keeps the plain weights.
    weight0 = (1 - tau) * (inside(flow_tau_to_0) + 1e-4)
    weight1 = tau * (inside(flow_tau_to_1) + 1e-4)
    share = (weight1 / (weight0 + weight1))[..., None]
    return np.asarray(warped0 + share * (warped1.astype(np.float32) - warped0), np.float32), disagreement


def bilinear(image: NDArray[Any], flow: Flow) -> NDArray[Any]:
    """`image` where `flow` points, out[p] = image[p + flow[p]]; outside counts the nearest edge pixel."""
    return look_up(image, flow, load_cv2().INTER_LINEAR)


def bicubic(image: NDArray[Any], flow: Flow) -> NDArray[Any]:
    """The same by 4x4 pixels, float32: sharper."""
    return look_up(image.astype(np.float32), flow, load_cv2().INTER_CUBIC)


def look_up(image: NDArray[Any], flow: Flow, how: int) -> NDArray[Any]:
    y, x = grid(*image.shape[:2])
    target = x + flow[..., 0], y + flow[..., 1]
    return load_cv2().remap(image, *target, how, borderMode=load_cv2().BORDER_REPLICATE)


def inside(flow: Flow) -> NDArray[np.float32]:
    """1 where `flow` points into the picture, else 0; (H, W)."""
    height, width = flow.shape[:2]
    y, x = grid(height, width)
    across, down = x + flow[..., 0], y + flow[..., 1]
    return ((across >= -0.5) & (across <= width - 0.5) & (down >= -0.5) & (down <= height - 0.5)).astype(np.float32)


@lru_cache(maxsize=4)
def grid(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Row and column of every pixel; kept from frame to frame."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y.flags.writeable = x.flags.writeable = False
    return y, x


def minterpolate(frame0: Frame, frame1: Frame, tau: float) -> Frame:
    """ffmpeg's motion-compensated `minterpolate` (overlapped blocks of variable size, both directions).

    Its scene detection is off, because whoever asks for this frame has already decided that the two belong together.
    Frames too small for it are blended.
    """
    try:
        import av
    except ImportError as error:
        raise ComponentError("minterpolate is FFmpeg's; run: pip install av") from error

    height, width = frame0.shape[:2]
    if min(height, width) < MINTERPOLATE_SMALLEST_SIDE:
        return blend(frame0, frame1, tau)

    unit = Fraction(1, 100_000)
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24", width, height), time_base=unit)
    options = "fps=1:mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1:scd=none"
    chain = [source, graph.add("format", "yuv444p"), graph.add("minterpolate", options), graph.add("format", "rgb24")]
    graph.link_nodes(*chain, graph.add("buffersink")).configure()

    # The filter looks at four frames at a time, so both ends are shown twice. What it makes lies at whole seconds:
    #   seconds  0       1 - tau    1      2 - tau    3 - tau
    #   frame    frame0  frame0   wanted   frame1     frame1
    for seconds, array in ((0, frame0), (1 - tau, frame0), (2 - tau, frame1), (3 - tau, frame1)):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")
        frame.pts, frame.time_base = round(seconds / unit), unit
        graph.push(frame)
    graph.push(None)
    while True:
        try:
            made = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError) as error:
            raise ComponentError(f"minterpolate: this FFmpeg made no frame at tau = {tau:g}") from error
        assert isinstance(made, av.VideoFrame) and made.pts is not None and made.time_base is not None
        if made.pts * made.time_base == 1:
            return made.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


MINTERPOLATE_SMALLEST_SIDE = 32
"""Pixels; the filter refuses smaller frames."""

BASELINES: dict[str, Callable[[], Baseline]] = {
    "repeat": lambda: repeat,
    "blend": lambda: blend,
    "dis": Dis,
    "dis-cubic": lambda: Dis(look_up=bicubic),
    "dis-fast": lambda: Dis(finest_scale=1),
    "minterpolate": lambda: minterpolate,
}


def make_baseline(name: str) -> Baseline:
    """A baseline by its name on the command line."""
    if name not in BASELINES:
        raise UsageError(f"unknown baseline '{name}'; there are {', '.join(BASELINES)}")
    return BASELINES[name]()


def load_cv2() -> Any:
    with needing("train", "optical flow"):
        import cv2
    return cv2


def to_grey(frame: Frame) -> Frame:
    cv2 = load_cv2()
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
