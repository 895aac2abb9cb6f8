"""Jobs that outlive an interruption: what is kept on disk, and whether it still belongs to the job."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av

from vfi_flow import __version__
from vfi_flow.errors import InputError, OutputError, UsageError, VerificationError
from vfi_flow.media.chunks import ChunkFolder, chunk_files, frames_in, write_atomically
from vfi_flow.media.endpoints import Source
from vfi_flow.media.images import ImageSequence
from vfi_flow.pipeline.output_files import NotReplacedError
from vfi_flow.pipeline.plan import Plan
from vfi_flow.pipeline.source_state import Facts, SourceChanged, state_of

MANIFEST = "manifest.json"

MANIFEST_VERSION = 1

ENGINE_NAMES = {"name": "--model", "hash": "the model", "engine": "--device", "adapted": "--adapt"}
"""What people call what an interpolator says about itself; the rest are options of that name."""

CUTS = "the list of cuts"


@contextmanager
def kept_chunks(plan: Plan, engine: Mapping[str, Any]) -> Iterator[ChunkFolder | None]:
    """The chunks of the job, with those of an earlier run if it is to be resumed; None: it is made in one go.

    Removed when the block ends well, and when they would be of no use. Otherwise the error gets a note about them.
    """
    if plan.chunks is None:
        yield None
        return
    chunks = opened(plan, plan.chunks, engine)
    try:
        yield chunks
    except (VerificationError, SourceChanged, NotReplacedError):
        leave(plan.chunks)
        raise
    except BaseException as error:
        if chunks.frames == 0:
            leave(plan.chunks)
        elif plan.chunks.is_dir():
            error.add_note(
                f"{chunks.frames} frames are kept in {plan.chunks}; the same command with --resume goes on from there"
            )
        raise
    leave(plan.chunks)


def opened(plan: Plan, folder: Path, engine: Mapping[str, Any]) -> ChunkFolder:
    """The folder with the manifest of this job in it. Chunks stay if the job is resumed, and fits them."""
    source, job = state_of(plan.job.source), job_facts(plan, engine)
    try:
        if plan.job.resume and frames_in(folder):
            check_fits(plan.job.source, folder, source, job)
            return ChunkFolder(folder)
        remove_chunks(folder)
        folder.mkdir(exist_ok=True)
        write_atomically(folder / MANIFEST, {"manifest_version": MANIFEST_VERSION, "source": source, "job": job})
        return ChunkFolder(folder)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror or error}") from error


def check_fits(source: Source, folder: Path, source_now: Facts, job_now: Facts) -> None:
    """InputError where the source is another one than that of the chunks, UsageError where the job is."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        source_before, job_before = dict(manifest["source"]), dict(manifest["job"])
    except (OSError, ValueError, KeyError, TypeError):
        raise OutputError(
            f"{folder / MANIFEST} cannot be read; start again with --overwrite instead of --resume"
        ) from None
    if found := difference(source_before, source_now):
        name, before, now = found
        raise InputError(
            f"{source} is not as it was when the job was interrupted: {name} was {before} and is {now}; "
            "start again with --overwrite instead of --resume"
        )
    if found := difference(job_before, job_now):
        name, before, now = found
        # How large tiles are depends on free memory where nobody says it.
        same = f"pass {name} {before}" if name == "--tile" else "give the same options"
        was = f"was {before} in the interrupted job and is {now}"
        was = "is another one than in the interrupted job" if name == CUTS else was
        raise UsageError(f"--resume: {name} {was}; {same}, or start again with --overwrite instead of --resume")


def difference(before: Facts, now: Facts) -> tuple[str, str, str] | None:
    """The first fact that differs, and both values; None where all are equal."""
    for name in {**before, **now}:
        if before.get(name) != now.get(name):
            return name, shown(before.get(name)), shown(now.get(name))
    return None


def shown(value: str | None) -> str:
    return "not given" if value is None else value


def job_facts(plan: Plan, engine: Mapping[str, Any]) -> Facts:
    """Everything that decides about pixels and times, by the names that people know it by."""
    job = plan.job
    options: dict[str, object] = {
        "-x": None if job.rate or job.slow else job.factor or 2,
        "-r": job.rate,
        "-framerate": job.source.rate if isinstance(job.source, ImageSequence) else None,
        "--slow": job.slow,
        "-ss": job.window.start,
        "-to or -t": job.window.end,
        "-c:v": plan.encoder.codec,
        "-pix_fmt": plan.encoder.pix_fmt,
        **{f"-{name}": value for name, value in plan.encoder.options.items()},
        "--deinterlace": job.deinterlace,
        "--scenes": "auto" if plan.looks_for_cuts else "off" if plan.scenes is None else "a list",
        CUTS: None if plan.scenes is None else digest(repr(plan.scenes.cuts)),
        "--cut-fill": job.cut_fill,
        "--dedup": "auto" if job.bridge_repeats else "off",
        "--protect": "auto" if job.protect else "off",
        "--neighbours": "on" if job.neighbours else "off",
        "--ignore-errors": "given" if job.ignore_errors else None,
        **{ENGINE_NAMES.get(name, f"--{name}"): value for name, value in engine.items()},
        "the version of vfi_flow": __version__,
        "the version of PyAV": av.__version__,
    }
    return {name: None if value is None else str(value) for name, value in options.items()}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def remove_chunks(folder: Path) -> None:
    """Remove a folder of chunks; what is not ours stays."""
    if not folder.is_dir():
        return
    for file in [*chunk_files(folder), folder / MANIFEST, (folder / MANIFEST).with_suffix(".new")]:
        file.unlink(missing_ok=True)
    with suppress(OSError):  # there is something else in it
        folder.rmdir()


def leave(folder: Path) -> None:
    """The same as far as it can be: the job has its result, or an error that says more."""
    with suppress(OSError):
        remove_chunks(folder)
