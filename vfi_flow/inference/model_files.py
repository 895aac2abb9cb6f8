"""The files of a model in layout `stream`: which they are, and whether they belong together.

`NAME.encode.onnx`, `NAME.register.onnx` and `NAME.compose_STEPS.onnx` read their weights from `NAME.safetensors` beside
them; `NAME.enlarge.onnx` has none.
"""

import json
import re
import shlex
from importlib import resources
from pathlib import Path
from typing import Any

from vfi_flow.errors import ComponentError
from vfi_flow.files import file_hash
from vfi_flow.inference.engine import ModelInfo
from vfi_flow.inference.onnx_session import open_session
from vfi_flow.inference.providers import find_device
from vfi_flow.model.config import SCHEMA

ENCODE, REGISTER, ENLARGE, COMPOSE = "encode", "register", "enlarge", "compose"
PARTS = re.compile(rf"{ENCODE}|{REGISTER}|{ENLARGE}|{COMPOSE}_\d+")
EXPECTED = f"NAME.safetensors or, beside it, NAME.{ENCODE}.onnx, {REGISTER}, {ENLARGE} or {COMPOSE}_STEPS"
"""The files that name a model."""
LARGEST_HEADER = 10**8
"""Bytes; the format allows no more."""


def find_model(model: str | Path, runtime: Any) -> tuple[Path, str]:
    """Folder and name of a model: a preset that travels with the package, or the path of one of its files."""
    path = Path(model)
    if path.suffix in (".onnx", ".safetensors"):
        if not path.is_file():
            raise ComponentError(f"{path}: no such model file")
        name, _, part = path.stem.rpartition(".")
        if path.suffix == ".onnx" and not (name and PARTS.fullmatch(part)):
            raise ComponentError(f"{path}: {layout_of(path, runtime)}; expected {EXPECTED}")
        return path.parent, name if path.suffix == ".onnx" else path.stem
    folder = Path(str(resources.files("vfi_flow.model"))) / "weights"
    if not (folder / f"{model}.{ENCODE}.onnx").is_file():
        known = sorted(file.name.split(".")[0] for file in folder.glob(f"*.{ENCODE}.onnx"))
        if path.exists():
            raise ComponentError(f"{path} is no model file; expected {EXPECTED}")
        raise ComponentError(f"unknown model '{model}'; there are {', '.join(known) or 'none'}, or give a file's path")
    return folder, str(model)


def layout_of(path: Path, runtime: Any) -> str:
    """What a file is that is no part of layout `stream`, for a sentence."""
    metadata = metadata_of(open_session(runtime, path, find_device("cpu", runtime), None, {}), path)
    return f"of layout {metadata.get('layout', 'none')}, which is for other programs"


def metadata_of(session: Any, path: Path) -> dict[str, str]:
    """What a file says of itself; ComponentError for one that is not ours."""
    metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map
    if metadata.get("schema") != SCHEMA:
        raise ComponentError(
            f"{path}: not a model of vfi_flow (schema '{metadata.get('schema', 'none')}'); expected {EXPECTED}"
        )
    return metadata


def check_part(session: Any, path: Path, part: str) -> None:
    found = metadata_of(session, path).get("part", "something else")
    if found != part:
        raise ComponentError(f"{path}: holds {found}, in place of {part}")


def read_info(session: Any) -> ModelInfo:
    metadata = session.get_modelmeta().custom_metadata_map
    return ModelInfo(metadata["preset"], metadata["hash"], float(metadata["strength"]), metadata.get("summary", ""))


def check_weights(session: Any, weights: Path) -> None:
    """Graphs that read their weights from a file beside them know its hash: other bytes would be read as weights."""
    expected = session.get_modelmeta().custom_metadata_map.get("weights_sha256")
    if expected is not None and file_hash(weights) != expected:
        raise ComponentError(f"{weights}: changed since its graphs were exported; run `{export_command(weights)}`")


def check_whole(weights: Path) -> None:
    """Raises ComponentError for weights that were cut off: what ONNX Runtime says of them cannot be understood.

    A safetensors file begins with the length of its header (8 bytes), and this says where every tensor ends.
    """
    try:
        with open(weights, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, LARGEST_HEADER)))
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        size, expected = weights.stat().st_size, 8 + length + max(ends)
    except OSError as error:
        raise ComponentError(f"{weights}: cannot be read ({error.strerror})") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:  # of a header that is none
        raise ComponentError(f"{weights}: damaged, or no weights file; copy or install it again") from error
    if size != expected:
        raise ComponentError(f"{weights}: damaged, {size} bytes instead of {expected}; copy or install it again")


def export_command(weights: Path) -> str:
    """What makes the graphs of these weights, beside them."""
    model, folder = (shlex.quote(str(each)) for each in (weights, weights.parent))
    return f"vfi-flow export --layout stream --model {model} --output-dir {folder}"
