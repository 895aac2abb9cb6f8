"""The Python host is short, stands alone, and is a function for programs that have their own pictures."""

import ast
import re
import shlex
import subprocess
import sys

import pytest

pytest.importorskip("torch")

from host_files import HOSTS, read_ppm, readme_command, write_ppm
from tiny_network import moving_texture

FOLDER = HOSTS / "python"
SCRIPT = FOLDER / "interpolate.py"


def test_it_needs_numpy_and_onnxruntime_only_and_has_less_than_sixty_lines():
    source = SCRIPT.read_text()
    roots = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add(str(node.module).split(".")[0])

    assert roots - sys.stdlib_module_names == {"numpy", "onnxruntime"}
    assert len(source.splitlines()) < 60


def test_the_command_of_its_readme_makes_pictures(folder):
    words = shlex.split(readme_command("python", "python"))
    for i in (0, 1):
        write_ppm(folder / f"frame{i}.ppm", moving_texture(20, 30, i))
    (folder / "interpolate.py").symlink_to(SCRIPT)

    subprocess.run([sys.executable, *words[1:]], cwd=folder, check=True)

    assert [read_ppm(folder / f"new00{i}.ppm").shape for i in (1, 2, 3)] == 3 * [(20, 30, 3)]


def test_onnxruntime_says_nothing_of_a_file_in_half_precision(tiny_model, tmp_path):
    from vfi_flow.export.write import Variant, write_variants

    [half] = write_variants(tiny_model, tmp_path, ["u8"], [1], [Variant("fp16", size=(48, 32))])
    for i in (0, 1):
        write_ppm(tmp_path / f"frame{i}.ppm", moving_texture(32, 48, i))
    words = [sys.executable, SCRIPT, half.path, "2", "frame0.ppm", "frame1.ppm", "new"]

    done = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("", "")


def test_the_program_of_its_readme_runs(folder):
    [program] = re.findall(
        r"^```python\n(.*?)^```$", (FOLDER / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL
    )
    (folder / "interpolate.py").symlink_to(SCRIPT)

    done = subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True)

    assert done.stdout == "(72, 128, 3)\n" * 3
