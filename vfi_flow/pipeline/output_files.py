"""Results on disk: may they be written, where do they grow, when do they get their name."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from vfi_flow.errors import OutputError
from vfi_flow.files import identity
from vfi_flow.media.chunks import frames_in
from vfi_flow.media.endpoints import Source, Target
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import InputPipe, OutputPipe
from vfi_flow.pipeline.output_lock import alone, mark_of

OnDisk = Path | ImageSequence

PATIENCE_SECONDS, POLL_SECONDS = 2.0, 0.1
"""Windows replaces no file that another program has open; virus scanners have new ones open for a moment."""


class NotReplacedError(OutputError):
    """A complete result that cannot get its name; it stays under that of the unfinished one."""


def where_it_leads(output: Target) -> Target:
    """Of a link the file that is meant: it is that which is made or replaced, and the link stays.

    One that leads to a name with another ending, which would mean another format, is replaced itself.
    """
    if not isinstance(output, Path) or not os.path.islink(output):
        return output
    end = Path(os.path.realpath(output))
    return end if end.suffix == output.suffix else output


def check_output(output: Target, source: Source, overwrite: bool) -> None:
    """OutputError where the result cannot or must not be written."""
    if isinstance(output, OutputPipe):
        return
    try:
        _check_place(output, source, overwrite)
    except OSError as error:  # such as a name that is too long
        raise OutputError(f"{output}: {error.strerror}") from None


def _check_place(output: OnDisk, source: Source, overwrite: bool) -> None:
    folder = folder_of(output)
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such folder for the result")
    if isinstance(output, Path) and output.is_dir():
        raise OutputError(f"{output}: is a folder, expected a file name")
    if isinstance(output, Path) and output.exists() and not output.is_file():
        raise OutputError(f"{output}: is no file that could be replaced; write to - and redirect standard output there")
    there, partial = files_of(output), partial_of(output)
    if share_files(there, files_of(source)):
        raise OutputError(f"{output}: is the input itself; choose another name")
    if there and not overwrite:
        raise OutputError(f"{output} exists; pass --overwrite to replace it")
    if share_files(files_of(partial), files_of(source)):
        raise OutputError(f"{partial}: the input has the name that the unfinished result needs; choose another output")
    check_way(files_of(partial), is_ours=overwrite or was_begun(output))
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: no permission to write into this folder")


def check_way(partial: list[Path], is_ours: bool) -> None:
    """OutputError where something has the name of the unfinished result that is not left over from a job."""
    for path in partial:
        if path.is_dir() or not is_ours:
            way_out = "rename it" if path.is_dir() else "rename it, or pass --overwrite if it can go"
            raise OutputError(f"{path}: is in the way, the unfinished result needs this name; {way_out}")


def was_begun(output: OnDisk) -> bool:
    """Whether a job that was to write `output` has left its marks."""
    return mark_of(output).exists() or (isinstance(output, Path) and chunks_of(output).is_dir())


def check_chunks(output: Path, overwrite: bool, resume: bool) -> None:
    """OutputError where the work of another job would be lost, or something else has the name of its folder."""
    folder = chunks_of(output)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is in the way; the unfinished job needs this name for a folder")
    frames = frames_in(folder)
    if frames and not overwrite and not resume:
        with alone(output):  # or else it is not interrupted at all
            pass
        raise OutputError(
            f"{folder} holds {frames} frames of an interrupted job; pass --resume to go on with it, "
            "or --overwrite to start again"
        )


def chunks_of(output: Path) -> Path:
    """Folder for the parts of a job that may be interrupted: `film.mkv` -> `film.mkv.resume`."""
    return output.with_name(f"{output.name}.resume")


@contextmanager
def unfinished(output: Target, overwrite: bool) -> Iterator[Target]:
    """Name for the growing result; renamed to `output` when the block ends well, removed when it does not.

    NotReplacedError where a complete result cannot be renamed. What goes into a pipe grows there.
    """
    if isinstance(output, OutputPipe):
        yield output
        return
    partial = partial_of(output)
    for file in files_of(partial):  # of a job that was killed
        remove(file)
    try:
        yield partial
        if files_of(output) and not overwrite:
            raise OutputError(f"{output} was made by somebody else meanwhile; pass --overwrite to replace it")
        rename(partial, output)
    except NotReplacedError:
        raise
    except BaseException:
        for file in files_of(partial):
            with suppress(OSError):  # the error on its way out says more
                file.unlink(missing_ok=True)
        raise


def partial_of(output: OnDisk) -> OnDisk:
    """Where a result grows until it is complete: `film.mkv` -> `film.partial.mkv`, `%04d.png` -> `%04d.partial.png`."""
    path = output.pattern if isinstance(output, ImageSequence) else output
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    return replace(output, pattern=partial) if isinstance(output, ImageSequence) else partial


def rename(partial: OnDisk, output: OnDisk) -> None:
    """Give the finished result its name; older pictures of that name that it does not replace go."""
    if isinstance(partial, Path) and isinstance(output, Path):
        replace_file(partial, output, f"the result is complete in {partial}")
        return
    assert isinstance(partial, ImageSequence) and isinstance(output, ImageSequence)
    new = partial.numbers()
    for number in new:
        rest = f"the result is complete, from number {number} on in {partial}"
        replace_file(partial.path(number), output.path(number), rest)
    for number in set(output.numbers()) - set(new):
        remove(output.path(number))


def replace_file(partial: Path, path: Path, complete: str) -> None:
    """Rename `partial` to `path`; NotReplacedError, which begins with `complete`, where that fails for some time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            os.replace(partial, path)
            return
        except OSError as error:
            if not partial.exists():
                raise OutputError(f"{path}: {error.strerror}") from error
            if not isinstance(error, PermissionError) or time.monotonic() > deadline:
                done = "replaced" if path.exists() else "made"
                raise NotReplacedError(f"{complete}; {path} cannot be {done} ({error.strerror})") from error
        time.sleep(POLL_SECONDS)


def files_of(place: Source | Target) -> list[Path]:
    """The files that are there under this name."""
    match place:
        case InputPipe() | OutputPipe():
            return []
        case ImageSequence():
            return [place.path(number) for number in place.numbers()]
        case Path():
            return [place] if place.exists() else []


def names_of(place: Source) -> list[Path]:
    """The same, whether they are there or not."""
    return [place] if isinstance(place, Path) else files_of(place)


def share_files(some: list[Path], others: list[Path]) -> bool:
    """Whether one of `some` is one of `others`, under whatever name."""
    return not set(map(identity, some)).isdisjoint(map(identity, others))


def remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{file}: cannot be removed ({error.strerror})") from error


def folder_of(place: OnDisk) -> Path:
    return place.parent if isinstance(place, Path) else place.pattern.parent


def size_of(output: Target) -> int:
    """Bytes of the result."""
    if isinstance(output, OutputPipe):
        return output.bytes_written
    return sum(file.stat().st_size for file in files_of(output))
