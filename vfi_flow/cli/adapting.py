"""`--adapt`: the model is fitted to a video before its frames are made, and kept for the next time."""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vfi_flow.cli.adapted_models import RECORD, WEIGHTS, keep, kept, key_of, scratch_folder
from vfi_flow.cli.export import quiet_tracer
from vfi_flow.cli.progress import FOR_PEOPLE, wants_bar, write_event
from vfi_flow.cli.stderr import console, say
from vfi_flow.errors import UsageError, needing
from vfi_flow.files import cache_folder, write_complete
from vfi_flow.pipeline.plan import Plan
from vfi_flow.spelling import read_by

if TYPE_CHECKING:
    from vfi_flow.training.adaptation import Adaptation

JSON_INTERVAL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class AdaptedModel:
    model: str | Path
    """What the interpolator opens: the fitted model, or the one that was asked for where that is better."""
    record: dict[str, object]
    """For the report: `share` of the fitted weights, PSNR in dB `before` and `after`, training `samples`."""
    sentence: str


def add_adapt_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--adapt",
        type=read_by(parse_minutes),
        metavar="MINUTES",
        help="first fit the model to this very video, and keep it where it got better (needs the extra `train`)",
    )


def parse_minutes(text: str) -> float:
    value = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not value > 0:
        raise ValueError(f"{text!r} is not a number of minutes above 0")
    return value


def adapted_model(arguments: argparse.Namespace, plan: Plan) -> AdaptedModel:
    """The model of the command line, fitted to the video of `plan`; from the cache where that was done before."""
    video = plan.job.source
    if not isinstance(video, Path):
        raise UsageError("--adapt learns from a video file before it is read; it cannot take pipes and pictures")
    quiet_tracer()
    with needing("train", "--adapt"):
        from vfi_flow.model.weights import find_weights
        from vfi_flow.training.adaptation import TooFewFramesError
    weights = find_weights(arguments.model)
    folder = cache_folder() / "adapted" / key_of(arguments, plan, video, weights)
    found, lost = kept(folder), ""
    if found is None:
        try:
            made = scratch_folder()
            found = learn(arguments, plan, video, weights, made)
        except TooFewFramesError as reason:
            record: dict[str, object] = {"share": 0.0, "before": None, "after": None, "samples": 0}
            return AdaptedModel(arguments.model, record, f"the model stays as it is: {reason}")
        try:
            keep(made, folder)
            found = kept(folder) or found
        except OSError as error:
            lost = f"; {folder.parent} cannot be written ({error.strerror}), so the next job has to fit it again"
            folder = made
    model = folder / WEIGHTS if found.share else arguments.model
    return AdaptedModel(model, asdict(found), sentence(video, found) + lost)


def learn(arguments: argparse.Namespace, plan: Plan, video: Path, weights: Path, folder: Path) -> "Adaptation":
    """Fits the model and writes what came of it to `folder`: the record and, if better, what the interpolator opens."""
    import torch

    from vfi_flow.export.write import write_onnx
    from vfi_flow.inference.torch_interpolator import pick_device
    from vfi_flow.training.adaptation import Rendering, adapt

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    is_torchs = arguments.device.partition(":")[0] in ("cpu", "cuda")  # torch has no other of --device's names
    device = pick_device(arguments.device if is_torchs else "auto")
    rendering = Rendering(arguments.steps, arguments.strength, plan.job.neighbours)
    if arguments.progress in FOR_PEOPLE:
        say(f"fitting the model to {video.name}: {arguments.adapt:g} minutes of training, and reading and checking")
    with adaptation_display(arguments.progress, video.name) as show:
        part = plan.job.window.start, plan.job.window.end
        found = adapt(weights, video, part, arguments.adapt, rendering, folder / WEIGHTS, show, device)
        if found.share:
            list(write_onnx(folder / WEIGHTS, folder, ["stream"], [arguments.steps]))
    write_complete(folder / RECORD, json.dumps(asdict(found)).encode())
    return found


def sentence(video: Path, found: "Adaptation") -> str:
    if not found.share:
        return f"the model stays as it is: fitted to {video.name} it is no better ({found.before:.2f} dB)"
    return (
        f"the model is fitted to {video.name}: {found.before:.2f} -> {found.after:.2f} dB on frames of it that were "
        f"kept back"
    )


@contextmanager
def adaptation_display(choice: str, name: str) -> Iterator[Callable[[float], None]]:
    """What shows how much of the fitting is done, 0 to 1."""
    if wants_bar(choice):
        from rich.progress import Progress

        with Progress(console=console(), transient=True) as bar:
            task = bar.add_task(f"fitting the model to {name}", total=1.0)
            yield lambda done: bar.update(task, completed=done)
    elif choice == "json":
        last = float("-inf")

        def write(done: float) -> None:
            nonlocal last
            if time.perf_counter() - last >= JSON_INTERVAL_SECONDS:
                last = time.perf_counter()
                write_event("adapt", name, done=round(done, 3))

        yield write
    else:
        yield lambda done: None
