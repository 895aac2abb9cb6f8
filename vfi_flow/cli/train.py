"""`vfi-flow train`: learn from a folder of videos; stop and resume at any moment."""

import argparse
import os
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfi_flow.cli.train_options import KEPT, add_options, check, complete, to_json
from vfi_flow.errors import ComponentError, InputError, OutputError, UsageError
from vfi_flow.inference.onnx_interpolator import available_cores

if TYPE_CHECKING:
    import torch

    from vfi_flow.model.network import InterpolationNetwork
    from vfi_flow.training.loop import Training
    from vfi_flow.training.lpips import Lpips
    from vfi_flow.training.parallel import Group
    from vfi_flow.training.shots import Shot
    from vfi_flow.training.validation import Place

DESCRIPTION = """Trains a model on ordinary videos and, if given, on synthetic scenes made from stills. Stage `motion`
learns to register the frames, `mean` that and the conditional mean, `velocity` the flow around it; train them in this
order, `motion` if the time is short. `fusion` learns the conditional mean alone, on the registration of --init. The
run lives in --output: log.jsonl, best.safetensors (chosen on --val, or on frames of --data that are kept back) and a
checkpoint, from which --resume goes on to the same state."""

# glibc returns large blocks to the system at once; every training step would fault them in again, which costs a
# fifth of the time. These keep them. They must be in the environment before the process starts.
ALLOCATOR = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "MALLOC_TOP_PAD_": str(2**28),
    "MALLOC_ARENA_MAX": "1",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("train", help="train a model on a folder of videos", description=DESCRIPTION)
    add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    changed = complete(arguments)
    check(arguments)
    restart_with_allocator_settings()
    if changed:
        print(f"{arguments.output}: goes on with other options: {', '.join(changed)}", file=sys.stderr)
    try:
        from vfi_flow.training.parallel import start_processes
        from vfi_flow.training.signals import stop_like_ctrl_c

        stop_like_ctrl_c()
        prepared = prepare(arguments)
    except ImportError as error:
        raise ComponentError(f'training needs {error.name}; run: pip install "vfi-flow[train]"') from error
    with start_processes(prepared.processes) as group:
        try:
            show(*prepared.started(group))
        except KeyboardInterrupt:
            if (arguments.output / "checkpoint").exists():
                kept = f"the run is kept in {arguments.output}; the same command with --resume goes on from there"
                print(f"vfi-flow: {kept}", file=sys.stderr)
            raise
    return 0


