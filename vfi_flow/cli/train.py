"""`vfi-flow train`: learn from a folder of videos; stop and resume at any moment."""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfi_flow.errors import ComponentError, InputError, OutputError, UsageError

if TYPE_CHECKING:
    import torch

    from vfi_flow.model.network import InterpolationNetwork
    from vfi_flow.training.loop import Training
    from vfi_flow.training.lpips import Lpips
    from vfi_flow.training.shots import Shot
    from vfi_flow.training.validation import Place

DESCRIPTION = """Trains a model on ordinary videos and, if given, on synthetic scenes made from stills. Stage `motion`
learns to register the frames, `mean` that and the conditional mean, `velocity` the flow around it; train them in this
order, `motion` if the time is short. `fusion` learns the conditional mean alone, on the registration of --init. The
run lives in --output: log.jsonl, best.safetensors (chosen on --val, or on frames of --data that are kept back) and a
checkpoint, from which --resume goes on to the same state."""

VAL = "videos to choose the best weights on (default: the last quarter of every shot in --data, which is kept back)"
LEARNING_RATE = "default 3e-4; for stage velocity 1e-3, for stage mean with --init 1e-4"
INIT = "weights to start from, e.g. base; of another preset what has the same shape (default: random)"
FREEZE = "what stage motion or mean leaves as it is in --init: encoder, registration, fusion"
MODULES = "encoder", "registration", "fusion"
STAGES = "motion, mean, fusion or velocity (default mean)"

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
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="videos to learn from")
    parser.add_argument("--val", type=Path, metavar="DIR", help=VAL)
    parser.add_argument("--stills", type=Path, metavar="DIR", help="photos for synthetic motion")
    parser.add_argument("--synthetic", type=float, default=0.3, metavar="SHARE", help="of samples (default 0.3)")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--stage", choices=("motion", "mean", "fusion", "velocity"), default="mean", help=STAGES)
    parser.add_argument("--preset", help="tiny, fast or base (default: that of --init, or base)")
    parser.add_argument("--init", metavar="NAME|FILE", help=INIT)
    parser.add_argument("--freeze", nargs="+", choices=MODULES, default=[], metavar="MODULE", help=FREEZE)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --output")
    parser.add_argument("--minutes", type=float, default=60, help="length of the run, resumed parts included")
    parser.add_argument("--samples", type=int, help="length in samples instead: exactly repeatable")
    parser.add_argument("--batch", type=int, help="samples a step (default 12; 64 on a GPU)")
    parser.add_argument("--crop", type=int, default=192, help="side of a sample in pixels (default 192)")
    parser.add_argument("--learning-rate", type=float, help=LEARNING_RATE)
    parser.add_argument("--flow-weight", type=float, default=0.002, help="of the flow targets (default 0.002)")
    parser.add_argument("--lpips", type=Path, metavar="FILE.npz", help="weights of LPIPS, for stage velocity")
    parser.add_argument("--perceptual", type=float, default=1.0, help="weight of LPIPS (default 1)")
    parser.add_argument("--validate-every", type=float, default=6, metavar="MINUTES", help="default 6")
    parser.add_argument("--per-clip", type=int, default=3, help="validation frames of a clip (default 3)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    parser.add_argument("--processes", type=int, help="that share the batch (default: one a core, 1 with a GPU)")
    parser.add_argument("--workers", type=int, help="processes that draw samples (default: 1, with a GPU all cores)")
    parser.add_argument("--max-gigabytes", type=float, help="memory for decoded videos; the rest is left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    check(arguments)
    restart_with_allocator_settings()
    try:
        training, batches = prepare(arguments)
    except ImportError as error:
        raise ComponentError(f'training needs {error.name}; run: pip install "vfi-flow[train]"') from error
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # saves, like Ctrl-C
    with training.group:
        show(training, batches)
    return 0


def check(arguments: argparse.Namespace) -> None:
    if not arguments.resume and (arguments.output / "checkpoint").exists():
        raise OutputError(f"{arguments.output} holds a run; pass --resume to go on with it, or name another folder")
    if arguments.minutes <= 0 or (arguments.samples is not None and arguments.samples < 1):
        raise UsageError("--minutes and --samples must be above 0")
    if arguments.crop < 64 or arguments.crop % 32:
        raise UsageError(f"--crop must be a multiple of 32 and at least 64, got {arguments.crop}")
    if not 0 <= arguments.synthetic <= 1:
        raise UsageError(f"--synthetic must be from 0 to 1, got {arguments.synthetic}")
    if arguments.freeze and arguments.stage not in ("motion", "mean"):
        raise UsageError(f"--freeze goes with stage motion or mean; stage {arguments.stage} learns one module alone")
    if arguments.freeze and arguments.init is None and not arguments.resume:
        raise UsageError("--freeze keeps modules of a trained network: pass its weights with --init")
    needed = {"velocity": "mean", "fusion": "registration"}.get(arguments.stage)
    if needed and arguments.init is None and not arguments.resume:
        raise UsageError(f"stage {arguments.stage} needs a trained {needed}: pass its weights with --init")


def restart_with_allocator_settings() -> None:
    """Starts this command anew with `ALLOCATOR` in its environment, once, where glibc listens to it."""
    if sys.platform != "linux" or "MALLOC_TRIM_THRESHOLD_" in os.environ:
        return
    os.environ.update(ALLOCATOR)
    os.execv(sys.executable, [sys.executable, "-m", "vfi_flow.cli.main", *sys.argv[1:]])


def prepare(arguments: argparse.Namespace) -> "tuple[Training, Any]":
    """The run as asked for, and its endless batches."""
    import cv2
    import torch

    from vfi_flow.inference.torch_interpolator import pick_device
    from vfi_flow.training.batches import batches
    from vfi_flow.training.loop import Recipe, Training
    from vfi_flow.training.parallel import start_processes
    from vfi_flow.training.validation import Validation

    cv2.setNumThreads(1)  # a pool of OpenCV threads would not survive the fork into processes
    device = pick_device(arguments.device)
    gpu = device.type == "cuda"
    shots, places = read_clips(arguments)
    shares = make_shares(arguments, shots)
    processes = arguments.processes or (1 if gpu else os.cpu_count() or 1)
    group = start_processes(processes)
    torch.manual_seed(arguments.seed)
    network = start_network(arguments, group.rank)
    lpips = load_metric(arguments.lpips, device)
    recipe = Recipe(
        minutes=arguments.minutes,
        samples=arguments.samples,
        learning_rate=arguments.learning_rate or usual_learning_rate(arguments),
        validate_every=arguments.validate_every,
        seed=arguments.seed,
        validate_start=arguments.init is not None,
    )
    validation = Validation([] if group.rank else places, device, lpips)
    arguments.output.mkdir(parents=True, exist_ok=True)
    objective = make_objective(arguments, lpips)
    training = Training(network, objective, recipe, validation, arguments.output, device, group)
    if arguments.resume:
        training.resume()
    workers = (os.cpu_count() or 1) if gpu else 1
    return training, batches(
        shares,
        max(1, (arguments.batch or (64 if gpu else 12)) // processes),
        seed=arguments.seed,
        start=training.progress.samples + group.rank,
        stride=group.size,
        workers=arguments.workers if arguments.workers is not None else workers,
        device=device,
    )


def usual_learning_rate(arguments: argparse.Namespace) -> float:
    if arguments.stage == "velocity":
        return 1e-3
    return 1e-4 if arguments.init is not None and arguments.stage == "mean" else 3e-4


def start_network(arguments: argparse.Namespace, rank: int) -> "InterpolationNetwork":
    from vfi_flow.model.config import preset
    from vfi_flow.model.network import InterpolationNetwork
    from vfi_flow.model.weights import adopt, find_weights, load_weights

    if arguments.init is None:
        return InterpolationNetwork(preset(arguments.preset or "base"))
    trained = load_weights(find_weights(arguments.init))[0]
    if arguments.preset in (None, trained.config.name):
        return trained
    network = InterpolationNetwork(preset(arguments.preset))
    adopted, expected = adopt(network, trained)
    if not rank:
        print(f"{arguments.init} gives {adopted} of {expected} tensors, the others start at random", file=sys.stderr)
    return network


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

    shots = read_shots(arguments.data, arguments.max_gigabytes)
    if arguments.val is not None:
        return shots, places_in(arguments.val, arguments.per_clip)
    shots, places = hold_out(shots, arguments.per_clip)
    if not places:
        raise InputError(f"{arguments.data}: its shots are too short to keep frames back; name other videos with --val")
    return shots, places


def make_shares(arguments: argparse.Namespace, shots: "list[Shot]") -> list[Any]:
    from vfi_flow.training.batches import Share
    from vfi_flow.training.clips import RealClips
    from vfi_flow.training.synthetic import SyntheticScenes

    shares = [Share(RealClips(shots, arguments.crop), 1 - arguments.synthetic)]
    if arguments.synthetic:
        shares.append(Share(SyntheticScenes(arguments.stills, arguments.crop), arguments.synthetic))
    return shares


def show(training: "Training", batches: Any) -> None:
    """Runs the training under a progress bar on stderr; without a terminal, prints a line per validation."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, disable=bool(training.group.rank) or not console.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0)
        score = ""
        for report in training.run(batches):
            loss = sum(report.losses.values())
            if report.validation is not None:
                score = ", ".join(f"{name} {value:.4g}" for name, value in report.validation.items())
                minutes = report.progress.seconds / 60
                console.print(f"{minutes:.0f} min, {report.progress.samples} samples: {score}", highlight=False)
            text = f"loss {loss:.4f}, {report.samples_per_second:.1f} samples/s, {score}"
            bar.update(task, completed=report.fraction, description=text)
