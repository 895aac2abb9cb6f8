"""`vfi-flow evaluate`: drop frames of clips, make them again, compare the methods in one table."""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfi_flow import __version__
from vfi_flow.cli.model_options import DEVICE_HELP
from vfi_flow.errors import ComponentError, OutputError, UsageError, VfiFlowError
from vfi_flow.files import write_complete

if TYPE_CHECKING:
    from vfi_flow.training.evaluate import Method

DESCRIPTION = """Every chosen frame of every clip in a folder is dropped and made again from its neighbours, by the
model and by the baselines, and compared with the truth. The table has PSNR, SSIM, LPIPS (if its weights are given),
sharpness (Laplacian energy in moving areas, 1 is right), log power-spectrum distance, flicker of static areas, and
milliseconds per frame, with 95 % intervals over clips."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "evaluate", help="measure a model against true frames and against baselines", description=DESCRIPTION
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of videos")
    add_model_arguments(parser, steps="0,1")
    parser.add_argument("--gap", type=int, default=1, help="distance to the nearer neighbour, frames (default 1)")
    parser.add_argument("--tau", type=fraction, default=Fraction(1, 2), help="place of the frame, k/n (default 0.5)")
    parser.add_argument(
        "--per-clip",
        type=places_per_clip,
        default=3,
        metavar="N|all",
        help="how many evenly spaced frames of a clip are dropped (default 3), or all: every other frame",
    )
    parser.add_argument(
        "--baselines",
        type=names,
        default=["repeat", "blend", "dis", "minterpolate"],
        metavar="LIST|none",
        help="of repeat, blend, dis, dis-fast, minterpolate (default: all but dis-fast)",
    )
    parser.add_argument(
        "--against", action="append", default=[], metavar="MODULE:NAME", help="callable (frame0, frame1, tau) -> frame"
    )
    parser.add_argument("--lpips", type=Path, metavar="FILE.npz", help="weights of LPIPS v0.1, AlexNet")
    parser.add_argument(
        "--draws", type=int, default=0, metavar="N", help="measure the spread over N draws of the noise"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there, by clip and by motion")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with tables, plots and the ten worst places in pictures"
    )
    parser.set_defaults(run=run)


def add_model_arguments(parser: argparse.ArgumentParser, steps: str) -> None:
    parser.add_argument(
        "--steps", type=steps_list, default=steps, metavar="LIST", help=f"solver steps (default {steps}), or none"
    )
    parser.add_argument(
        "--neighbours",
        choices=("on", "off", "both"),
        default="on",
        help="with the frames before and after the two, as in a video, or with these alone (default on)",
    )
    parser.add_argument(
        "--strength",
        type=strengths,
        metavar="LIST",
        help="amounts of the residual, 0 to 2, such as 0.5,1,1.5 (default: the model's own)",
    )
    parser.add_argument("--model", default="base", metavar="NAME|FILE", help="preset or file of a model (default base)")
    parser.add_argument(
        "--engine", choices=("onnx", "torch"), default="onnx", help="what runs the model (default onnx)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise (default 0)")
    parser.add_argument("--device", default="auto", metavar="NAME", help=DEVICE_HELP)
    parser.add_argument("--threads", type=int, help="threads of the model and of OpenCV (default: all cores)")


def run(arguments: argparse.Namespace) -> int:
    require_training_packages()
    from vfi_flow.training import evaluate, html_report, places, report
    from vfi_flow.training.baselines import make_baseline

    if arguments.draws < 0 or arguments.draws == 1:
        raise UsageError(f"--draws must be 0 or at least 2, got {arguments.draws}")
    set_threads(arguments.threads)
    clips = places.find_clips(arguments.data)
    check_places([path for path in (arguments.json, arguments.html) if path is not None], clips)
    options = evaluate.Options(
        spacing=places.spacing(arguments.tau, arguments.gap),
        per_clip=arguments.per_clip,
        draws=arguments.draws,
        lpips=None if arguments.lpips is None else read_lpips(arguments.lpips),
        pictures=html_report.PICTURES if arguments.html is not None else 0,
    )
    with ExitStack() as stack:
        methods, model = open_model(arguments, stack)
        curves = report.curves_of(methods)
        methods += [evaluate.without_noise(name, load_callable(name)) for name in arguments.against]
        methods += [evaluate.without_noise(name, make_baseline(name)) for name in arguments.baselines]
        if not methods:
            raise UsageError("nothing to evaluate: --steps none, --baselines none and no --against")
        results = list(with_progress(evaluate.evaluate_clips(clips, methods, options), len(clips), "clips"))

    settings = {
        "vfi_flow": __version__,
        "data": str(arguments.data),
        "tau": str(arguments.tau),
        "gap": arguments.gap,
        "per_clip": arguments.per_clip,
        "draws": arguments.draws,
        "lpips": arguments.lpips is not None,
        "seed": arguments.seed,
        "strength": arguments.strength,
        "neighbours": arguments.neighbours,
        "threads": arguments.threads,
        "model": model,
    }
    result = report.Report(results, settings, curves)
    print(report.to_text(result), end="", flush=True)
    if arguments.json is not None:
        write_complete(arguments.json, result.to_json().encode())
    if arguments.html is not None:
        write_complete(arguments.html, html_report.to_html(result).encode())
    return 0 if len(results) == len(clips) else VfiFlowError.exit_code


def check_places(paths: list[Path], clips: Sequence[Path]) -> None:
    """OutputError, before anything is measured, where a result could not or must not be written to one of `paths`."""
    taken = {clip.resolve() for clip in clips}
    for path in paths:
        if path.is_dir():
            raise OutputError(f"{path} is a folder; expected the name of a file")
        if not path.parent.is_dir():
            raise OutputError(f"{path}: the folder {path.parent} does not exist")
        if path.resolve() in taken:
            raise OutputError(f"{path}: is one of the clips, or named twice; choose another name")
        taken.add(path.resolve())


def require_training_packages() -> None:
    """One sentence instead of a traceback where only the base is installed."""
    needed = {"cv2": "OpenCV", "torch": "PyTorch", "kornia": "kornia"}
    missing = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ComponentError(
            f'{" and ".join(missing)} {verb} not installed; install with: pip install "vfi-flow[train]"'
        )


def set_threads(threads: int | None) -> None:
    if threads is None:
        return
    if threads < 1:
        raise UsageError(f"--threads must be at least 1, got {threads}")
    import cv2
    import torch

    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)


def open_model(arguments: argparse.Namespace, stack: ExitStack) -> tuple[list["Method"], dict[str, str] | None]:
    """One method for each number of steps and strength, and what the model is; none is loaded for --steps none."""
    from vfi_flow.training.evaluate import of_interpolator

    if not arguments.steps:
        return [], None
    from vfi_flow.inference.interpolator import Interpolator

    methods = []
    chosen = arguments.strength or [None]
    # At zero steps there is no residual that a strength could scale.
    sides = [side for side, choice in ((True, "on"), (False, "off")) if arguments.neighbours in (choice, "both")]
    drawn = [(n, s) for n in arguments.steps for s in (chosen if n else [None])]
    for (steps, strength), neighbours in product(drawn, sides):  # what one has found out must not save another's time
        interpolator = stack.enter_context(
            Interpolator(
                model=arguments.model,
                steps=steps,
                strength=strength,
                seed=arguments.seed,
                device=arguments.device,
                threads=arguments.threads,
                engine=arguments.engine,
            )
        )
        methods.append(of_interpolator(interpolator, steps, strength, neighbours))
    model = {"name": interpolator.model_name, "hash": interpolator.model_hash, "engine": interpolator.engine}
    return methods, model


def read_lpips(path: Path) -> Any:
    from vfi_flow.training.lpips import load_lpips

    return load_lpips(path)


def load_callable(name: str) -> Callable[..., Any]:
    """What `package.module:callable` names; modules of the current folder are found too."""
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise UsageError(f"--against takes MODULE:NAME, got '{name}'")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"--against {name}: there is no module '{error.name}'") from error
    target = getattr(found, attribute, None)
    if not callable(target):
        raise UsageError(f"--against {name}: the module '{module}' has no callable '{attribute}'")
    return target


def with_progress(items: Any, total: int, what: str) -> Any:
    """The same items; a bar on stderr while they are made, if a person looks on."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(items, description=what, total=total, console=console, transient=True, disable=not console.is_terminal)


def steps_list(text: str) -> list[int]:
    if text == "none":
        return []
    try:
        steps = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 0,1 or none, got '{text}'") from None
    if min(steps) < 0 or len(set(steps)) < len(steps):
        raise argparse.ArgumentTypeError(f"expected different numbers from 0, got '{text}'")
    return steps


def strengths(text: str) -> list[float]:
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 1 or 0.5,1,1.5, got '{text}'") from None
    if not all(0 <= strength <= 2 for strength in found):
        raise argparse.ArgumentTypeError(f"a strength must be from 0 to 2, got '{text}'")
    return found


def names(text: str) -> list[str]:
    return [] if text == "none" else list(dict.fromkeys(text.split(",")))


def fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"expected a number such as 0.5 or 1/4, got '{text}'") from None


def places_per_clip(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 or all, got '{text}'")
    return int(text)
