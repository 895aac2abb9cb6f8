"""`vfi-flow doctor`: what is installed, which devices work here and how fast, and what a model costs."""

import argparse
import json
import platform
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from vfi_flow import __version__
from vfi_flow.cli.stdout import check_stdout, own_stdout
from vfi_flow.errors import ComponentError, UsageError, VfiFlowError, needing
from vfi_flow.versions import PACKAGES, installed_version

if TYPE_CHECKING:
    from vfi_flow.inference.self_test import Finding

DESCRIPTION = """Lists the versions of what is installed and, for every device that `--device` takes, what it makes of a
moving texture: the CPU's frame is compared with the true one, all others with that of the CPU. The speed is the median
for a new frame of 640x360 with one step. The exit code is 0 when the device that `auto` takes works."""

MODEL = "base"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "doctor", help="show versions, try every device, count the cost of a model", description=DESCRIPTION
    )
    parser.add_argument("--json", action="store_true", help="the same for scripts")
    parser.add_argument("--model", metavar="PRESET", help="print parameters and arithmetic of a preset instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.model is not None:
        if arguments.json:
            raise UsageError("--json is for what doctor finds out about this machine, not for --model")
        return print_cost(arguments.model)
    with own_stdout() as descriptor, open(descriptor, "w", encoding="utf-8", closefd=False) as out:
        report, code = examine((lambda line: None) if arguments.json else partial(print, file=out, flush=True))
        if arguments.json:
            print(json.dumps(report, indent=2), file=out)
    return code


def examine(say: Callable[[str], None]) -> tuple[dict[str, Any], int]:
    """What was found, and the exit code; every line for people goes to `say` as soon as it is known."""
    report: dict[str, Any] = {
        "vfi_flow": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: installed_version(name) for name in PACKAGES},
        "error": None,
        "default": None,
        "devices": [],
    }
    say(f"vfi_flow {__version__}, python {report['python']} on {report['system']}")
    for name, version in report["packages"].items():
        say(f"{name} {version or 'not installed'}")
    try:
        from vfi_flow.inference.onnx_session import load_runtime
        from vfi_flow.inference.self_test import default_device, findings

        runtime = load_runtime()
        report["default"] = default_device(runtime)
        say(f"\n--device auto takes {report['default']}")
        say(f"{'device':10} {'works':6} {'PSNR dB':>8} {'ms':>7} {'first ms':>9}")
        for finding in findings(runtime, MODEL):
            report["devices"].append(asdict(finding))
            say(row(finding))
    except VfiFlowError as error:
        report["error"] = str(error)
        say(f"engine: {error}")
        return report, error.exit_code
    model = next((each["model"] for each in report["devices"] if each["model"]), "none")
    say("\nPSNR: cpu against the true frame, others against cpu.")
    say(f"ms: a new frame of 640x360 with 1 step, model {model}.")
    works = any(each["works"] for each in report["devices"] if each["device"] == report["default"])
    return report, 0 if works else ComponentError.exit_code


def row(finding: "Finding") -> str:
    device = f"{finding.device:10} {'yes' if finding.works else 'no':6}"
    if not finding.works:
        return f"{device} {finding.reason}"
    return f"{device} {finding.psnr:8.1f} {finding.milliseconds:7.0f} {finding.first_milliseconds:9.0f}"


def print_cost(name: str) -> int:
    """Parameters and multiply-accumulates of a preset, counted by running it."""
    check_stdout()
    with needing("train", "counting"):
        from vfi_flow.model.config import preset
        from vfi_flow.model.cost import network_cost
        from vfi_flow.model.network import InterpolationNetwork
    config = preset(name)
    cost = network_cost(InterpolationNetwork(config))
    print(f"{name}: {cost.parameters / 1e6:.2f} M parameters; thousand multiply-accumulates per output pixel:")
    rows = (
        ("features of one frame", cost.encode),
        ("registration", cost.registration),
        ("fusion", cost.fusion),
        ("condition of the velocity", cost.condition),
        ("one evaluation of the velocity", cost.evaluation),
        (f"0 steps in a stream (budget {config.mean_budget / 1000:g})", cost.mean),
        (f"1 step in a stream (budget {config.sample_budget / 1000:g})", cost.sample()),
    )
    for label, count in rows:
        print(f"  {count / 1000:6.2f}  {label}")
    return 0
