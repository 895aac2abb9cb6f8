"""Exported files against torch: the same questions to both, the answers compared."""

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from vfi_flow.export.calibration import Place, ask_of_video
from vfi_flow.export.fixed_noise import fixed_noise
from vfi_flow.export.graph import (
    SIDES,
    EncodeGraph,
    EnlargeGraph,
    ExportGraph,
    PairGraph,
    Question,
    RegisterGraph,
)
from vfi_flow.export.host_graphs import BytesGraph, as_bytes
from vfi_flow.export.stream_graphs import BESIDE, ComposeGraph
from vfi_flow.export.write import Written

from vfi_flow.errors import VerificationError
from vfi_flow.inference.onnx_session import first_line, load_runtime
from vfi_flow.model.encoder import aligned
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.scale import halved
from vfi_flow.motion.acceleration import Neighbours

SIZES = ((1, 1), (37, 51), (64, 96), (135, 241))
ALIGNED_SIZES = ((16, 16), (64, 96), (144, 240))
"""Height and width."""
BATCHES, TAUS, ENDS = (1, 3), (0.1, 0.5, 0.75), (0.0, 1.0)
LEAST_PSNR = {"fp32": 80.0, "fp16": 50.0, "int8": 25.0}
"""dB between file and torch (106 and 65 measured of trained weights; of int8 31, on videos)."""
LEAST_PSNR_OF_BYTES = 48.0
"""dB when every value is off by one level."""
MOST_LOST = {"fp32": 0.1, "fp16": 0.1, "int8": 0.3}
"""dB that the distance to the true frame may grow by."""
TOO_FEW = 1000
"""Pixels; in fewer, one level of one byte is more than that."""
PARTS = {"encode": EncodeGraph, "register": RegisterGraph, "enlarge": EnlargeGraph}
"""Make no frame by themselves, and run before those that do in layouts of several files."""


@dataclass(frozen=True, slots=True)
class Use:
    """One way of using a file."""

    halvings: int
    """Of the frames on which motion is found."""
    intervals: tuple[float, float] | None = None
    """To the frames before and after; None: there are none."""


