"""The options of `vfi-flow train`; a run keeps them, so that --resume goes on with the same ones."""

import argparse
import json
import math
from pathlib import Path
from typing import Any

from vfi_flow.errors import InputError, OutputError, UsageError
from vfi_flow.files import write_complete

DATA = "folder of videos to learn from, with its subfolders; a resumed run knows it"
VAL = "videos to choose the best weights on (default: the last quarter of every shot in --data, which is kept back)"
LEARNING_RATE = "default 3e-4; for stage velocity 1e-3, for stage mean with --init 1e-4"
INIT = "weights to start from, e.g. base; of another preset what has the same shape (default: random)"
OVERLAYS = "of the videos' samples with text, a display or black bars burnt in"
FREEZE = "what stage motion or mean leaves as it is in --init: encoder, registration, fusion, a part: encoder.levels.0"
TEACHER = "weights that stage mean learns from, beside the truth, e.g. base for a smaller network"
GAPS = "wide", "near"
DISTANCES = "wide: frames up to 4 apart, half of them resized; near: mostly neighbours, at their own size"
PER_CLIP = "frames of a clip that are validated on, without --val of a shot and at most 24 in all"
MEMORY = "for decoded videos, of long ones the beginnings (default: a third of the memory that is free)"
STAGES = "motion", "mean", "fusion", "velocity"

RESUME = "go on from the checkpoint in --output, with the options of that run where no others are given"

