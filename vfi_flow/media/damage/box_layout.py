"""Whether the boxes of an mp4 or mov file cover it."""

from pathlib import Path
from typing import BinaryIO

from vfi_flow.media.damage.foreign import is_padding, place_of

BOXES = frozenset(b"ftyp moov mdat moof mfra mfro free skip wide styp sidx ssix uuid emsg prft pssh meta".split())
"""Names of what mp4 and mov files mostly consist of."""
FRAGMENT = b"moof\0\0\0\x10mfhd"
"""What a fragment of them begins with, after its length."""
SPACE_RUN = 16
"""Bytes of one value that a fragment hardly ends in by chance."""


def misfit_of_boxes(path: Path) -> str:
    """Where the boxes of an mp4 or mov file do not cover it; "" where they do, or what follows them is none of it.

    The boxes' sizes are all there is to see it by where a file is written in fragments, without a length in its header.
    Cameras and others append what only looks like a box: it has another name, and the recording is complete before.
    """
    size, offset = path.stat().st_size, 0
    passed: set[bytes] = set()
    with path.open("rb") as file:
        while offset + 8 <= size:
            file.seek(offset)
            head = file.read(16)
            length, name = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:], "big")  # 64 bits, after the name
            if length == 0 and (name in BOXES or b"moof" not in passed):  # up to the end
                return ""
            if length < 8 or (offset + length > size and name not in BOXES and is_complete(passed)):
                is_inside = b"moof" in passed and (
                    place_of(file, FRAGMENT, offset) is not None
                    or not (b"mfra" in passed or is_appended(file, offset, name))
                )
                return f"the file is damaged at byte {offset}" if is_inside else ""
            passed.add(name)
            offset += length
    return f"the file is truncated; {offset - size} bytes are missing at its end" if offset > size else ""


def is_appended(file: BinaryIO, begin: int, name: bytes) -> bool:
    """Whether what follows the fragments from byte `begin` on is none of them: space, or named as no box is."""
    if is_padding(file, begin):
        file.seek(begin - SPACE_RUN)
        return len(set(file.read(SPACE_RUN + 1))) > 1  # not begun inside of the fragment
    return name not in BOXES and name.isascii() and name.decode("ascii").isprintable()


def is_complete(passed: set[bytes]) -> bool:
    """Whether boxes with these names make a video."""
    return b"moof" in passed or passed >= {b"moov", b"mdat"}