def restart_with_allocator_settings() -> None:
    """Starts this command anew with `ALLOCATOR` in its environment, once, where glibc listens to it."""
    if sys.platform != "linux" or "MALLOC_TRIM_THRESHOLD_" in os.environ:
        return
    os.environ.update(ALLOCATOR)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run as asked for, checked and with its clips decoded, before it forks."""

    arguments: argparse.Namespace
    device: "torch.device"
    network: "InterpolationNetwork"
    objective: Any
    lpips: "Lpips | None"
    strength: float
    places: "list[Place]"
    shares: list[Any]
    batch: int
    processes: int

    def started(self, group: "Group") -> "tuple[Training, Any]":
        """The training in one process of the group, and its endless batches."""
        from vfi_flow.training.batches import batches
        from vfi_flow.training.loop import Recipe, Training
        from vfi_flow.training.validation import Validation

        arguments, gpu = self.arguments, self.device.type == "cuda"
        recipe = Recipe(
            minutes=arguments.minutes,
            samples=arguments.samples,
            learning_rate=arguments.learning_rate or usual_learning_rate(arguments),
            validate_every=arguments.validate_every,
            seed=arguments.seed,
            validate_start=arguments.init is not None,
        )
        validation = Validation([] if group.rank else self.places, self.device, self.lpips, self.strength)
        training = Training(self.network, self.objective, recipe, validation, arguments.output, self.device, group)
        if arguments.resume:
            training.resume()
        workers = available_cores() if gpu else 1
        return training, batches(
            self.shares,
            self.batch // self.processes,
            seed=arguments.seed,
            start=training.progress.samples + group.rank,
            stride=group.size,
            workers=arguments.workers if arguments.workers is not None else workers,
            device=self.device,
        )


def prepare(arguments: argparse.Namespace) -> Prepared:
    """Everything that can be wrong is found here: first what is quick to tell, then the clips."""
    import cv2
    import torch

    from vfi_flow.inference.torch_interpolator import pick_device
    from vfi_flow.training.checkpoint import draft_of

    device = pick_device(arguments.device)
    batch = arguments.batch or (64 if device.type == "cuda" else 12)
    processes = arguments.processes or (1 if device.type == "cuda" else most_sharers(batch, available_cores()))
    if batch % processes:
        raise UsageError(f"--batch {batch} cannot be shared evenly by {processes} processes")
    cv2.setNumThreads(1)  # pools of threads would not survive the fork into processes
    if processes > 1:
        torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    network = start_network(arguments)
    strength = start_strength(arguments)
    lpips = load_metric(arguments.lpips, device)
    objective = make_objective(arguments, lpips)
    make_folder(arguments.output)
    shots, places = read_clips(arguments)
    shares = make_shares(arguments, shots)
    with draft_of(arguments.output / KEPT) as draft:
        draft.write_text(to_json(arguments))
    return Prepared(arguments, device, network, objective, lpips, strength, places, shares, batch, processes)


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


def usual_learning_rate(arguments: argparse.Namespace) -> float:
    if arguments.stage == "velocity":
        return 1e-3
    return 1e-4 if arguments.init is not None and arguments.stage == "mean" else 3e-4


def start_network(arguments: argparse.Namespace) -> "InterpolationNetwork":
    """Random, or with the weights of --init; a run that is resumed brings its own."""
    from vfi_flow.model.config import preset
    from vfi_flow.model.network import InterpolationNetwork
    from vfi_flow.model.weights import adopt, find_weights, load_weights
    from vfi_flow.training.checkpoint import load_progress

    if arguments.resume:
        progress = load_progress(arguments.output / "checkpoint")
        network = InterpolationNetwork(preset(arguments.preset or progress.preset))
        progress.require(arguments.output, network.config.name, arguments.stage)
        return network
    if arguments.init is None:
        return InterpolationNetwork(preset(arguments.preset or "base"))
    trained = load_weights(find_weights(arguments.init))[0]
    if arguments.preset in (None, trained.config.name):
        return trained
    network = InterpolationNetwork(preset(arguments.preset))
    adopted, expected = adopt(network, trained)
    print(f"{arguments.init} gives {adopted} of {expected} tensors, the others start at random", file=sys.stderr)
    return network


def start_strength(arguments: argparse.Namespace) -> float:
    """That of the weights that the run begins with, or has kept so far; 1 where there are none."""
    from vfi_flow.model.weights import find_weights, load_weights

    best = arguments.output / "best.safetensors"
    try:
        if arguments.resume:
            return load_weights(best)[1].strength
        return 1.0 if arguments.init is None else load_weights(find_weights(arguments.init))[1].strength
    except ComponentError:  # of a run that has lost its weights; those of --init have been read before
        return 1.0


def load_metric(path: Path | None, device: "torch.device") -> "Lpips | None":
    from vfi_flow.training.lpips import load_lpips

    return load_lpips(path).to(device) if path is not None else None


def make_objective(arguments: argparse.Namespace, lpips: "Lpips | None") -> Any:
    from vfi_flow.training.losses import LossWeights
    from vfi_flow.training.objective import FusionObjective, MeanObjective, MotionObjective, VelocityObjective

    if arguments.stage == "velocity":
        return VelocityObjective(lpips, arguments.perceptual)
    if arguments.stage == "fusion":
        return FusionObjective()
    objectives = {"motion": MotionObjective, "mean": MeanObjective}
    return objectives[arguments.stage](LossWeights(flow=arguments.flow_weight), arguments.freeze)


def read_clips(arguments: argparse.Namespace) -> "tuple[list[Shot], list[Place]]":
    """What is trained on, and the places to choose the best weights at."""
    from vfi_flow.training.held_out import hold_out
    from vfi_flow.training.shots import read_shots
    from vfi_flow.training.validation import places_in

    if arguments.val is not None:
        places = places_in(arguments.val, arguments.per_clip)
        return read_shots(arguments.data, arguments.max_gigabytes), places
    shots, places = hold_out(read_shots(arguments.data, arguments.max_gigabytes), arguments.per_clip)
    if not places:
        raise InputError(f"{arguments.data}: its shots are too short to keep frames back; name other videos with --val")
    return shots, places


def make_shares(arguments: argparse.Namespace, shots: "list[Shot]") -> list[Any]:
    from vfi_flow.training.batches import Share
    from vfi_flow.training.clips import RealClips
    from vfi_flow.training.synthetic import SyntheticScenes

    shares = [Share(RealClips(shots, arguments.crop, overlay=arguments.overlays), 1 - arguments.synthetic)]
    if arguments.synthetic:
        shares.append(Share(SyntheticScenes(arguments.stills, arguments.crop), arguments.synthetic))
    return shares


def show(training: "Training", batches: Any) -> None:
    """Runs the training under a progress bar on stderr; without a terminal, prints a line per validation."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from vfi_flow.training.parallel import noticing_losses

    console = Console(stderr=True)
    columns = BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}")
    bar = Progress(*columns, console=console, disable=bool(training.group.rank) or not console.is_terminal)
    with noticing_losses(), bar, closing(training.run(batches)) as reports:
        task = bar.add_task("starting", total=1.0)
        score = ""
        for report in reports:
            loss = sum(report.losses.values())
            if report.validation is not None:
                score = ", ".join(f"{name} {value:.4g}" for name, value in report.validation.items())
                minutes = report.progress.seconds / 60
                console.print(f"{minutes:.0f} min, {report.progress.samples} samples: {score}", highlight=False)
            text = f"loss {loss:.4f}, {report.samples_per_second:.1f} samples/s, {score}"
            bar.update(task, completed=report.fraction, description=text)
