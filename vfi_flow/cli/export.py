"""`vfi-flow export`: a trained model as ONNX files."""

import argparse
import os
from contextlib import suppress
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

from vfi_flow.cli.option_types import parse_share, split_words
from vfi_flow.cli.stderr import say
from vfi_flow.cli.stdout import check_stdout
from vfi_flow.errors import UsageError, VerificationError, needing
from vfi_flow.inference.scale import SCALES
from vfi_flow.spelling import parse_size, read_by

DESCRIPTION = """Writes a model as ONNX files; files of the same names are replaced. Layouts: `native` takes frames,
place, noise and strength; `3in` two images and a timestep; `7ch` and `11ch` one tensor of planes, as vs-mlrt gives them
to RIFE; `u8` bytes, channels last; `stream` is what this package runs itself, in parts (what is found out about a
frame serves both its pairs, and the motion of a pair its neighbours); `split` is for hosts that keep the same but look
at two frames only. `stream` and `split` read their weights from the safetensors file, the others
stand alone; all but `native`, `stream` and `split` take frames of any size. export/README.md has names and ranges."""

PRECISIONS, WARPS = ("fp32", "fp16", "int8"), ("grid", "gather")
PLACES = 24
"""Of the videos that int8 is calibrated on."""
LONGEST_SIDE = 16384
"""Pixels of a fixed size: what graphics cards take as a picture."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("export", help="write a model as ONNX files", description=DESCRIPTION)
    several: dict[str, Any] = {"nargs": "+", "metavar": "NAME"}
    parser.add_argument("--model", default="base", metavar="NAME|FILE", help="preset or weights file (default base)")
    parser.add_argument(
        "--layout", default=["native"], **several, help="of native, 3in, 7ch, 11ch, u8, stream, split (default native)"
    )
    parser.add_argument(
        "--steps",
        default=["0,1,2"],
        nargs="+",
        metavar="N",
        help="solver steps, 0,1 or 0 1, a file for each (default 0 1 2); input: their number is an input (native)",
    )
    parser.add_argument(
        "--size", metavar="WxH", help="one fixed size (at most 16384 a side) and batch 1, for runtimes that want it"
    )
    parser.add_argument(
        "--scale",
        type=read_by(parse_share),
        default=Fraction(1),
        metavar="1|1/2|1/4|1/8",
        help="size on which motion is found, in layouts of one file: 1/2 for large frames that move far (default 1)",
    )
    parser.add_argument(
        "--precision",
        default=["fp32"],
        **several,
        help="of fp32, fp16, int8; flows and warps stay in fp32 (default fp32)",
    )
    parser.add_argument("--calibrate", type=Path, metavar="DIR", help="videos that int8 takes its ranges from")
    parser.add_argument(
        "--warp", default=["grid"], **several, help="of grid (GridSample), gather (without it); default grid"
    )
    parser.add_argument("--verify", action="store_true", help="compare every file with torch and print a table")
    parser.add_argument("--output-dir", type=Path, default=Path(), metavar="DIR", help="default: the current folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    check_stdout()
    quiet_tracer()
    layouts, steps = words(arguments.layout), read_steps(arguments.steps)
    if not layouts:
        raise UsageError(f"--layout takes names of layouts, got '{' '.join(arguments.layout)}'")
    size = None if arguments.size is None else read_size(arguments.size)
    precisions = read_names("--precision", arguments.precision, PRECISIONS)
    warps = read_names("--warp", arguments.warp, WARPS)
    if ("int8" in precisions) != (arguments.calibrate is not None):
        raise UsageError("--precision int8 and --calibrate DIR, a folder of ordinary videos, go together")
    with needing("train", "export"):
        from vfi_flow.export.calibration import Place
        from vfi_flow.export.to_onnx import Variant
        from vfi_flow.export.write import write_variants
        from vfi_flow.model.weights import find_weights
        from vfi_flow.training.triplets import spread_over
    weights = find_weights(arguments.model)
    variants = [Variant(precision, warp, size) for precision, warp in product(precisions, warps)]
    found = [] if arguments.calibrate is None else spread_over(arguments.calibrate, PLACES)
    if found and len(found) < PLACES:
        say(f"{arguments.calibrate}: only {len(found)} places found; int8 wants {PLACES}")
    places = [Place(one.pair.frame0, one.truth, one.pair.frame1) for one in found]
    files = []
    halvings = SCALES[arguments.scale]
    for file in write_variants(weights, arguments.output_dir, layouts, steps, variants, places, halvings):
        print(file.path, flush=True)
        files.append(file)
    if arguments.verify:
        verify(files, places)
    return 0


def quiet_tracer() -> None:
    """To be called before torch is loaded: its tracer warns of the node that is expanded afterwards."""
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")


def verify(files: list[Any], places: list[Any]) -> None:
    """Prints a table of the files against torch; raises VerificationError when one differs too much."""
    from vfi_flow.export.parity import compare, table

    rows = []

    def seen():  # type: ignore[no-untyped-def]
        for row in compare(files, places):
            rows.append(row)
            yield row

    for line in table(seen()):
        print(line, flush=True)
    failed = sorted({row.file for row in rows if not row.passed})
    if failed:
        raise VerificationError(f"{', '.join(failed)}: not what torch computes, see the rows that say FAILED")


def words(values: list[str]) -> list[str]:
    """Names with spaces or commas between them, each once."""
    return list(dict.fromkeys(filter(None, split_words(values))))


def read_names(option: str, values: list[str], known: tuple[str, ...]) -> list[str]:
    names = words(values)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        listed = f"{', '.join(known[:-1])} and {known[-1]}"
        raise UsageError(f"{option} takes {listed}, got '{' '.join(values)}'")
    return names


def read_steps(values: list[str]) -> list[Any]:
    """Numbers, and the word `input`."""
    names = words(values)
    if not names or not set(names) <= {"0", "1", "2", "input"}:
        raise UsageError(f"--steps takes 0, 1 and 2, got '{' '.join(values)}'; or the word `input`")
    return [int(name) if name.isdecimal() else name for name in names]


def read_size(text: str) -> tuple[int, int]:
    """Width and height."""
    with suppress(ValueError):
        if max(size := parse_size(text)) <= LONGEST_SIDE:
            return size
    raise UsageError(
        f"--size takes WIDTHxHEIGHT such as 1920x1080, from 1x1 to {LONGEST_SIDE}x{LONGEST_SIDE}, got '{text}'"
    )
