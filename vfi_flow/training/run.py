"""A training run as it is asked for: from settings to a `Training` and its batches, everything checked on the way."""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from vfi_flow.errors import ComponentError, InputError, OutputError, UsageError
from vfi_flow.inference.machine import available_cores
from vfi_flow.inference.torch_interpolator import pick_device
from vfi_flow.model.config import preset
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.weights import adopt, find_weights, load_weights
from vfi_flow.training.batches import Batch, Share, batches
from vfi_flow.training.checkpoint import load_progress
from vfi_flow.training.clips import GAPS, RealClips
from vfi_flow.training.decoding import find_videos
from vfi_flow.training.distillation import Teacher
from vfi_flow.training.forking import can_fork
from vfi_flow.training.held_out import hold_out
from vfi_flow.training.learner import Recipe
from vfi_flow.training.loop import Training
from vfi_flow.training.losses import LossWeights
from vfi_flow.training.lpips import Lpips, load_lpips
from vfi_flow.training.objective import (
    FusionObjective,
    MeanObjective,
    MotionObjective,
    Objective,
    TaughtObjective,
    VelocityObjective,
)
from vfi_flow.training.parallel import Group
from vfi_flow.training.run_folder import BEST, CHECKPOINT
from vfi_flow.training.shots import Shot, read_shots
from vfi_flow.training.synthetic import SyntheticScenes
from vfi_flow.training.validation import Place, Validation, places_in

MOST_PLACES = 24
"""Kept back frames that are measured: videos may have hundreds of shots, and 1280x720 takes a core three seconds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run is to do; None: as is usual for the stage or the machine."""

    output: Path
    """Folder of the run."""
    resume: bool
    """Go on from the checkpoint in `output`."""
    judged_anew: bool
    """Resumed with another validation than the one that has chosen the best weights so far."""
    data: Path
    """Folder of videos to learn from."""
    val: Path | None
    """Folder of videos to choose the best weights on; None: frames of `data` that are kept back."""
    stills: Path | None
    """Folder of photos for synthetic motion; None: painted ones."""
    synthetic: float
    """Share of synthetic samples, 0 to 1."""
    gaps: str
    """Name of `clips.GAPS`: how far apart the frames of the videos' samples are."""
    overlays: float
    """Share of the videos' samples with text, a display or black bars burnt in, 0 to 1."""
    stage: str
    """`motion`, `mean`, `fusion` or `velocity`."""
    preset: str | None
    init: str | None
    """Name or file of the weights to start from; None: random ones."""
    teacher: str | None
    """Name or file of the weights that stage mean learns from, beside the truth; None: the truth alone."""
    freeze: list[str]
    """Modules that stage motion or mean leaves as they are."""
    minutes: float
    samples: int | None
    """Length of the run by samples instead of minutes."""
    batch: int | None
    crop: int
    """Side of a sample, pixels."""
    learning_rate: float | None
    flow_weight: float
    lpips: Path | None
    """File with the weights of LPIPS."""
    perceptual: float
    """Weight of LPIPS in the loss of stage velocity."""
    validate_every: float
    """Minutes."""
    per_clip: int
    """Validation frames of a clip."""
    device: str
    processes: int | None
    workers: int | None
    max_gigabytes: float | None
    """Memory for decoded videos."""
    seed: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run, checked and with its clips decoded, before it forks."""

    settings: Settings
    device: torch.device
    network: InterpolationNetwork
    objective: Objective
    validation: Validation
    shares: list[Share]
    batch: int
    processes: int

    def started(self, group: Group) -> tuple[Training, Iterator[Batch]]:
        """The training in one process of the group, and its endless batches."""
        settings, gpu = self.settings, self.device.type == "cuda"
        recipe = Recipe(
            minutes=settings.minutes,
            samples=settings.samples,
            learning_rate=settings.learning_rate or usual_learning_rate(settings),
            seed=settings.seed,
        )
        training = Training(
            self.network,
            self.objective,
            recipe,
            self.validation,
            settings.output,
            self.device,
            group,
            validate_every=settings.validate_every,
            validate_start=settings.init is not None,
        )
        if settings.resume:
            training.resume()
        if settings.judged_anew and not group.rank:
            training.judge_anew()
        workers = (available_cores() if gpu else 1) if can_fork() else 0
        return training, batches(
            self.shares,
            self.batch // self.processes,
            seed=settings.seed,
            start=training.progress.samples + group.rank,
            stride=group.size,
            workers=settings.workers if settings.workers is not None else workers,
            device=self.device,
        )


def prepare(settings: Settings) -> Prepared:
    """Everything that can be wrong is found here: first what is quick to tell, then the clips."""
    device = pick_device(settings.device)
    check_forks(settings)
    batch = settings.batch or (64 if device.type == "cuda" else 12)
    alone = device.type == "cuda" or not can_fork()
    processes = settings.processes or (1 if alone else most_sharers(batch, available_cores()))
    if batch % processes:
        raise UsageError(f"--batch {batch} cannot be shared evenly by {processes} processes")
    cv2.setNumThreads(1)  # pools of threads would not survive the fork into processes
    if processes > 1:
        torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    network, strength = resumed(settings) if settings.resume else begun(settings)
    lpips = None if settings.lpips is None else load_lpips(settings.lpips).to(device)
    objective = make_objective(settings, lpips, device)
    objective.parameters(network)  # raises where something is to be frozen that the network does not have
    make_folder(settings.output)
    shots, places = read_clips(settings)
    validation = Validation(places, device, lpips, strength)
    shares = make_shares(settings, shots)
    return Prepared(settings, device, network, objective, validation, shares, batch, processes)


def check_forks(settings: Settings) -> None:
    """UsageError where more processes are asked for than the one that a system without fork has."""
    if can_fork():
        return
    if (settings.processes or 1) > 1:
        raise UsageError(f"--processes {settings.processes}: on this system training is one process; pass 1")
    if settings.workers:
        raise UsageError(f"--workers {settings.workers}: on this system the training itself draws samples; pass 0")


def most_sharers(batch: int, cores: int) -> int:
    """As many processes as can share a batch evenly, each on a core of its own."""
    return max(count for count in range(1, min(batch, cores) + 1) if batch % count == 0)


def make_folder(folder: Path) -> None:
    """Makes the folder of the run and proves that it can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"{folder}: no run can be kept there ({error.strerror})") from error


