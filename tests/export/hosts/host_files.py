"""What hosts read and write, and what their READMEs say."""

import re
from pathlib import Path

import numpy as np
from scripts import ROOT

HOSTS = ROOT / "export" / "hosts"


def readme_command(host: str, word: str) -> str:
    """The one line in the README of `host` that starts with `word`."""
    [line] = re.findall(rf"^{word} .*$", (HOSTS / host / "README.md").read_text(), flags=re.MULTILINE)
    return line


def write_ppm(path: Path, frame: np.ndarray, comment: bytes = b"") -> None:
    height, width, _ = frame.shape
    path.write_bytes(b"P6\n%s%d %d\n255\n" % (comment, width, height) + frame.tobytes())


def read_ppm(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 of a file whose header has four words and no comments."""
    _, width, height, rest = path.read_bytes().split(maxsplit=3)
    return np.frombuffer(rest.removeprefix(b"255\n"), np.uint8).reshape(int(height), int(width), 3)
