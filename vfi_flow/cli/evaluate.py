"""`vfi-flow evaluate`: drop frames of clips, make them again, compare the methods in one table."""

import argparse
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfi_flow import __version__
from vfi_flow.cli.callables import load_callable
from vfi_flow.cli.measuring import add_model_arguments, open_model, require_training_packages, set_threads
from vfi_flow.cli.stderr import console
from vfi_flow.cli.stdout import check_stdout
from vfi_flow.errors import UsageError, VfiFlowError
from vfi_flow.files import check_free, write_complete
from vfi_flow.spelling import parse_count, read_by

if TYPE_CHECKING:
    from vfi_flow.training.evaluate import Method, Options
    from vfi_flow.training.report import Report

DESCRIPTION = """Every chosen frame of every clip in a folder is dropped and made again from its neighbours, by the
model and by the baselines, and compared with the truth. The table has PSNR, SSIM, LPIPS (if its weights are given),
sharpness (Laplacian energy in moving areas, 1 is right), log power-spectrum distance, flicker of static areas, and
milliseconds per frame, with 95 % intervals over clips."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "evaluate", help="measure a model against true frames and against baselines", description=DESCRIPTION
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of videos, with its subfolders")
    add_model_arguments(parser, steps=[0, 1], several=True)
    parser.add_argument("--gap", type=int, default=1, help="distance to the nearer neighbour, frames (default 1)")
    parser.add_argument("--tau", type=fraction, default=Fraction(1, 2), help="place of the frame, k/n (default 0.5)")
    parser.add_argument(
        "--per-clip",
        type=read_by(places_per_clip),
        default=3,
        metavar="N|all",
        help="how many evenly spaced frames of a clip are dropped (default 3), or all: every other frame",
    )
    parser.add_argument(
        "--baselines",
        type=names,
        default=["repeat", "blend", "dis", "minterpolate"],
        metavar="LIST|none",
        help="of repeat, blend, dis, dis-cubic, dis-fast, minterpolate (default: all but dis-cubic and dis-fast)",
    )
    parser.add_argument(
        "--against", action="append", default=[], metavar="MODULE:NAME", help="callable (frame0, frame1, tau) -> frame"
    )
    parser.add_argument(
        "--reference", metavar="METHOD", help="what gains are counted from, by its name in the table (default: dis)"
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


def run(arguments: argparse.Namespace) -> int:
    check_stdout()
    require_training_packages()
    from vfi_flow.training import decoding, evaluate, report

    if arguments.draws < 0 or arguments.draws == 1:
        raise UsageError(f"--draws must be 0 or at least 2, got {arguments.draws}")
    set_threads(arguments.threads)
    clips = decoding.find_videos(arguments.data)
    check_outputs(arguments, clips)
    options = options_from(arguments)
    with ExitStack() as stack:
        own, model = open_model(arguments, stack)
        methods = [*own, *others(arguments)]
        check_names([method.name for method in methods], arguments.reference)
        results = list(with_progress(evaluate.evaluate_clips(clips, methods, options), len(clips), "clips"))
    settings = settings_of(arguments, model)
    tell(arguments, report.Report(results, settings, report.curves_of(own), arguments.reference))
    return 0 if len(results) == len(clips) else VfiFlowError.exit_code


def check_outputs(arguments: argparse.Namespace, clips: list[Path]) -> None:
    """OutputError where a result would replace a clip or another result."""
    outputs = [path for path in (arguments.json, arguments.html) if path is not None]
    for path in outputs:
        taken = {"one of the clips": clips, "named twice": [other for other in outputs if other is not path]}
        check_free(path, "the results", taken, overwrite=True)


def options_from(arguments: argparse.Namespace) -> "Options":
    from vfi_flow.training import evaluate, html_report, places

    return evaluate.Options(
        spacing=places.spacing(arguments.tau, arguments.gap),
        per_clip=arguments.per_clip,
        draws=arguments.draws,
        lpips=None if arguments.lpips is None else read_lpips(arguments.lpips),
        pictures=html_report.PICTURES if arguments.html is not None else 0,
    )


def others(arguments: argparse.Namespace) -> list["Method"]:
    """What the model is compared with."""
    from vfi_flow.training.baselines import make_baseline
    from vfi_flow.training.evaluate import without_noise

    against = [without_noise(name, load_callable(name)) for name in arguments.against]
    return against + [without_noise(name, make_baseline(name)) for name in arguments.baselines]


def check_names(names: list[str], reference: str | None) -> None:
    """UsageError where there is no method, no such reference, or a name that does not tell which one is meant."""
    if not names:
        raise UsageError("nothing to evaluate: --steps none, --baselines none and no --against")
    if len(set(names)) < len(names):
        raise UsageError(f"two methods have one name: {', '.join(names)}")
    if reference is not None and reference not in names:
        raise UsageError(f"--reference {reference} is not among the methods: {', '.join(names)}")


def settings_of(arguments: argparse.Namespace, model: dict[str, str] | None) -> dict[str, Any]:
    """What the numbers depend on, as JSON holds it."""
    return {
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
        "scale": str(arguments.scale),
        "threads": arguments.threads,
        "model": model,
    }


def tell(arguments: argparse.Namespace, result: "Report") -> None:
    """Writes the files that were asked for, and the table to stdout."""
    from vfi_flow.training import html_report, report

    try:
        if arguments.json is not None:
            write_complete(arguments.json, result.to_json().encode())
        if arguments.html is not None:
            write_complete(arguments.html, html_report.to_html(result).encode("utf-8", "backslashreplace"))
    finally:  # a file that cannot be written does not take the table with it
        print(report.to_text(result), end="", flush=True)


def read_lpips(path: Path) -> Any:
    from vfi_flow.training.lpips import load_lpips

    return load_lpips(path)


def with_progress(items: Any, total: int, what: str) -> Any:
    """The same items; a bar on stderr while they are made, if a person looks on."""
    from rich.progress import track

    screen = console()
    return track(items, description=what, total=total, console=screen, transient=True, disable=not screen.is_terminal)


def names(text: str) -> list[str]:
    return [] if text == "none" else list(dict.fromkeys(text.split(",")))


def fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"expected a number such as 0.5 or 1/4, got '{text}'") from None


def places_per_clip(text: str) -> int | None:
    return None if text == "all" else parse_count(text)
