"""Whether the chunks of an AVI file cover it."""

import re
from pathlib import Path

from vfi_flow.media.damage.foreign import PADDING

CHUNKS = (b"RIFF", b"idx1")
APPENDED_CHUNK = re.compile(rb"[A-Za-z][A-Za-z0-9 _]{3}")
"""As in idx1 and JUNK; the names of what is in an index begin with digits."""
UNKNOWN_LENGTH = (0, 2**32 - 1)


def misfit_of_chunks(path: Path) -> str:
    """Where the RIFF chunks of an AVI file do not cover it; "" where they do, or were never completed.

    Behind them an index may stand, and what recorders append.
    """
    size, offset = path.stat().st_size, 0
    with path.open("rb") as file:
        while offset + 8 <= size:
            file.seek(offset)
            head = file.read(8)
            name, length = head[:4], int.from_bytes(head[4:], "little")
            if any(not head.strip(value) for value in PADDING):
                return ""
            if name != b"RIFF" and (offset == 0 or not APPENDED_CHUNK.fullmatch(name)):
                return f"the file is damaged; its parts do not fit together at byte {offset}"
            if name == b"RIFF" and length in UNKNOWN_LENGTH:  # a recording that nobody closed
                return ""
            if offset == 0 and length == size:  # some programs count the head of the chunk as well
                return ""
            if name not in CHUNKS and offset + 8 + length > size:
                return ""
            offset += 8 + length + length % 2
    # An odd last chunk may lack its padding.
    return f"the file is truncated; {offset - size} bytes are missing at its end" if offset > size + 1 else ""