KEPT = "options.json"
"""In the folder of a run: the options that it was last given."""
USUAL: dict[str, Any] = {
    "data": None,
    "val": None,
    "stills": None,
    "synthetic": 0.3,
    "gaps": "wide",
    "overlays": 0.12,
    "stage": "mean",
    "preset": None,
    "init": None,
    "teacher": None,
    "freeze": [],
    "minutes": 60.0,
    "samples": None,
    "batch": None,
    "crop": 192,
    "learning_rate": None,
    "flow_weight": 0.002,
    "lpips": None,
    "perceptual": 1.0,
    "validate_every": 6.0,
    "per_clip": 3,
    "processes": None,
    "max_gigabytes": None,
    "seed": 0,
}
"""Options that a run keeps, with their defaults; None: that depends on others or on the machine."""
PATHS = "data", "val", "stills", "lpips"
WEIGHTS = "init", "teacher"
LENGTHS = "minutes", "samples"
JUDGED_BY = {"data", "val", "per_clip", "lpips", "max_gigabytes"}
"""What the validation depends on."""
ABOVE_0 = "minutes", "learning_rate", "validate_every", "max_gigabytes"
LEAST = {"samples": 1, "batch": 1, "per_clip": 1, "processes": 1}
LEAST |= dict.fromkeys(("workers", "seed", "flow_weight", "perceptual"), 0)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that are not given are None until `complete`."""
    parser.add_argument("--data", type=Path, metavar="DIR", help=DATA)
    parser.add_argument("--val", type=Path, metavar="DIR", help=VAL)
    parser.add_argument("--stills", type=Path, metavar="DIR", help="photos for synthetic motion")
    parser.add_argument("--synthetic", type=float, metavar="SHARE", help=f"of samples (default {USUAL['synthetic']:g})")
    parser.add_argument("--gaps", choices=GAPS, help=f"{DISTANCES} (default {USUAL['gaps']})")
    parser.add_argument("--overlays", type=float, metavar="SHARE", help=f"{OVERLAYS} (default {USUAL['overlays']:g})")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--stage", choices=STAGES, help=f"one of these (default {USUAL['stage']})")
    parser.add_argument("--preset", help="tiny, fast or base (default: that of --init, or base)")
    parser.add_argument("--init", metavar="NAME|FILE", help=INIT)
    parser.add_argument("--teacher", metavar="NAME|FILE", help=TEACHER)
    parser.add_argument("--freeze", nargs="+", metavar="MODULE", help=FREEZE)
    parser.add_argument("--resume", action="store_true", help=RESUME)
    parser.add_argument(
        "--minutes", type=float, help=f"length of the run, resumed parts included (default {USUAL['minutes']:g})"
    )
    parser.add_argument("--samples", type=int, help="length in samples instead: repeatable with as many --processes")
    parser.add_argument("--batch", type=int, help="samples a step (default 12; 64 on a GPU)")
    parser.add_argument("--crop", type=int, help=f"side of a sample in pixels (default {USUAL['crop']:g})")
    parser.add_argument("--learning-rate", type=float, help=LEARNING_RATE)
    parser.add_argument("--flow-weight", type=float, help=f"of the flow targets (default {USUAL['flow_weight']:g})")
    parser.add_argument("--lpips", type=Path, metavar="FILE.npz", help="weights of LPIPS, for stage velocity")
    parser.add_argument("--perceptual", type=float, help=f"weight of LPIPS (default {USUAL['perceptual']:g})")
    parser.add_argument("--validate-every", type=float, metavar="MINUTES", help=f"default {USUAL['validate_every']:g}")
    parser.add_argument("--per-clip", type=int, help=f"{PER_CLIP} (default {USUAL['per_clip']:g})")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    parser.add_argument(
        "--processes", type=int, help="sharing the batch evenly (default: up to one a core, 1 with a GPU)"
    )
    parser.add_argument("--workers", type=int, help="processes that draw samples (default: 1, with a GPU all cores)")
    parser.add_argument("--max-gigabytes", type=float, help=MEMORY)
    parser.add_argument("--seed", type=int, help=f"of samples and weights (default {USUAL['seed']:g})")


def complete(arguments: argparse.Namespace) -> list[str]:
    """Fills in what is not given: with --resume from the run, else with what is usual. Returns what is now different.

    A length replaces the length that the run had and is no difference.
    """
    given = {name: kept(name, getattr(arguments, name)) for name in USUAL if getattr(arguments, name) is not None}
    stored = kept_options(arguments.output) if arguments.resume else {}
    if "init" in given and stored.get("init", given["init"]) != given["init"]:
        began = f"began with {stored['init'] or 'random weights'}"
        raise UsageError(
            f"--init {arguments.init} does not go with --resume: {arguments.output} {began} and goes on with its own "
            "weights; leave it out, or name another folder for a new run"
        )
    if given.keys() & LENGTHS:
        stored = {name: value for name, value in stored.items() if name not in LENGTHS}
    for name, value in {**USUAL, **stored}.items():
        if name not in given:
            setattr(arguments, name, Path(value) if name in PATHS and value is not None else value)
    different = [name for name, value in given.items() if name in stored and stored[name] != value]
    arguments.judged_anew = not JUDGED_BY.isdisjoint(different)
    return [f"{dashed(name)} {shown(given[name])} (was {shown(stored[name])})" for name in different]


def kept_options(folder: Path) -> dict[str, Any]:
    """The options that a run was last given; none of a run that began before they were kept."""
    try:
        stored = {name: v for name, v in json.loads((folder / KEPT).read_text()).items() if name in USUAL}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f"{folder / KEPT}: cannot be read ({error}); without this file --resume takes defaults"
        ) from error
    parser = argparse.ArgumentParser()
    add_options(parser)
    for action in parser._actions:
        if action.dest in stored and not could_be(action, stored[action.dest]):
            wrong = f"{dashed(action.dest)} cannot be {stored[action.dest]!r}"
            raise InputError(f"{folder / KEPT}: {wrong}; without this file --resume takes defaults")
    return stored


def could_be(option: argparse.Action, value: Any) -> bool:
    """Whether the command line can give this value, as JSON holds it, or it is the default."""
    if value == USUAL[option.dest]:
        return True
    if option.nargs == "+":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    kinds = (int, float) if option.type is float else (int,) if option.type is int else (str,)
    return type(value) in kinds and (option.choices is None or value in option.choices)


def keep(arguments: argparse.Namespace) -> None:
    """Writes the options of the run to its folder."""
    write_complete(arguments.output / KEPT, to_json(arguments).encode())


def to_json(arguments: argparse.Namespace) -> str:
    return json.dumps({name: kept(name, getattr(arguments, name)) for name in USUAL}, indent=1)


def kept(name: str, value: Any) -> Any:
    """As JSON holds it; paths are good from every folder."""
    if value is not None and (name in PATHS or (name in WEIGHTS and Path(value).suffix == ".safetensors")):
        return str(Path(value).absolute())
    return value


def shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value) or "none"
    return "default" if value is None else str(value)


def dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def check(arguments: argparse.Namespace) -> None:
    """Refuses what cannot work, before anything is read or written."""
    from vfi_flow.training.run_folder import begun

    if begun(arguments.output) and not arguments.resume:
        raise OutputError(f"{arguments.output} holds a run; pass --resume to go on with it, or name another folder")
    if arguments.resume and not begun(arguments.output):
        raise InputError(f"{arguments.output}: no checkpoint to resume from")
    if arguments.data is None:
        raise UsageError("--data is missing: a folder of videos to learn from")
    check_numbers(arguments)
    if arguments.perceptual != USUAL["perceptual"] and arguments.lpips is None:
        raise UsageError("--perceptual weighs LPIPS: pass its weights with --lpips")
    if arguments.teacher is not None and arguments.stage != "mean":
        raise UsageError(f"--teacher goes with stage mean, not with stage {arguments.stage}")
    if arguments.freeze and arguments.stage not in ("motion", "mean"):
        raise UsageError(f"--freeze goes with stage motion or mean; stage {arguments.stage} learns one module alone")
    if arguments.freeze and arguments.init is None and not arguments.resume:
        raise UsageError("--freeze keeps modules of a trained network: pass its weights with --init")
    if arguments.lpips is not None and arguments.stage != "velocity":
        raise UsageError(f"--lpips goes with stage velocity, not with stage {arguments.stage}")
    learns_flow = arguments.stage in ("motion", "mean") and arguments.teacher is None
    if arguments.flow_weight != USUAL["flow_weight"] and not learns_flow:
        raise UsageError("--flow-weight goes with stage motion or mean, without --teacher")
    needed = {"velocity": "mean", "fusion": "registration"}.get(arguments.stage)
    if needed and arguments.init is None and not arguments.resume:
        raise UsageError(f"stage {arguments.stage} needs a trained {needed}: pass its weights with --init")


def check_numbers(arguments: argparse.Namespace) -> None:
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    for name in ABOVE_0:
        if name in given and not 0 < given[name] < math.inf:
            raise UsageError(f"{dashed(name)} must be above 0, got {given[name]}")
    for name, least in LEAST.items():
        if name in given and not least <= given[name] < math.inf:
            raise UsageError(f"{dashed(name)} must be at least {least}, got {given[name]}")
    if arguments.seed >= 2**32:
        raise UsageError(f"--seed must be below 2**32, got {arguments.seed}")
    if arguments.crop < 64 or arguments.crop % 32:
        raise UsageError(f"--crop must be a multiple of 32 and at least 64, got {arguments.crop}")
    for name in ("synthetic", "overlays"):
        if not 0 <= getattr(arguments, name) <= 1:
            raise UsageError(f"--{name} must be from 0 to 1, got {getattr(arguments, name)}")