ALONE = Use(0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All questions of one size, answered by a file and by torch: the worst of each, in units of the range 0..1."""

    file: str
    height: int
    width: int
    questions: int
    largest: float
    mean: float
    psnr: float
    """dB; infinite when both are equal, and nan, which does not pass, when either is no picture."""
    lost: float
    """dB that torch is nearer to the true frame; of int8 the mean."""
    least_psnr: float
    most_lost: float

    @property
    def passed(self) -> bool:
        near_truth = self.lost <= self.most_lost or self.height * self.width < TOO_FEW
        return self.psnr >= self.least_psnr and near_truth


def compare(files: Iterable[Written], places: Sequence[Place] = ()) -> Iterator[Comparison]:
    """Asks every file of one model at several sizes, batches and places in time; int8 about `places` of videos.

    Drawn waves have no noise, and full precision makes them so exactly that every rounding shows.
    """
    answers: dict[Hashable, Tensor] = {}
    for written in files:
        if isinstance(written.graph, tuple(PARTS.values())):
            continue  # is run with every `synthesise` and `compose`
        run, graph = Runner(written), written.graph
        in_integers = written.variant.precision == "int8"
        for asked in about_videos(written, places) if in_integers else about_waves(written):
            differences = []
            for (key, question, truth), use in product(asked, run.uses):
                settings = graph.steps or 0, use
                if (key, settings) not in answers:
                    answers[key, settings] = answer(graph.network, question, *settings)
                expected = as_written(answers[key, settings], graph)
                differences.append(difference(run(question, use).numpy(), expected.numpy(), truth))
            largest, means, psnrs, lost = zip(*differences, strict=True)
            height, width = question.frame0.shape[-2:]
            yield Comparison(
                written.path.name,
                height,
                width,
                len(differences),
                float(np.max(largest)),  # numpy's, which a frame that is no number comes through
                float(np.max(means)),
                float(np.min(psnrs)),
                float(np.mean(lost) if in_integers else np.max(lost)),
                least_psnr(written),
                MOST_LOST[written.variant.precision],
            )


Asked = list[tuple[Hashable, Question, NDArray[np.float32]]]
"""Questions of one size that share a row, with their true answers and a name for each."""


def about_waves(written: Written) -> Iterator[Asked]:
    taus = (*TAUS, *ENDS) if written.graph.ends else TAUS
    batches = (1,) if written.variant.size else BATCHES
    for height, width in sizes(written):
        yield [
            ((height, width, batch, tau), *ask(height, width, batch, tau, written.strength))
            for batch, tau in product(batches, taus)
        ]


def about_videos(written: Written, places: Sequence[Place]) -> Iterator[Asked]:
    by_size: dict[tuple[int, ...], Asked] = {}
    for number, place in enumerate(places):
        question, truth = ask_of_video(place, 0.5, written.variant.size, written.strength)
        asked = by_size.setdefault(tuple(truth.shape), [])
        asked.append(((number, written.variant.size), question, truth.numpy()))
    yield from by_size.values()


def least_psnr(written: Written) -> float:
    least = LEAST_PSNR[written.variant.precision]
    return min(least, LEAST_PSNR_OF_BYTES) if isinstance(written.graph, BytesGraph) else least


def sizes(written: Written) -> tuple[tuple[int, int], ...]:
    """Height and width of the frames a file is asked about."""
    if written.variant.size is not None:
        return (written.variant.size[::-1],)
    return ALIGNED_SIZES if written.graph.alignment > 1 else SIZES


def as_written(frame: Tensor, graph: ExportGraph) -> Tensor:
    """`frame` (B, 3, H, W) with the rounding of the layout; what is no number, which bytes cannot tell, stays none."""
    if not isinstance(graph, BytesGraph):
        return frame
    return torch.where(frame.isfinite(), graph.as_image(as_bytes(frame)), frame)


def difference(
    made: NDArray[np.float32], expected: NDArray[np.float32], truth: NDArray[np.float32]
) -> tuple[float, float, float, float]:
    """Largest and mean difference, PSNR, and what is lost of the PSNR to the truth."""
    apart = np.abs(made - expected)
    near = psnr(made, expected)
    lost = 0.0 if near == math.inf else psnr(expected, truth) - psnr(made, truth)
    return float(apart.max()), float(apart.mean()), near, lost


def ask(height: int, width: int, batch: int, tau: float, strength: float) -> tuple[Question, NDArray[np.float32]]:
    """A question and its true answer (batch, 3, height, width): waves that move, in every pair another way."""
    before, true, after = (
        np.concatenate([waves(height, width, when * (1 + 2 * seed), seed) for seed in range(batch)])
        for when in (0, tau, 1)
    )
    frame0, frame1 = (torch.from_numpy(np.round(frame * 255) / np.float32(255)) for frame in (before, after))
    noise = torch.from_numpy(fixed_noise(height, width)).expand(batch, -1, -1, -1).contiguous()
    place = torch.full((batch, 1, 1, 1), tau)
    return Question(frame0, frame1, place, noise, torch.tensor([strength])), true


def waves(height: int, width: int, moved: float, seed: int) -> NDArray[np.float32]:
    """(1, 3, height, width) in [0, 1]: coloured waves, `moved` pixels further left and half of that further up."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    image = np.full((3, height, width), 0.5)
    for a, b, phase in generator.uniform(-0.7, 0.7, (6, 3)):
        image += np.sin(a * (x + moved) + b * (y + moved / 2) + 6 * phase) * generator.uniform(0.02, 0.08, (3, 1, 1))
    return image.clip(0, 1).astype(np.float32)[None]


@torch.no_grad()
def answer(network: InterpolationNetwork, question: Question, steps: int, use: Use = ALONE) -> Tensor:
    """The frame (B, 3, H, W) that torch gives, padded and cropped here; at 0 and 1 one of the two themselves."""
    if question.tau[0] in ENDS:
        return question.frame0 if question.tau[0] == 0 else question.frame1
    height, width = question.frame0.shape[-2:]
    frame0, frame1 = (network.encode(aligned(frame)) for frame in (question.frame0, question.frame1))
    noise = torch.from_numpy(fixed_noise(*frame0.image.shape[-2:])).expand_as(frame0.image)
    found = network.register(frame0, frame1, use.halvings)
    beside = None
    if use.intervals is not None:
        intervals, grid_width = intervals_of(use, len(found.motion)), torch.tensor([width / network.config.flow_scale])
        beside = Neighbours(*motions_beside(found.motion), intervals, grid_width)
    mean = network.fused(frame0, frame1, question.tau, found.at(question.tau, beside))
    return network.drawn(mean, noise, question.strength, steps)[:, :, :height, :width]


def motions_beside(motion: Tensor) -> tuple[Tensor, Tensor]:
    """Motion before and after a pair, as if it had become faster, and not evenly."""
    return 0.4 * motion, 1.2 * motion


def intervals_of(use: Use, batch: int) -> Tensor:
    """(B, 2, 1, 1); 0 where there are no neighbours."""
    return torch.tensor(use.intervals or (0.0, 0.0)).view(1, 2, 1, 1).expand(batch, -1, -1, -1).contiguous()


class Runner:
    """A file in ONNX Runtime on the CPU: question -> frame (B, 3, H, W).

    Layouts in parts may be used in several ways, `uses`: they find motion on frames of any size, and `stream` takes the
    motion before and after.
    """

    def __init__(self, written: Written) -> None:
        self.written = written
        self.session = open_session(written.path)
        parts = () if isinstance(written.graph, PairGraph) else PARTS
        self.parts = {part: self._beside(part) for part in parts}
        self.uses = [ALONE, Use(1)] if self.parts else [Use(written.graph.halvings)]
        if isinstance(written.graph, ComposeGraph):
            self.uses.append(Use(0, (1.0, 0.75)))

    def __call__(self, question: Question, use: Use) -> Tensor:
        graph = self.written.graph
        if isinstance(graph, PairGraph):
            return graph.as_image(self._run(self.session, graph.feed(question))[0])
        known, motion = self._registered(question.frame0, question.frame1, use.halvings)
        known |= motion | {"tau": question.tau, "noise": question.noise, "strength": question.strength}
        known |= {"intervals": intervals_of(use, len(motion["motion"]))}
        known |= {"frame_width": torch.tensor([float(question.frame0.shape[-1])])}
        known |= dict(zip(BESIDE, motions_beside(motion["motion"]), strict=True))
        return self._named(self.session, known)["frame"].permute(0, 3, 1, 2)

    def _registered(self, frame0: Tensor, frame1: Tensor, halvings: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The maps of both frames and their motion."""
        maps: dict[str, Tensor] = {}
        for side, frame in zip(SIDES, (frame0, frame1), strict=True):
            made = self._named(self.parts["encode"], {"frame": frame.permute(0, 2, 3, 1).contiguous()})
            maps |= {f"{name}{side}": value for name, value in made.items()}
        if not halvings:
            return maps, self._named(self.parts["register"], maps)
        found = self._registered(halved(frame0), halved(frame1), halvings - 1)[1]
        known = maps | {f"found_{name}": value for name, value in found.items()}
        return maps, found | self._named(self.parts["enlarge"], known)

    def _beside(self, part: str):  # type: ignore[no-untyped-def]
        name, _ = self.written.path.stem.rsplit(".", 1)
        return open_session(self.written.path.with_name(f"{name}.{part}.onnx"))

    def _named(self, session, known: Mapping[str, Tensor]) -> dict[str, Tensor]:  # type: ignore[no-untyped-def]
        made = self._run(session, [known[port.name] for port in session.get_inputs()])
        return dict(zip((port.name for port in session.get_outputs()), made, strict=True))

    def _run(self, session, values: Iterable[Tensor]) -> list[Tensor]:  # type: ignore[no-untyped-def]
        feeds = {port.name: value.numpy() for port, value in zip(session.get_inputs(), values, strict=True)}
        try:
            return [torch.from_numpy(value) for value in session.run(None, feeds)]
        except Exception as error:  # onnxruntime's errors share no base class
            raise VerificationError(f"{self.written.path}: onnxruntime cannot run it ({first_line(error)})") from error


def open_session(path: Path):  # type: ignore[no-untyped-def]
    runtime = load_runtime()
    options = runtime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, torch.get_num_threads()
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        raise VerificationError(f"{path}: onnxruntime cannot load it ({first_line(error)})") from error


def psnr(image: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    error = float(np.square(image.astype(np.float64) - other).mean())
    return -10 * math.log10(error) if error else math.inf


def table(comparisons: Iterable[Comparison]) -> Iterator[str]:
    """Lines of a table, the heading first."""
    yield f"{'file':36} {'size':>9} {'asked':>5} {'max':>8} {'mean':>8} {'PSNR':>6} {'lost':>6}"
    for row in comparisons:
        size = f"{row.width}x{row.height}"
        yield (
            f"{row.file:36} {size:>9} {row.questions:5} {row.largest:8.1e} {row.mean:8.1e} "
            f"{row.psnr:6.1f} {row.lost:6.3f}{'' if row.passed else '  FAILED'}"
        )
