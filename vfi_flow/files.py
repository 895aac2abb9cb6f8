"""Files that are whole or not there, and replace nothing by accident; what tells them apart; where caches are."""

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from vfi_flow.errors import OutputError


def write_complete(path: Path, data: bytes) -> None:
    """The file appears under its name only when it is complete; one that is there is replaced.

    Into what is no file of its own (a named pipe, `/dev/stderr`) the data are written, behind what is there.
    """
    try:
        if _grows(path):
            with path.open("ab") as file:
                file.write(data)
        else:
            _replace(path.resolve(), data)  # of a link the file that it leads to
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _grows(path: Path) -> bool:
    """Whether it stands for an open file, as in /dev, /dev/fd and /proc, or is no file; /dev/shm has ordinary ones."""
    folder = path.absolute().parent.resolve()
    is_open = folder in (Path("/dev"), Path("/dev/fd")) or folder.is_relative_to("/proc")
    return is_open or (path.exists() and not path.is_file())


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.stem[:50]}.{os.getpid()}{path.suffix}")  # a character takes up to 4 of 255 bytes
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def check_free(path: Path, what: str, taken: Mapping[str, Iterable[Path]], overwrite: bool) -> None:
    """OutputError, before the work starts, where its result could not or must not be written to `path` after it.

    Args:
        what: is written, such as "the report".
        taken: files that it must not replace, under whatever name, by what they are ("the input itself").
        overwrite: any other file may be replaced.
    """
    try:
        for role, files in taken.items():
            if any(is_same(path, file) for file in files):
                raise OutputError(f"{path}: is {role}; choose another name for {what}")
        if path.is_dir():
            raise OutputError(f"{path}: is a folder, expected a file for {what}")
        if path.is_file() and not overwrite:
            raise OutputError(f"{path} exists; pass --overwrite to replace it")
        folder = path.resolve().parent  # of a link that of the file that it leads to
        if not folder.is_dir():
            raise OutputError(f"{path.parent}: no such folder for {what}")
        if not _grows(path) and not os.access(folder, os.W_OK):
            raise OutputError(f"{folder}: no permission to write {what} into this folder")
    except OSError as error:  # such as a name that is too long
        raise OutputError(f"{path}: {error.strerror}") from None
    except RuntimeError:  # of Python below 3.13
        raise OutputError(f"{path}: is a link that leads to itself") from None


def is_same(path: Path, other: Path) -> bool:
    """Whether two names mean one file, which need not be there yet."""
    return path.resolve() == other.resolve() or (path.exists() and other.exists() and identity(path) == identity(other))


def identity(path: Path) -> tuple[int, int] | Path:
    """What all names of a file that is there have in common; on shares that number no files, where they lead to."""
    found = path.stat()
    return (found.st_dev, found.st_ino) if found.st_ino else path.resolve()


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """Where this user's programs keep what can be made again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return Path(base) / "vfi_flow" if base else Path.home() / "AppData" / "Local" / "vfi_flow"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "vfi_flow"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vfi_flow"
