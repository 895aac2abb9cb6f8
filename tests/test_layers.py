"""Imports point one way, and what needs no torch loads none."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

# cli -> pipeline -> inference | media -> model -> flow_matching | motion -> files -> errors
MATHS = {"flow_matching", "motion"}
MAY_IMPORT = {
    "errors": set(),
    "files": {"errors"},
    "spelling": set(),
    "stopping": set(),
    "versions": set(),
    "flow_matching": {"errors"},
    "motion": {"errors"},
    "model": {"errors", *MATHS},
    "media": {"errors", "spelling"},
    "inference": {"errors", "files", *MATHS, "model"},
    "pipeline": {"errors", "files", "versions", *MATHS, "model", "media", "inference"},
    # These use the package and are not used by it; only the command line may start them.
    "training": {"errors", "stopping", *MATHS, "model", "media", "inference"},
    "export": {"errors", "files", "spelling", *MATHS, "model", "inference"},
}
MAY_IMPORT["cli"] = set(MAY_IMPORT)
MAY_IMPORT["__main__"] = {"cli"}
# Of `media` a part may import these modules, and none of them, nor what they import, knows the part.
PARTS_OF_MEDIA = {
    "damage": {"container", "endpoints", "images", "moment", "opening", "pipe", "timing"},
    "pixels": {"description", "side_data"},
}
ROOT_MODULE = "vfi_flow"  # vfi_flow/__init__.py: version and the lazily imported Interpolator

HEAVY = {"torch", "cv2", "kornia", "onnx", "onnxruntime", "onnxscript", "safetensors"}
WITHOUT_TORCH = ("media", "pipeline", "errors", "inference/onnx_interpolator")


class Import(NamedTuple):
    name: str
    """Dotted, as written: vfi_flow.media.timing; of `from vfi_flow import media` it is vfi_flow.media."""
    line: int
    lazy: bool
    """Inside a function or under TYPE_CHECKING: not run when the module is imported."""


def imports(source: str, package: str) -> Iterator[Import]:
    """All imports of a module that lies in `package` (dotted), nested ones too."""

    def walk(node: ast.AST, lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            names: list[str] = []
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    parents = package.split(".")[: len(package.split(".")) - child.level + 1]
                    base = ".".join([*parents, *([base] if base else [])])
                names = [f"{base}.{alias.name}" for alias in child.names] if base == ROOT_MODULE else [base]
            yield from (Import(name, child.lineno, lazy) for name in names)
            inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            guarded = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from walk(child, lazy or inner or guarded)

    return walk(ast.parse(source), lazy=False)


def layer_of(name: str) -> str | None:
    """Layer of a dotted module name; None for names of the root module and for other packages."""
    parts = name.split(".")
    return parts[1] if parts[0] == ROOT_MODULE and len(parts) > 1 and parts[1] in MAY_IMPORT else None


def modules() -> list[tuple[str, Path]]:
    """Dotted name and file of every module of the package; export/ is vfi_flow.export."""
    found = []
    for folder, prefix in ((ROOT / "vfi_flow", "vfi_flow"), (ROOT / "export", "vfi_flow.export")):
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found.append((".".join([prefix, *(part for part in parts if part != "__init__")]), path))
    return found


def broken_rules(name: str, source: str, is_package: bool = False) -> list[str]:
    """One sentence for every import of module `name` that its layer may not have."""
    layer = layer_of(name)
    package = name if is_package else name.rpartition(".")[0]
    found = []
    for target, line, lazy in imports(source, package):
        other, library = layer_of(target), target.split(".")[0]
        place = f"{name}:{line}"
        if layer is None:
            if other not in (None, "errors") and not lazy:
                found.append(f"{place} imports {target} while `{name}` is imported")
        elif other not in (None, layer) and other not in MAY_IMPORT[layer]:
            found.append(f"{place} imports {target}: {layer} must not know {other}")
        if library in HEAVY and not lazy and (layer in (None, "cli", "media", "pipeline")):
            found.append(f"{place} imports {library} outside a function")
        if layer == "cli" and other in ("training", "export") and not lazy:
            found.append(f"{place} imports {target} outside a function")
        if library == "torch" and name.removeprefix("vfi_flow.").replace(".", "/").startswith(WITHOUT_TORCH):
            found.append(f"{place} imports torch")
        if library == "samples":
            found.append(f"{place} imports samples")
    return found


def names_used(name: str, path: Path) -> set[str]:
    """Dotted names of the modules that a module imports; of `from package import module` both."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    source = path.read_text()
    taken = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    parts = {f"{node.module}.{alias.name}" for node in taken for alias in node.names}
    return {found.name for found in imports(source, package)} | parts


