"""Files that are whole or not there."""

import contextlib
import os
from pathlib import Path

from vfi_flow.errors import OutputError


def write_complete(path: Path, data: bytes) -> None:
    """The file appears under its name only when it is complete; one that is there is replaced."""
    partial = path.with_name(f".{path.stem[:200]}.{os.getpid()}{path.suffix}")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
