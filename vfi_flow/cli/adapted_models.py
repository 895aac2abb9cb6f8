"""The cache of models that were fitted to a video: one folder each, under a name of all that it depends on."""

import argparse
import atexit
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vfi_flow import __version__
from vfi_flow.errors import OutputError
from vfi_flow.files import file_hash
from vfi_flow.pipeline.plan import Plan

if TYPE_CHECKING:
    from vfi_flow.training.adaptation import Adaptation

RECORD, WEIGHTS = "adaptation.json", "adapted.safetensors"


def kept(folder: Path) -> "Adaptation | None":
    """What is in the cache, if it is whole."""
    from vfi_flow.training.adaptation import Adaptation

    try:
        found = Adaptation(**json.loads((folder / RECORD).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if not found.share or (folder / WEIGHTS).is_file() else None


def key_of(arguments: argparse.Namespace, plan: Plan, video: Path, weights: Path) -> str:
    """A name for what depends on nothing but this file, its part, this model and how it is used."""
    job, beside = plan.job, "on" if plan.job.neighbours else "off"
    uses = [arguments.adapt, arguments.steps, arguments.strength, beside, job.window.start, job.window.end, __version__]
    return "-".join([file_hash(video)[:16], file_hash(weights)[:16], *(str(use).replace("/", "_") for use in uses)])


def scratch_folder() -> Path:
    """A folder that is there until this process ends: with it, what no cache has room for can be used once."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="vfi_flow_"))
    except OSError as error:
        raise OutputError(f"no temporary folder can be made ({error.strerror})") from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def keep(made: Path, folder: Path) -> None:
    """Copies what is in `made` to `folder`, which appears when all is in it.

    What another job has put there meanwhile stays: it may read it.
    """
    if kept(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)  # damaged, if it is there
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=folder.parent))
    try:
        for path in made.iterdir():
            shutil.copyfile(path, draft / path.name)
        if not folder.exists():
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
