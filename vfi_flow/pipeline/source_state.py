"""Whether a source is still what it was."""

import datetime
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vfi_flow.errors import InputError
from vfi_flow.media.endpoints import Source
from vfi_flow.pipeline.output_files import files_of

FILES, SIZE, TIME, CONTENT = "the number of files", "the size in bytes", "the time of the last change", "the content"

EDGE_BYTES = 1 << 16
"""Of a source's first and last file, so much of the beginning and of the end is looked at."""

Facts = dict[str, str | None]


class SourceChanged(InputError):
    """A source that is not the same any more."""


def state_of(source: Source) -> Facts:
    """What tells whether a source is still the same; nothing of a pipe."""
    files = files_of(source)
    if not files:
        return {}
    stats = [path.stat() for path in files]
    latest = max(stat.st_mtime_ns for stat in stats)
    moment = datetime.datetime.fromtimestamp(latest // 10**9, datetime.UTC)
    return {
        FILES: str(len(files)),
        SIZE: str(sum(stat.st_size for stat in stats)),
        CONTENT: edges(dict.fromkeys([files[0], files[-1]])),
        TIME: f"{moment:%Y-%m-%d %H:%M:%S}.{latest % 10**9:09d} UTC",
    }


def edges(files: dict[Path, None]) -> str:
    """Checksum of the first and last bytes of `files`."""
    found = hashlib.sha256()
    for path in files:
        with open(path, "rb") as file:
            found.update(file.read(EDGE_BYTES))
            file.seek(max(0, path.stat().st_size - EDGE_BYTES))
            found.update(file.read(EDGE_BYTES))
    return found.hexdigest()[:16]


@contextmanager
def unchanging(source: Source) -> Iterator[None]:
    """SourceChanged where the source is another one when the block ends, well or with another InputError."""
    before = state_of(source)
    try:
        yield
    except InputError as error:
        if change := change_since(before, source):
            raise SourceChanged(f"{source}: {change} while it was read; nothing was kept") from error
        raise
    if change := change_since(before, source):
        raise SourceChanged(f"{source}: {change} while it was read; nothing was kept")


def change_since(before: Facts, source: Source) -> str | None:
    """What has happened to a source since `state_of` it was `before`; None: nothing, or it was only touched."""
    try:
        now = state_of(source)
    except OSError:
        now = {}
    if before and not now:
        return None  # an open file that is removed is there as long as it is read
    if all(now.get(name) == value for name, value in before.items() if name != TIME):
        return None
    if now[SIZE] == before[SIZE] or now[FILES] != before[FILES]:
        return "changed"
    verb = "grew" if int(now[SIZE] or 0) > int(before[SIZE] or 0) else "shrank"
    return f"{verb} from {before[SIZE]} to {now[SIZE]} bytes"