@pytest.mark.parametrize(("name", "path"), modules(), ids=[name for name, _ in modules()])
def test_imports_point_one_way(name, path):
    assert broken_rules(name, path.read_text(), path.name == "__init__.py") == []


def test_every_subpackage_has_its_place_in_the_order():
    folders = {path.parent.name for path in (ROOT / "vfi_flow").glob("*/__init__.py")}

    assert folders <= set(MAY_IMPORT)


@pytest.mark.parametrize("part", PARTS_OF_MEDIA)
def test_imports_between_media_and_its_parts_point_one_way(part):
    media = "vfi_flow.media"
    used = {name: names_used(name, path) for name, path in modules() if name.startswith(f"{media}.")}
    allowed = {f"{media}.{name}" for name in PARTS_OF_MEDIA[part]}
    inside = {name for name in used if f"{name}.".startswith(f"{media}.{part}.")}

    beneath, waiting = set(), list(allowed)
    while waiting:
        name = waiting.pop()
        if name not in beneath:
            beneath.add(name)
            waiting += used[name] & used.keys()
    assert {other for name in inside for other in used[name] if other in used} - inside == allowed
    assert beneath & inside == set()


def test_every_part_of_media_has_its_place_in_the_order():
    assert {path.parent.name for path in (ROOT / "vfi_flow" / "media").glob("*/__init__.py")} == set(PARTS_OF_MEDIA)


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("vfi_flow.media.reader", "from vfi_flow.inference.padding import pad", "media must not know inference"),
        ("vfi_flow.inference.tiling", "import vfi_flow.media.frame", "inference must not know media"),
        ("vfi_flow.motion.warp", "def f():\n    from vfi_flow.model import network", "motion must not know model"),
        ("vfi_flow.model.network", "from ..inference import noise", "model must not know inference"),
        ("vfi_flow.pipeline.run", "def f():\n    import torch.nn", "imports torch"),
        ("vfi_flow.inference.onnx_interpolator", "from torch import nn", "imports torch"),
        ("vfi_flow.pipeline.plan", "from vfi_flow import cli", "pipeline must not know cli"),
        ("vfi_flow.inference.noise", "from vfi_flow.training.loop import train", "inference must not know training"),
        ("vfi_flow.cli.train", "from vfi_flow.training import loop", "outside a function"),
        ("vfi_flow.cli.doctor", "try:\n    import cv2\nexcept ImportError:\n    pass", "outside a function"),
        ("vfi_flow", "from vfi_flow.inference.interpolator import Interpolator", "while `vfi_flow` is imported"),
    ],
)
def test_a_wrong_import_is_found(name, source, complaint):
    assert any(complaint in sentence for sentence in broken_rules(name, source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (
            "vfi_flow.pipeline.run",
            "from vfi_flow.media.reader import open_video\nfrom vfi_flow.errors import InputError",
        ),
        ("vfi_flow.cli.train", "def run(arguments):\n    from vfi_flow.training import loop\n    import torch"),
        (
            "vfi_flow.model.network",
            "import torch\nfrom vfi_flow.motion.warp import backward_warp\nfrom . import layers",
        ),
        ("vfi_flow.media.reader", "import av\nfrom vfi_flow import __version__"),
    ],
)
def test_a_right_import_is_not_found(name, source):
    assert broken_rules(name, source) == []


def python(code: str) -> str:
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_command_line_loads_neither_torch_nor_cv2_nor_onnxruntime():
    loaded = python("import sys, vfi_flow.cli.main; print(*sys.modules)").split()

    assert "vfi_flow.cli.main" in loaded
    assert HEAVY.isdisjoint(loaded)


def test_what_interpolates_a_file_works_where_only_base_and_cpu_are_installed():
    """No other package can be imported: media, pipeline, the interpolator and its ONNX engine must not care."""
    parts = ("vfi_flow.media", "vfi_flow.pipeline", "vfi_flow.cli", "vfi_flow.errors")
    engines = ("vfi_flow.inference.interpolator", "vfi_flow.inference.onnx_interpolator")
    names = [name for name, _ in modules() if name.startswith(parts) or name in engines]
    missing = sorted(HEAVY - {"onnxruntime"})

    imported = python(
        f"import importlib, sys\nfor name in {missing}: sys.modules[name] = None\n"
        f"for name in {names}: importlib.import_module(name); print(name)"
    )

    assert imported.split() == names
