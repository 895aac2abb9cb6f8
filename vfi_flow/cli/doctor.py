"""`vfi-flow doctor`: what is installed, what works here, and what the model costs."""

import argparse
import platform
from importlib import metadata

PACKAGES = ("numpy", "av", "onnxruntime", "onnxruntime-gpu", "torch", "kornia", "opencv-python-headless", "onnx")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("doctor", help="show versions, engines and the cost of a model")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    print(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in PACKAGES:
        print(f"{name} {installed_version(name)}")
    return 0


def installed_version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