def usual_learning_rate(settings: Settings) -> float:
    if settings.stage == "velocity":
        return 1e-3
    return 1e-4 if settings.init is not None and settings.stage == "mean" else 3e-4


def begun(settings: Settings) -> tuple[InterpolationNetwork, float]:
    """The network of a new run and its strength: at random, or with the weights of `init`."""
    if settings.init is None:
        return InterpolationNetwork(preset(settings.preset or "base")), 1.0
    trained, card, _ = load_weights(find_weights(settings.init))
    if settings.preset in (None, trained.config.name):
        return trained, card.strength
    network = InterpolationNetwork(preset(settings.preset))
    adopted, expected = adopt(network, trained)
    log.warning("%s gives %d of %d tensors, the others start at random", settings.init, adopted, expected)
    return network, card.strength


def resumed(settings: Settings) -> tuple[InterpolationNetwork, float]:
    """A network for the checkpoint of a run, and the strength that it has kept so far; 1 where that is lost."""
    progress = load_progress(settings.output / CHECKPOINT)
    network = InterpolationNetwork(preset(settings.preset or progress.preset))
    progress.require(settings.output, network.config.name, settings.stage)
    try:
        return network, load_weights(settings.output / BEST)[1].strength
    except ComponentError:
        return network, 1.0


def make_objective(settings: Settings, lpips: Lpips | None, device: torch.device) -> Objective:
    if settings.stage == "velocity":
        return VelocityObjective(lpips, settings.perceptual)
    if settings.stage == "fusion":
        return FusionObjective()
    if settings.teacher is not None:
        network, _, _ = load_weights(find_weights(settings.teacher))
        return TaughtObjective(Teacher(network.to(device)), settings.freeze)
    objectives = {"motion": MotionObjective, "mean": MeanObjective}
    return objectives[settings.stage](LossWeights(flow=settings.flow_weight), settings.freeze)


def read_clips(settings: Settings) -> tuple[list[Shot], list[Place]]:
    """What is trained on, and the places to choose the best weights at."""
    if settings.val is not None:
        places = places_in(settings.val, settings.per_clip)
        return read_shots(settings.data, settings.max_gigabytes, find_videos(settings.val)), places
    shots, places = hold_out(read_shots(settings.data, settings.max_gigabytes), settings.per_clip, MOST_PLACES)
    if not places:
        raise InputError(f"{settings.data}: its shots are too short to keep frames back; name other videos with --val")
    return shots, places


def make_shares(settings: Settings, shots: list[Shot]) -> list[Share]:
    clips = RealClips(shots, settings.crop, overlay=settings.overlays, gaps=GAPS[settings.gaps])
    shares = [Share(clips, 1 - settings.synthetic)]
    if settings.synthetic:
        shares.append(Share(SyntheticScenes(settings.stills, settings.crop), settings.synthetic))
    return shares
