"""`vfi-flow train`: learn from a folder of videos; stop and resume at any moment."""

import argparse
import os
import shlex
import sys
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfi_flow.cli.stderr import console, say
from vfi_flow.cli.train_options import add_options, check, complete, keep
from vfi_flow.errors import needing

if TYPE_CHECKING:
    from vfi_flow.training.loop import Training
    from vfi_flow.training.run import Settings

DESCRIPTION = """Trains a model on ordinary videos and, if given, on synthetic scenes made from stills. Stages, in
order: `motion` (registration alone, faster; may be skipped), `mean` (registration and the conditional mean), `velocity`
(flow matching around it). `fusion` is `mean` with the registration of --init frozen. The run lives in --output:
log.jsonl, best.safetensors (chosen on --val, or on held-out frames of --data) and a checkpoint, from which --resume
goes on to the same state."""

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
    if arguments.is_process:  # a program that calls `main` would start anew itself
        restart_with_allocator_settings()
    with needing("train", "training"):
        from vfi_flow.training.parallel import start_processes
        from vfi_flow.training.run import prepare
        from vfi_flow.training.run_folder import BEST, CHECKPOINT
        from vfi_flow.training.signals import stop_like_ctrl_c

        stop_like_ctrl_c()
        prepared = prepare(settings_from(arguments))
    if changed:
        say(f"{arguments.output}: goes on with other options: {', '.join(changed)}")
    keep(arguments)
    with start_processes(prepared.processes) as group:
        try:
            show(*prepared.started(group))
        except KeyboardInterrupt:
            if (arguments.output / CHECKPOINT).exists():
                say(f"the run is kept in {arguments.output}; the same command with --resume goes on from there")
            raise
        if not group.rank and (best := arguments.output / BEST).exists():
            tell_what_next(best)
    return 0


def tell_what_next(best: Path) -> None:
    weights, folder = (shlex.quote(str(path)) for path in (best, best.parent))
    graphs = f"vfi-flow export --layout stream --steps 0 1 2 --model {weights} --output-dir {folder}"
    say(f"the best weights are {weights}; make their graphs with `{graphs}`")


def settings_from(arguments: argparse.Namespace) -> "Settings":
    from vfi_flow.training.run import Settings

    return Settings(**{each.name: getattr(arguments, each.name) for each in fields(Settings)})


def restart_with_allocator_settings() -> None:
    """Starts this command anew with `ALLOCATOR` in its environment, once, where glibc listens to it."""
    if sys.platform != "linux" or "MALLOC_TRIM_THRESHOLD_" in os.environ:
        return
    os.environ.update(ALLOCATOR)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def show(training: "Training", batches: Any) -> None:
    """Runs the training under a progress bar on stderr; without a terminal, prints a line per validation."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from vfi_flow.training.parallel import noticing_losses

    screen = console()
    columns = BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}")
    bar = Progress(*columns, console=screen, disable=bool(training.group.rank) or not screen.is_terminal)
    with noticing_losses(), bar, closing(training.run(batches)) as reports:
        task = bar.add_task("starting", total=1.0)
        score = ""
        for report in reports:
            loss = sum(report.losses.values())
            if report.validation is not None:
                known = report.validation
                told = {name: value for name, value in known.items() if name != "score" or value != known.get("psnr")}
                score = ", ".join(f"{name} {value:.4g}" for name, value in told.items())
                minutes = report.progress.seconds / 60
                screen.print(f"{minutes:.0f} min, {report.progress.samples} samples: {score}", highlight=False)
            text = f"loss {loss:.4f}, {report.samples_per_second:.1f} samples/s, {score}"
            bar.update(task, completed=report.fraction, description=text)
