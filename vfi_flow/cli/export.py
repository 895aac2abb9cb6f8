"""`vfi-flow export`: a trained model as ONNX files."""

import argparse
import os
from pathlib import Path

from vfi_flow.errors import ComponentError, UsageError

DESCRIPTION = """Writes a model as ONNX files: `split` is what this package runs itself (features of a frame are
computed once), `native` is the whole integrator in one file for other programs."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("export", help="write a model as ONNX files", description=DESCRIPTION)
    parser.add_argument("--model", default="base", metavar="NAME|FILE", help="preset or weights file (default base)")
    parser.add_argument("--layout", default="native", metavar="LIST", help="of split, native (default native)")
    parser.add_argument(
        "--steps", default="0,1,2", metavar="LIST", help="solver steps, a file for each (default 0,1,2)"
    )
    parser.add_argument("--output-dir", type=Path, default=Path(), metavar="DIR", help="default: the current folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # the tracer warns of the node that is expanded afterwards
    try:
        from vfi_flow.export.write import write_onnx
        from vfi_flow.model.weights import packaged_weights
    except ImportError as error:
        raise ComponentError(f'export needs {error.name}; run: pip install "vfi-flow[train]"') from error
    path = Path(arguments.model)
    weights = path if path.suffix else packaged_weights(arguments.model)
    for file in write_onnx(weights, arguments.output_dir, arguments.layout.split(","), read_steps(arguments.steps)):
        print(file)
    return 0


def read_steps(text: str) -> list[int]:
    try:
        steps = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--steps takes numbers with commas between them, got '{text}'") from error
    if not set(steps) <= {0, 1, 2}:
        raise UsageError(f"--steps takes 0, 1 and 2, got '{text}'")
    return steps
