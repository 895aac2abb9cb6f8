"""`vfi-flow compare`: a contact sheet of true frames beside the same frames made again."""

import argparse
from contextlib import ExitStack
from pathlib import Path

from vfi_flow.cli.measuring import add_model_arguments, open_model, require_training_packages, set_threads
from vfi_flow.errors import InputError, UsageError
from vfi_flow.files import check_free, write_complete
from vfi_flow.spelling import parse_count, parse_size, read_by

DESCRIPTION = """Frames of a clip are dropped and made again from their neighbours by the model, by blending and by
optical flow (DIS). The PNG has a row for each place and a column for each method, with the PSNR of what is shown."""

CROP_AUTO = (0, 0)
"""Stands for a third of the frame's width and height."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "compare", help="draw made frames beside the true ones, as a PNG", description=DESCRIPTION
    )
    parser.add_argument("input", type=Path, metavar="INPUT", help="a video")
    parser.add_argument("output", type=Path, metavar="OUTPUT.png")
    parser.add_argument("--at", type=float, nargs="+", metavar="SECONDS", help="places from the start of the clip")
    parser.add_argument(
        "--count",
        type=read_by(parse_count),
        default=4,
        metavar="N",
        help="number of evenly spaced places without --at (default 4)",
    )
    parser.add_argument(
        "--crop",
        type=read_by(crop_size),
        metavar="auto|WxH",
        help="show only the part in which most moves; auto: a third",
    )
    add_model_arguments(parser, steps=[1], several=False)
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace OUTPUT.png if it exists")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    require_training_packages()
    from vfi_flow.training import contact_sheet, places
    from vfi_flow.training.baselines import Dis, blend
    from vfi_flow.training.evaluate import without_noise
    from vfi_flow.training.triplets import triplets

    if arguments.output.suffix.lower() != ".png":
        raise UsageError(f"{arguments.output}: the contact sheet is a PNG; give it a name that ends in .png")
    check_free(arguments.output, "the sheet", {"the input itself": [arguments.input]}, arguments.overwrite)
    set_threads(arguments.threads)
    spacing = places.Spacing(1, 1)
    footage = places.look_through(arguments.input)
    times = footage.times
    if len(times) < 3:
        raise InputError(f"{arguments.input}: {len(times)} frames are too few; 3 are needed to drop one of them")
    if arguments.at is None:
        chosen = footage.places(spacing, arguments.count)
        if not chosen:
            raise InputError(f"{arguments.input}: a cut lies beside every frame that would be dropped")
    else:
        chosen = sorted({nearest(times, seconds) for seconds in arguments.at})

    with ExitStack() as stack:
        methods, _ = open_model(arguments, stack)
        methods += [without_noise("blend", blend), without_noise("DIS", Dis())]
        rows = []
        for triplet in triplets(arguments.input, footage, chosen, spacing):
            height, width = triplet.truth.shape[:2]
            crop = (max(1, width // 3), max(1, height // 3)) if arguments.crop == CROP_AUTO else arguments.crop
            rows.append(contact_sheet.make_row(triplet, times[triplet.index], methods, crop))
    sheet = contact_sheet.draw(rows, [method.name for method in methods])
    write_complete(arguments.output, contact_sheet.to_png(sheet))
    return 0


def nearest(times: list[float], seconds: float) -> int:
    """The frame shown nearest to a time, of those that have a neighbour on both sides."""
    if not 0 <= seconds <= times[-1]:
        raise UsageError(f"--at {seconds:g}: the clip has frames from 0 to {times[-1]:.3f} s")
    return min(range(1, len(times) - 1), key=lambda index: abs(times[index] - seconds))


def crop_size(text: str) -> tuple[int, int]:
    if text == "auto":
        return CROP_AUTO
    try:
        return parse_size(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither auto nor a size such as 160x90") from None
