"""What lies in the folder of a run, by name; without torch."""

from pathlib import Path

BEST = "best.safetensors"
"""The weights that were best on validation."""
CHECKPOINT = "checkpoint"
"""A folder."""


def former_of(path: Path) -> Path:
    """Where `path` lies while it is replaced."""
    return path.with_name(path.name + ".former")


def begun(folder: Path) -> bool:
    """Whether there is a run to go on with, even if its last save was cut off."""
    checkpoint = folder / CHECKPOINT
    return checkpoint.exists() or former_of(checkpoint).exists()
